"""Figures as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from convert.evaluate.adapted import Adapted
from convert.evaluate.judge import STREAMING, Judged
from convert.evaluate.measures import Measures


def to_plain(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return plain types, ready for JSON: set, form of the student, figure."""
    return {each.name: {form: asdict(found) for form, found in each.measures.items()} for each in judged}


def from_plain(plain: dict[str, Any]) -> list[Judged]:
    """Return what `to_plain` was given."""
    return [Judged(name, {form: Measures(**found) for form, found in forms.items()}) for name, forms in plain.items()]


def print_report(judged: Sequence[Judged], console: Console) -> None:
    """Print the side-by-side tables, then recall and confusion of the student as it listens."""
    console.print(accuracy_table(judged))
    console.print(confidence_table(judged))
    for each in judged:
        found = each.measures.get(STREAMING) or next(iter(each.measures.values()))
        console.print(confusion(each.name, found))


def accuracy_table(judged: Sequence[Judged]) -> Table:
    """Return how often each form of the student was right, a row for each set."""
    table = _table("Right answers, per cent", "UAR", "95 %", "WA", "F1", "f / m", "median", "worst speaker")
    for each in judged:
        for form, found in each.measures.items():
            table.add_row(
                each.name,
                form,
                percent(found.uar),
                f"{percent(found.uar_low)}-{percent(found.uar_high)}",
                percent(found.wa),
                percent(found.macro_f1),
                " / ".join(percent(value[0]) for value in found.uar_by_gender.values()) or "-",
                percent(found.speaker_median),
                f"{percent(found.speaker_worst)} {found.worst_speaker}",
            )
        table.add_section()
    return table


def confidence_table(judged: Sequence[Judged]) -> Table:
    """Return what the confidence of each form of the student is worth, a row for each set."""
    table = _table("Confidence", "n", "speakers", "silent", "ECE %", "NLL", "Brier", "WA % of the surest 80 %", "gain")
    for each in judged:
        for form, found in each.measures.items():
            table.add_row(
                each.name,
                form,
                str(found.recordings),
                str(found.speakers),
                str(found.silent),
                percent(found.ece),
                f"{found.nll:.3f}",
                f"{found.brier:.3f}",
                percent(found.wa_at_coverage),
                f"{100 * (found.wa_at_coverage - found.wa):+.1f}",
            )
        table.add_section()
    return table


def adapted_table(adapted: Sequence[Adapted]) -> Table:
    """Return what knowing the speaker is worth, a row for each corpus and mix of classes."""
    table = Table(title="UAR with the speaker's own baseline, from the first recording on, per cent")
    for name in ("recordings of", "speakers", "without", "with", "gain (95 %)"):
        table.add_column(name, justify="left" if name == "recordings of" else "right")
    for each in adapted:
        table.add_row(each.name, str(each.speakers), percent(each.cold), percent(each.adapted), gain(each))
    return table


def gain(adapted: Adapted) -> str:
    """Return what a baseline gained, in points, with its interval."""
    low, high = 100 * adapted.gain_low, 100 * adapted.gain_high
    return f"{100 * (adapted.adapted - adapted.cold):+.1f} ({low:+.1f} to {high:+.1f})"


def folds_table(rows: Sequence[tuple[str, Judged]]) -> Table:
    """Return one row for each fold and set: what was judged, UAR and WA of each form of the student."""
    table = Table(title="By fold, per cent")
    forms = list(rows[0][1].measures) if rows else []
    for name in ("fold", "recordings of", *(f"UAR {form}" for form in forms), "WA", "worst speaker"):
        table.add_column(name, justify="left" if name in ("fold", "recordings of") else "right")
    for fold, each in rows:
        last = each.measures[forms[-1]]
        uar = [percent(each.measures[form].uar) for form in forms]
        worst = f"{percent(last.speaker_worst)} {last.worst_speaker}"
        table.add_row(fold, each.name, *uar, percent(last.wa), worst)
    return table


def confusion(name: str, found: Measures) -> Table:
    """Return the confusion matrix with the recall of each label."""
    table = Table(title=f"{name}: rows spoken, columns answered")
    table.add_column("")
    for label in found.labels:
        table.add_column(label, justify="right")
    table.add_column("recall", justify="right")
    for label, row in zip(found.labels, found.confusion, strict=True):
        if label in found.recall:
            table.add_row(label, *map(str, row), percent(found.recall[label]))
    return table


def percent(share: float) -> str:
    """Return a share as per cent with one decimal."""
    return f"{100 * share:.1f}"


def _table(title: str, *figures: str) -> Table:
    table = Table(title=title)
    table.add_column("recordings of", no_wrap=True)
    table.add_column("student", no_wrap=True)
    for figure in figures:
        table.add_column(figure, justify="right")
    return table
