"""The shared part of the benchmarks: fair turns, honest spreads, tables and JSON that hold what was measured."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.report import Report, Table, interleave, machine_facts, ratio, show, spread, write

REPORT = Report(
    "demo",
    (Table("demo, µs", ("name", "µs", "ratio"), (("ours", 1.23456789, "1.00"), ("theirs", 7, None))),),
    {"ours_us": 1.23456789},
    ("peer is not installed: pip install peer",),
)


def test_candidates_take_turns_in_rotating_order() -> None:
    order: list[str] = []
    times = interleave({name: lambda name=name: order.append(name) for name in "abc"}, repeats=3)
    assert "".join(order) == "abc" + "abc" + "bca" + "cab"  # one call each to warm up
    assert {name: seconds.shape for name, seconds in times.items()} == {"a": (3,), "b": (3,), "c": (3,)}


def test_times_are_seconds_per_call() -> None:
    times = interleave({"nap": lambda: time.sleep(0.01)}, repeats=10, calls=2)
    assert 0.01 <= np.min(times["nap"]) < 0.02  # two calls would take at least that
    worked = interleave({"nap": lambda: time.sleep(0.01)}, repeats=10, clock=time.process_time)
    assert np.min(worked["nap"]) < 0.005


def test_a_ratio_is_taken_round_by_round() -> None:
    # The machine was half as fast in the second round: the ratio does not notice.
    times = {"ours": np.array([1.0, 2.0, 1.0]), "theirs": np.array([2.0, 4.0, 2.0])}
    assert ratio(times, "ours", "theirs") == spread([0.5])
    assert str(spread([1, 2, 3, 4, 5])) == "3.00 (2.00 to 4.00)"


@pytest.mark.parametrize("rich", [True, False])
def test_the_table_shows_every_cell_with_and_without_rich(monkeypatch: pytest.MonkeyPatch, rich: bool) -> None:
    if rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
    text = io.StringIO()
    show(REPORT, text)
    for expected in ("demo, µs", "ours", "theirs", "1.235", "7", "-", "pip install peer", "python"):
        assert expected in text.getvalue()


def test_the_json_file_holds_figures_and_machine(tmp_path: Path) -> None:
    path = write(REPORT, tmp_path / "results")
    assert path.name == "demo.json"
    written = json.loads(path.read_text())
    assert written["figures"] == {"ours_us": 1.23456789}
    assert written["machine"]["numpy"] == np.__version__
    assert written["tables"][0]["rows"][1] == ["theirs", 7, None]


def test_machine_facts_name_the_processor() -> None:
    facts = machine_facts()
    assert facts["processor"]
    assert facts["cores"]
