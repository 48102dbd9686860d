"""What a board's owner sends back: every figure of the board, and nothing of its owner."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.board_report import FORMAT, QUESTIONS, board_table
from benchmarks.cli import EXIT_USAGE, main
from benchmarks.prediction import CORES, predicted_us, run


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("board") / "board.json"
    assert main(["board-report", "--quick", "--json", str(path)]) == 0
    return path


def test_one_file_holds_every_report_and_the_machine(path: Path) -> None:
    held = json.loads(path.read_text(encoding="utf-8"))
    assert held["format"] == FORMAT
    assert held["machine"]["processor"]
    assert [report["name"] for report in held["reports"]] == list(QUESTIONS)
    assert all(report["figures"] for report in held["reports"])


def test_nothing_in_it_tells_whose_board_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert str(Path.home()) not in text
    assert str(Path(__file__).parents[2]) not in text
    if len(platform.node()) > 4:
        assert platform.node() not in text


def test_the_table_marks_what_is_measured_and_what_is_predicted(path: Path, tmp_path: Path) -> None:
    predicted = asdict(run(quick=True))
    (empty,) = board_table(predicted, tmp_path).tables
    assert [row[-1] for row in empty.rows] == ["predicted"] * len(CORES)
    assert "none measured" in empty.title
    (one,) = board_table(predicted, path.parent).tables
    assert str(one.rows[0][-1]).startswith("measured 20")
    assert [row[-1] for row in one.rows[1:]] == ["predicted"] * len(CORES)


def test_a_prediction_is_bounded_by_arithmetic_or_by_memory() -> None:
    zero, _, five = CORES
    assert predicted_us(zero, 1_000_000, 0)[0] == pytest.approx(500)  # 1 GHz, 4 a cycle, half of them used
    assert predicted_us(five, 0, 17_100_000) == pytest.approx((1000, 1000))
    assert predicted_us(zero, 1_000_000, 0)[1] > predicted_us(zero, 1_000_000, 0)[0]


def test_a_file_that_cannot_be_written_is_refused_before_measuring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["board-report", "--json", str(tmp_path / "missing" / "board.json")]) == EXIT_USAGE
    assert capsys.readouterr().err.count("\n") == 1
