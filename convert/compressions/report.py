"""The table of compressions on the terminal, as Markdown and JSON, and its Pareto front as a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from convert.card.text import table
from convert.compressions.measure import Figures
from convert.compressions.table import pareto
from convert.evaluate.report import percent

INK, PALE = "#1f4e79", "#9db4c8"
MARK = "*"  # of the Pareto front

Rows = tuple[Sequence[str], list[tuple[str, ...]]]


def rows(found: Sequence[Figures]) -> Rows:
    """Return the table; sizes in kB (1000 bytes), times in µs."""
    runtimes = list(found[0].hop_us)
    head = ("combination", "UAR validation", "UAR held out (95 %)", "parameters", "kB", "kB gzip", "zeros %",
            *(f"µs a step, {name}" for name in runtimes), "arena kB", "front")  # fmt: skip
    front = pareto(found)
    return head, [
        (
            each.name,
            percent(each.uar_validation),
            f"{percent(each.uar)} ({percent(each.uar_low)} to {percent(each.uar_high)})",
            f"{each.parameters:,}",
            f"{each.raw_bytes / 1000:.1f}",
            f"{each.gzip_bytes / 1000:.1f}",
            "-" if each.zeros is None else percent(each.zeros),
            *(f"{each.hop_us[name]:.0f}" for name in runtimes),
            "-" if each.arena_bytes is None else f"{each.arena_bytes / 1000:.1f}",
            MARK if each.name in front else "",
        )
        for each in found
    ]


def write(found: Sequence[Figures], base: Path, about: Sequence[str], facts: dict[str, Any]) -> list[Path]:
    """Write `BASE.json`, `BASE.md` and `BASE.png`; return their paths.

    Parameters
    ----------
    found : sequence of Figures
    base : Path
        Without a suffix.
    about : sequence of str
        How it was made, a sentence each.
    facts : dict
        The same for programs.
    """
    paths = [base.with_name(f"{base.name}.{suffix}") for suffix in ("json", "md", "png")]
    plain = {**facts, "front": pareto(found), "combinations": [asdict(each) for each in found]}
    paths[0].write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    notes = "\n".join(f"- {sentence}" for sentence in about)
    paths[1].write_text(
        f"# Compressions of the student\n\n{table(*rows(found))}\n\n![Pareto front]({paths[2].name})\n\n{notes}\n",
        encoding="utf-8",
    )
    plot(found, paths[2])
    return paths


def plot(found: Sequence[Figures], path: Path) -> None:
    """Draw accuracy against compressed size and against time, the front of each as a line."""
    figure = Figure((11, 4.8), 110, layout="constrained")
    runtime = next(iter(found[0].hop_us))
    sizes, times = figure.subplots(1, 2, sharey=True)
    _panel(sizes, [each.gzip_bytes / 1000 for each in found], found, "kB compressed")
    _panel(times, [each.hop_us[runtime] for each in found], found, f"µs a step, {runtime}")
    sizes.set_ylabel("UAR of the validation speakers, per cent")
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": None})


def _panel(axes: Axes, costs: Sequence[float], found: Sequence[Figures], label: str) -> None:
    accuracy = [100 * each.uar_validation for each in found]
    best, front = -1.0, []
    for row in sorted(range(len(found)), key=lambda each: (costs[each], -accuracy[each])):
        if accuracy[row] > best:
            best = accuracy[row]
            front.append(row)
    axes.scatter(costs, accuracy, color=PALE, s=22)
    axes.plot([costs[row] for row in front], [accuracy[row] for row in front], "o-", color=INK, markersize=5)
    for row, each in enumerate(found):
        colour = INK if row in front else "0.5"
        place = costs[row], accuracy[row]
        axes.annotate(each.name, place, xytext=(5, 4), textcoords="offset points", fontsize=7, color=colour)
    axes.set_xlabel(label)
    axes.margins(x=0.18, y=0.12)
    axes.grid(color="0.93")
