"""What the benchmarks share: interleaved timing, ratios with their spread, the table, the JSON file, the machine.

Times on a shared or throttled machine drift by more than the differences we look for. So the candidates take turns
within one process, a ratio is taken inside each round, and what is reported is the median of those ratios
with its quartiles.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import machine_facts

WHOLE_FROM, WHOLE_TO = 1e4, 1e9  # numbers that are shown without decimals and without an exponent
PLAIN_WIDTH = 120  # characters, of a table that does not go to a terminal

Cell = str | int | float | None
"""What a table holds; None where there is nothing to say."""

Times = Mapping[str, NDArray[np.float64]]
"""Seconds per call by candidate: one value a round, the same rounds for all."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and its quartiles, over the rounds of one interleaved run."""

    median: float
    """Half of the rounds lie below."""

    low: float
    """First quartile."""

    high: float
    """Third quartile."""

    def __float__(self) -> float:
        return self.median

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; a cell is text, a number or None."""

    title: str
    """What is compared, with its unit."""

    columns: tuple[str, ...]
    """Heads of the columns."""

    rows: tuple[tuple[Cell, ...], ...]
    """One tuple a row, as long as `columns`."""


Figure = float | Spread
"""A spread where it was repeated, so that two runs can be told apart."""


@dataclass(frozen=True)
class Report:
    """What one benchmark found."""

    name: str
    """Name of the benchmark: of its module, and of its JSON file."""

    tables: tuple[Table, ...]
    """For people."""

    figures: Mapping[str, Figure]
    """For programs: every figure under a stable name that ends in its unit (`..._us`, `..._ratio`)."""

    notes: tuple[str, ...] = ()
    """What was left out and why, such as a peer that is not installed."""

    machine: Mapping[str, Cell] = field(default_factory=machine_facts)
    """Where it was measured."""


def interleave(
    functions: Mapping[str, Callable[[], object]],
    repeats: int,
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, NDArray[np.float64]]:
    """Time functions in turns, so that a change of the machine's speed meets all of them.

    Parameters
    ----------
    functions : mapping of str to callable
        Candidates by name, each called without arguments; each is called once beforehand to warm up.
    repeats : int
        Rounds. The order rotates from round to round.
    calls : int
        Calls of a candidate in each of its turns.
    clock : callable
        Seconds. `time.process_time` counts this process's work alone, whatever else the machine is doing; it suits
        work that neither waits nor starts processes.

    Returns
    -------
    dict of str to float64 (repeats,)
        Seconds per call, in the order of the rounds.
    """
    names = list(functions)
    times = {name: np.empty(repeats) for name in names}
    for name in names:
        functions[name]()
    for turn in range(repeats):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            function = functions[name]
            start = clock()
            for _ in range(calls):
                function()
            times[name][turn] = (clock() - start) / calls
    return times


def spread(values: Iterable[float] | NDArray[np.float64]) -> Spread:
    """Return median and quartiles.

    >>> str(spread([1.0, 2.0, 3.0, 4.0, 5.0]))
    '3.00 (2.00 to 4.00)'
    """
    low, median, high = np.percentile(np.asarray(list(values), np.float64), (25, 50, 75))
    return Spread(float(median), float(low), float(high))


def ratio(times: Times, ours: str, theirs: str) -> Spread:
    """Return how much of `theirs` `ours` takes: below 1 is faster. Ratios are taken round by round."""
    return spread(times[ours] / times[theirs])


def median_of(figure: Any) -> float:
    """Return a figure, or the median of one that was repeated, as a report or its JSON file holds it."""
    return float(figure["median"] if isinstance(figure, Mapping) else figure)


def show(report: Report, to: TextIO | None = None) -> None:
    """Print a report's tables, notes and machine; with rich where it is installed, else in plain text."""
    to = sys.stdout if to is None else to
    for table in report.tables:
        _print_table(table, to)
    for note in report.notes:
        print(f"note: {note}", file=to)
    facts = ", ".join(f"{key} {value}" for key, value in report.machine.items() if value is not None)
    print(f"machine: {facts}", file=to)


def to_json(report: Report) -> str:
    """Return a report as JSON."""
    return json.dumps(asdict(report), indent=2) + "\n"


def write(report: Report, folder: str | os.PathLike[str]) -> Path:
    """Write a report as `<folder>/<name>.json` and return the path; the folder is made where it is missing."""
    path = Path(folder) / f"{report.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(report), encoding="utf-8")
    return path


def _print_table(table: Table, to: TextIO) -> None:
    cells = [[cell_text(cell) for cell in row] for row in table.rows]
    try:
        from rich.console import Console
        from rich.table import Table as RichTable
    except ImportError:
        _print_plain(table, cells, to)
        return
    rich_table = RichTable(title=table.title, title_justify="left")
    for i, column in enumerate(table.columns):
        rich_table.add_column(column, justify="left" if i == 0 else "right")
    for row in cells:
        rich_table.add_row(*row)
    Console(file=to, width=None if to.isatty() else PLAIN_WIDTH).print(rich_table)


def _print_plain(table: Table, cells: list[list[str]], to: TextIO) -> None:
    lines = [list(table.columns), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]
    print(f"\n{table.title}", file=to)
    for line in lines:
        first = line[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        print("  ".join([first, *rest]).rstrip(), file=to)


def cell_text(cell: Cell) -> str:
    """Return a cell as people read it: four digits of a number, a dash for nothing."""
    if cell is None:
        return "-"
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.0f}" if WHOLE_FROM <= abs(cell) < WHOLE_TO else f"{cell:.4g}"
