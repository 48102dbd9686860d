"""Corpora side by side as one picture: clips by class, how loud they are, how much each speaker gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from convert.corpora.catalogue import CLASSES, OPTIONAL_CLASSES
from convert.corpora.survey import Survey

DPI = 120
ROW_INCHES, EDGE_INCHES, WIDTH_INCHES = 0.45, 1.7, 13.0


def plot_corpora(surveys: Sequence[Survey], path: Path) -> None:
    """Write the picture; its format follows from the suffix of `path`."""
    names = [each.info.name for each in surveys]
    figure = Figure(figsize=(WIDTH_INCHES, EDGE_INCHES + ROW_INCHES * len(surveys)), layout="constrained")
    classes, levels, speakers = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    left = [0] * len(surveys)
    colours = mpl.colormaps["tab10"].colors
    for colour, name in zip(colours, (*CLASSES, *OPTIONAL_CLASSES), strict=False):
        counts = [each.by_class.get(name, 0) for each in surveys]
        if any(counts):
            classes.barh(names, counts, left=left, color=colour, label=name)
        left = [before + count for before, count in zip(left, counts, strict=True)]
    classes.invert_yaxis()  # the first on top, as in the table
    classes.set(xlabel="clips", title="Classes")
    places = range(len(surveys))
    heard = [[each.level_dbfs for each in survey.heard] for survey in surveys]
    levels.boxplot(
        heard, positions=places, orientation="horizontal", whis=(5, 95), showfliers=False, manage_ticks=False
    )
    levels.set(xlabel="dBFS, median, quartiles, 5 to 95 %", title="Level of the voice")
    speakers.boxplot(
        [_minutes_by_speaker(each) for each in surveys],
        positions=places, orientation="horizontal", whis=(0, 100), manage_ticks=False,
    )  # fmt: skip
    speakers.set(xlabel="minutes, median, quartiles, range", title="Of one speaker", xscale="log")
    for axes in (classes, levels, speakers):
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    figure.legend(*classes.get_legend_handles_labels(), loc="outside lower center", ncols=9, frameon=False)
    figure.savefig(path, dpi=DPI)


def _minutes_by_speaker(survey: Survey) -> list[float]:
    minutes: Counter[str] = Counter()
    for clip, heard in zip(survey.clips, survey.heard, strict=True):
        minutes[clip.speaker] += heard.seconds / 60  # type: ignore[assignment]
    return list(minutes.values())
