"""The goals of edge-ser's cost, each beside the figure that was measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Cell, Figure, Report, Table, median_of

NAME = "goals"
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """The most that a figure may be."""

    what: str
    question: str
    """Whose report has the figure."""

    figure: str
    most: float
    said: str
    """The limit as people say it."""

    show: Callable[[float], str] = "{:.3g}".format


def _as_fraction(value: float) -> str:
    return f"1/{1 / value:.1f}" if value < 1 else f"{value:.2f}"


GOALS = (
    Goal("whole pipeline, a second of audio in 100 ms blocks, beside openSMILE's eGeMAPS alone on 3 s",
         "peers", "opensmile.stream_to_recording_ratio", 1 / 15, "1/15", _as_fraction),
    Goal("whole pipeline beside LIGHT-SERNET int8 with its own MFCC, a decision every 100 ms",
         "peers", "light_sernet.live_ratio", 1 / 40, "1/40", _as_fraction),
    Goal("streaming beside computing the window again every 100 ms, as one network on the same kernels",
         "student", "litert_one_network_hop_100ms_ratio", 1 / 5, "1/5", _as_fraction),
    Goal("real-time factor, one core", "pipeline", "block_100ms_real_time_factor", 0.0012, "0.0012"),
    Goal("process start to first decision beside `import numpy`", "footprint", "first_decision_over_numpy_ratio",
         2.0, "2", "{:.2f}".format),
    Goal("memory while it listens, tflite-runtime, MB", "footprint", "tflite_most_while_listening_mb", 60.0, "60",
         "{:.1f}".format),
    Goal("model file, kB", "footprint", "model_file_kb", 150.0, "150", "{:.1f}".format),
    Goal("network, compressed, kB", "footprint", "network_gzip_kb", 100.0, "100", "{:.1f}".format),
    Goal("wheel without dependencies, kB", "footprint", "wheel_kb", 1000.0, "1000", "{:.0f}".format),
)  # fmt: skip


def judge(reports: Mapping[str, Mapping[str, Any]]) -> Report:
    """Return the goals, reached or not, from reports by name as their JSON files hold them."""
    rows: list[tuple[Cell, ...]] = []
    figures: dict[str, Figure] = {}
    for goal in GOALS:
        found = reports.get(goal.question, {}).get("figures", {}).get(goal.figure)
        if found is None:
            rows.append((goal.what, "not measured", goal.said, None))
            continue
        value = median_of(found)
        figures[f"{goal.question}.{goal.figure}"] = value
        rows.append((goal.what, goal.show(value), goal.said, "yes" if value <= goal.most else "no"))
    reached = sum(row[-1] == "yes" for row in rows)
    table = Table(f"Goals, {reached} of {len(rows)} reached", ("what", "found", "at most", "reached"), tuple(rows))
    return Report(NAME, (table,), figures)


def judge_folder(folder: Path, names: Sequence[str] = ("peers", "student", "pipeline", "footprint")) -> Report:
    """Return the goals from the JSON files of a folder."""
    found = {name: folder / f"{name}.json" for name in names}
    return judge({name: json.loads(path.read_text("utf-8")) for name, path in found.items() if path.is_file()})
