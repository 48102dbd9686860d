"""`edge-ser-bench` says what a thing costs, or in one line why it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.cli import COMMANDS, EXIT_USAGE, QUESTIONS, main


@pytest.mark.parametrize("question", ["soak", "resample"])  # test_everything.py asks the others
def test_a_quick_run_prints_a_table_and_writes_every_figure(
    question: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    assert main([question, "--quick", "--json", str(path)]) == 0
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["name"] == question
    assert report["figures"]
    # A soak counts what went wrong, so its best figures are 0.
    assert all(value > 0 or question == "soak" for value in report["figures"].values())
    printed = capsys.readouterr().out
    for table in report["tables"]:
        assert table["title"].split(",")[0] in printed
        assert all(len(row) == len(table["columns"]) for row in table["rows"])


def test_a_file_that_cannot_be_written_is_refused_before_measuring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(**_: object) -> None:
        raise AssertionError("it was measured first")

    monkeypatch.setattr("benchmarks.student.run", measured)
    path = tmp_path / "missing" / "figures.json"
    assert main(["student", "--json", str(path)]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(path) in error


def test_an_earlier_result_survives_a_run_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.student.run", stopped)
    path = tmp_path / "figures.json"
    path.write_text("earlier")
    assert main(["student", "--json", str(path)]) == EXIT_USAGE
    assert path.read_text() == "earlier"


@pytest.mark.parametrize("options", [("--hours", "0"), ("--hours", "nan"), ("--corpora", "missing")])
def test_a_soak_of_nothing_is_one_error(options: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soak", *options]) == EXIT_USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unknown_question_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["everything"])
    assert stopped.value.code == EXIT_USAGE
    error = capsys.readouterr().err
    assert all(question in error for question in (*QUESTIONS, *COMMANDS))


def test_a_step_costs_less_than_computing_the_window_again() -> None:
    from benchmarks import student

    figures = student.run(quick=True).figures
    ratios = [float(value) for name, value in figures.items() if name.endswith("_step_by_step_over_step_ratio")]
    assert ratios
    assert min(ratios) > 5
