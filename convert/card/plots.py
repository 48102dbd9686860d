"""The card's plots, drawn without a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convert.evaluate.measures import Measures, reliability, risk_coverage

SIZE_INCHES = (4.6, 4.0)
DOTS_PER_INCH = 110
INK = "#1f4e79"
DARK = 0.55  # share above which the text on a cell is white


def plot_confusion(found: Measures, path: Path) -> None:
    """Draw what was answered (columns) for what was spoken (rows), as shares of each row."""
    rows = [place for place, label in enumerate(found.labels) if label in found.recall]
    counts = np.array(found.confusion, float)[rows]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(SIZE_INCHES, DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > DARK else "black"
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(found.labels)), found.labels, rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), [found.labels[row] for row in rows])
    axes.set_xlabel("answered")
    axes.set_ylabel("spoken (per cent of the row)")
    _save(figure, path)


def plot_reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_], path: Path) -> None:
    """Draw how often answers of a confidence were right; on the diagonal it means what it says."""
    stated, correct, count = reliability(confidence, right)
    filled = count > 0
    figure = Figure(SIZE_INCHES, DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    axes.plot(stated[filled], correct[filled], color=INK, linewidth=1)
    axes.scatter(stated[filled], correct[filled], s=10 + 200 * count[filled] / count.sum(), color=INK)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share of right answers")
    _save(figure, path)


def plot_risk_coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_], path: Path) -> None:
    """Draw the share of wrong answers that is left when only the most confident ones are given."""
    risk = risk_coverage(confidence, right)
    figure = Figure(SIZE_INCHES, DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(np.arange(1, len(risk) + 1) / len(risk), risk, color=INK)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of recordings answered", ylabel="share of wrong answers")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    # The same plot is the same file, whenever it is drawn.
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": None})
