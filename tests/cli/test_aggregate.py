"""`edge-ser aggregate`: events in, an hour's counts out, and nothing of the hour that is not over."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from cli.command import is_one_error

from edge_ser.cli import aggregate
from edge_ser.cli.main import main
from edge_ser.recordings import DEMO
from edge_ser.student.model_file import ModelFile

LABELS = ModelFile.load_bundled().metadata.labels
START = 480_000 * 3600.0


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command on lines, each a second after the one before."""
    pytest.importorskip("opendp", reason="aggregates need OpenDP: pip install 'edge-ser[aggregates]'")

    def on(lines: list[object], *arguments: str, start: float = START, step: float = 1.0) -> tuple[int, str, str]:
        clock = iter(range(1 << 30))
        monkeypatch.setattr(aggregate.time, "time", lambda: start + step * next(clock))
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        status = main(["aggregate", "--budget-file", str(tmp_path / "budget.json"), *arguments])
        return status, *capsys.readouterr()

    return on


def utterances(count: int, emotion: str) -> list[object]:
    return [{"state": "emotion", "emotion": emotion}, {"state": "no_speech", "emotion": None}] * count


def test_an_hour_is_printed_once_it_is_over_and_the_rest_is_dropped(run) -> None:
    status, out, error = run(utterances(250, "happy"), "--epsilon", "1", "--slot-minutes", "1", step=10.0)
    assert (status, error) == (0, "")
    (hour,) = [json.loads(line) for line in out.splitlines()]
    assert hour["hour"] == "2024-10-04T00:00:00Z"
    assert set(hour["counts"]) == {*LABELS, "uncertain"}
    # Of three in each minute two count; the noise is beyond 60 once in a million runs.
    assert abs(hour["counts"]["happy"] - 120) < 60
    assert all(abs(hour["counts"][label]) < 60 for label in (*LABELS, "uncertain") if label != "happy")
    assert (hour["noise_scale"], hour["epsilon"]) == (4.0, 1.0)


def test_a_day_says_no_more_than_its_budget_however_often_it_is_started(run) -> None:
    released = 0
    for restart in range(3):
        lines = utterances(180 * 4, "sad")
        status, out, error = run(lines, "--budget-per-day", "1.5", step=10.0, start=START + 3600 * 4 * restart)
        assert status == 0
        released += len(out.splitlines())
    assert released == 3  # of 0.5 each
    assert "budget is spent" in error
    assert main(["aggregate", "--status", "--budget-per-day", "1.5"]) == 0


def test_an_hour_is_not_released_again_after_a_restart(run) -> None:
    assert len(run(utterances(200, "sad"), step=10.0)[1].splitlines()) == 1
    status, out, error = run(utterances(200, "sad"), step=10.0)
    assert (status, out) == (0, "")
    assert "paid for before" in error


@pytest.mark.parametrize(
    "lines", [["no JSON"], ["[1]"], [{"state": "emotion", "emotion": "hungry"}], ["{}"], ["[" * 100_000]]
)
def test_what_is_no_event_is_one_error(run, lines) -> None:
    status, out, error = run(lines)
    assert (status, out) == (2, "")
    assert is_one_error(error), error


@pytest.mark.parametrize(
    "arguments",
    [
        ["--epsilon", "0"],
        ["--epsilon", "nan"],
        ["--slot-minutes", "7"],
        ["--slot-minutes", "0"],
        ["--decisions-per-slot", "0"],
        ["--budget-per-day", "-1"],
    ],
)
def test_impossible_numbers_are_one_error(run, arguments) -> None:
    status, out, error = run([], *arguments)
    assert (status, out) == (2, "")
    assert is_one_error(error), error


def test_events_of_listening_go_in_as_they_are(run, capsys) -> None:
    assert main(["listen", "--source", str(DEMO), "--fast", "--json"]) == 0
    events = capsys.readouterr().out.splitlines()
    status, out, error = run(events, step=60.0)
    assert (status, error) == (0, "")
    assert len(out.splitlines()) == len(events) // 60
