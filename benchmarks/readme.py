"""Puts measured figures and real output into README.md and docs/: `python -m benchmarks.readme`.

Every `<!-- benchmark:NAME -->` ... `<!-- end -->` block is filled from `benchmarks/results/NAME.json` (the table of
boards from those that were sent in and the prediction), and every
`<!-- output:NAME -->` block with what a command prints. A test fails where they say anything else.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import goals
from benchmarks.board_report import BOARD_TABLE, board_table
from benchmarks.report import cell_text
from edge_ser.student.backend import BACKEND_VARIABLE

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DECISION = ROOT / "docs" / "decision.md"
HEARING = ROOT / "docs" / "hearing.md"
COSTS = ROOT / "docs" / "costs.md"
BOARDS = ROOT / "docs" / "boards.md"
DRIFT = ROOT / "docs" / "drift.md"
PAGES = (README, DECISION, HEARING, COSTS, BOARDS, DRIFT)
RESULTS = ROOT / "benchmarks" / "results"

BLOCK = re.compile(r"(<!-- (?P<kind>benchmark|output):(?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
MACHINE = ("processor", "cores", "load_average", "python", "numpy", "date")  # what a reader must know to judge a figure

DEMO = "edge_ser/recordings/demo.wav"
OUTPUTS = {
    "listen": ("listen", "--source", DEMO, "--fast"),
    "json": ("listen", "--source", DEMO, "--fast", "--json"),
}
RUNTIME = "tflite"  # whose output is shown; the other's is the same
DECIDED = ('"state": "emotion"', '"state": "uncertain"')


def fill(text: str, results: Path = RESULTS) -> str:
    """Return a text with every block filled: figures from the folder of results, output by running the commands."""

    def block(match: re.Match[str]) -> str:
        if match["kind"] == "output":
            return f"{match[1]}{output(match['name'])}{match[4]}"
        return f"{match[1]}{markdown(_report(match['name'], results))}{match[4]}"

    return BLOCK.sub(block, text)


def _report(name: str, results: Path) -> Mapping[str, Any]:
    """Return a report as its JSON file holds it; the table of boards is made of those that were sent in."""
    if name == BOARD_TABLE:
        predicted = json.loads((results / "prediction.json").read_text(encoding="utf-8"))
        return asdict(board_table(predicted, results / BOARD_TABLE))
    held: Mapping[str, Any] = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
    return held


def output(name: str) -> str:
    """Return a command and what it prints, as Markdown; of JSON the first line that decides something."""
    arguments = OUTPUTS[name]
    command = [sys.executable, "-m", "edge_ser.cli.main", *arguments]
    environment = os.environ | {BACKEND_VARIABLE: RUNTIME}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    lines = done.stdout.splitlines()
    if "--json" in arguments:
        lines = [next(line for line in lines if any(mark in line for mark in DECIDED))]
    return "\n".join(["```", f"$ edge-ser {' '.join(arguments)}", *lines, "```", ""])


def markdown(report: Mapping[str, Any]) -> str:
    """Return a report, as its JSON file holds it, as Markdown: its tables, its notes and where it was measured."""
    parts = [_table(table) for table in report["tables"]]
    parts += [f"Note: {note}." for note in report["notes"]]
    facts = [f"{key} {value}" for key in MACHINE if (value := report["machine"].get(key)) is not None]
    if facts:
        question = "all" if report["name"] == goals.NAME else report["name"]
        parts.append(f"Measured with `edge-ser-bench {question}` on: {', '.join(facts)}.")
    return "\n\n".join(parts) + "\n"


def _table(table: Mapping[str, Any]) -> str:
    alignment = ["---", *["---:"] * (len(table["columns"]) - 1)]
    lines = (table["columns"], alignment, *(map(cell_text, row) for row in table["rows"]))
    return "\n".join([f"{table['title']}:", "", *map(_line, lines)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Fill every page, and make the one of all results."""
    from benchmarks.everything import write_pages  # which takes its Markdown from here

    write_pages(RESULTS)
    for page in PAGES:
        page.write_text(fill(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
