"""The one JSON that somebody with a board sends back: what edge-ser costs there, and what board it is.

It needs edge-ser alone, and takes some minutes on a slow board. It says nothing about who sends it: no name of the
host, no path, no serial number.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_facts
from benchmarks.report import Cell, Report, Table, median_of, show
from benchmarks.running import measure

QUESTIONS = ("student", "pipeline", "footprint", "energy")
FORMAT = "edge-ser board report 1"
BOARD_TABLE = "board-reports"
"""Name of the table of boards, and of the folder below the results in which their reports lie."""

COLUMNS = ("board", "runtime", "a step, ms", "% of one core", "first decision, s", "memory, MB", "how known")
MEASURED, PREDICTED = "measured", "predicted"


def board_report(path: Path, quick: bool = False) -> None:
    """Measure what a board costs and write it.

    Parameters
    ----------
    path : Path
        Of the file to send.
    quick : bool
        Fewer repeats.
    """
    reports = []
    for question in QUESTIONS:
        print(f"{question} ..", file=sys.stderr, flush=True)
        report = measure(question, {"quick": quick})
        show(report)
        reports.append(asdict(report))
    held = {"format": FORMAT, "machine": dict(machine_facts()), "reports": reports}
    path.write_text(json.dumps(held, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {path}. Please open an issue and attach it.", file=sys.stderr)


def board_table(predicted: dict[str, Any], folder: Path) -> Report:
    """Return the table of boards: those whose reports lie in a folder, and those that are only predicted.

    Parameters
    ----------
    predicted : dict
        The report of `benchmarks.prediction`, as its JSON file holds it.
    folder : Path
        Of board reports.
    """
    rows: list[tuple[Cell, ...]] = [
        _measured(json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))
    ]
    measured = len(rows)
    for core, board, *_, step_ms, share in predicted["tables"][0]["rows"]:
        rows.append((f"{board} ({core})", None, step_ms, share, None, None, PREDICTED))
    title = f"Boards: {measured or 'none'} measured, {len(rows) - measured} predicted"
    return Report(BOARD_TABLE, (Table(title, COLUMNS, tuple(rows)),), {"measured_count": measured}, (), {})


def _measured(held: dict[str, Any]) -> tuple[Cell, ...]:
    figures = {report["name"]: report["figures"] for report in held["reports"]}
    facts = held["machine"]
    runtime = next(name for name in ("ai-edge-litert", "tflite-runtime") if facts.get(name))
    backend = "litert" if runtime == "ai-edge-litert" else "tflite"
    pipeline, footprint = figures["pipeline"], figures["footprint"]
    return (
        facts["processor"],
        runtime,
        round(median_of(pipeline["block_100ms_step_us"]) / 1e3, 3),
        round(100 * median_of(pipeline["block_100ms_real_time_factor"]), 3),
        round(median_of(footprint["first_decision_ms"]) / 1e3, 2),
        round(median_of(footprint[f"{backend}_most_while_listening_mb"]), 1),
        f"{MEASURED} {facts['date']}",
    )
