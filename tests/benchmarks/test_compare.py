"""A difference counts only where it is larger than the runs' own spread."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cli import EXIT_USAGE, main
from benchmarks.compare import Change, compare
from benchmarks.report import Report, Spread

BASE = Report("demo", (), {"step_us": Spread(100, 98, 103), "file_kb": 149.0, "saved_ratio": Spread(0.5, 0.49, 0.51)})


def spread(median: float, width: float) -> dict[str, float]:
    return {"median": median, "low": median - width, "high": median + width}


@pytest.mark.parametrize(
    ("name", "before", "after", "verdict"),
    [
        ("step_us", spread(100, 2), spread(130, 2), "more"),
        ("step_us", spread(100, 2), spread(70, 2), "less"),
        ("step_us", spread(100, 2), spread(106, 2), "noise"),  # apart, but by less than a machine drifts
        ("step_us", spread(100, 20), spread(130, 20), "noise"),  # the quartiles overlap
        ("saved_ratio", spread(1.00, 0.01), spread(1.06, 0.01), "more"),  # a ratio does not drift
        ("once_ms", 10.0, 12.0, "noise"),
        ("once_ms", 10.0, 13.0, "more"),
        ("file_kb", 149.0, 149.1, "more"),  # exact
        ("file_kb", 149.0, 149.0, "same"),
    ],
)
def test_the_rule(name: str, before: Any, after: Any, verdict: str) -> None:
    assert Change(f"demo.{name}", before, after).verdict == verdict


def written(report: Report, path: Path) -> Path:
    path.write_text(json.dumps(asdict(report)), encoding="utf-8")
    return path


def test_two_files_are_compared_and_the_rule_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(BASE, figures={**BASE.figures, "step_us": Spread(200, 198, 203), "file_kb": 150.0})
    first, second = written(BASE, tmp_path / "a.json"), written(other, tmp_path / "b.json")
    assert main(["compare", str(first), str(second)]) == 0
    printed = capsys.readouterr().out
    for expected in ("demo.step_us", "demo.file_kb", "x 2", "2 of 3 figures changed", "do not overlap"):
        assert expected in printed
    assert "demo.saved_ratio" not in printed


def test_folders_and_board_reports_are_compared_report_by_report(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        written(BASE, tmp_path / folder / "demo.json")
    held = {"format": "board", "machine": {}, "reports": [asdict(BASE)]}
    (tmp_path / "board.json").write_text(json.dumps(held))
    for after in (tmp_path / "b", tmp_path / "board.json"):
        assert compare(tmp_path / "a", after).figures == {
            "less_count": 0, "more_count": 0, "noise_count": 0, "same_count": 3,
        }  # fmt: skip


@pytest.mark.parametrize("content", ["{}", "not JSON", '{"name": "x"}', "[]"])
def test_what_is_no_report_is_refused_in_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.json").write_text(content)
    assert main(["compare", str(tmp_path / "x.json"), str(written(BASE, tmp_path / "a.json"))]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "x.json" in error


def test_reports_of_different_questions_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = written(BASE, tmp_path / "a.json")
    second = written(replace(BASE, name="other"), tmp_path / "b.json")
    assert main(["compare", str(first), str(second)]) == EXIT_USAGE
    assert "no figure in common" in capsys.readouterr().err
