"""Figures as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from convert.evaluate.judge import STREAMING, Judged
from convert.evaluate.measures import Measures


def to_plain(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return plain types, ready for JSON: set, form of the student, figure."""
    return {each.name: {form: asdict(found) for form, found in each.measures.items()} for each in judged}


def from_plain(plain: dict[str, Any]) -> list[Judged]:
    """Return what `to_plain` was given."""
    return [Judged(name, {form: Measures(**found) for form, found in forms.items()}) for name, forms in plain.items()]


def print_report(judged: Sequence[Judged], console: Console) -> None:
    """Print the side-by-side table, then recall and confusion of the student as it listens."""
    console.print(summary(judged))
    for each in judged:
        found = each.measures.get(STREAMING) or next(iter(each.measures.values()))
        console.print(confusion(each.name, found))


def summary(judged: Sequence[Judged]) -> Table:
    """Return one row for each set and form of the student."""
    table = Table(title="Speakers never heard in training, per cent")
    columns = ("recordings of", "student", "n", "speakers", "UAR", "95 %", "WA", "F1", "WA at 80 %", "ECE", "NLL",
               "Brier", "speaker median / worst", "UAR f / m", "silent")  # fmt: skip
    for name in columns:
        table.add_column(name, justify="left" if name in columns[:2] else "right")
    for each in judged:
        for form, found in each.measures.items():
            table.add_row(each.name, form, *_row(found))
        table.add_section()
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


def _row(found: Measures) -> list[str]:
    return [
        str(found.recordings),
        str(found.speakers),
        percent(found.uar),
        f"{percent(found.uar_low)}-{percent(found.uar_high)}",
        percent(found.wa),
        percent(found.macro_f1),
        percent(found.wa_at_coverage),
        percent(found.ece),
        f"{found.nll:.2f}",
        f"{found.brier:.2f}",
        f"{percent(found.speaker_median)} / {percent(found.speaker_worst)} ({found.worst_speaker})",
        " / ".join(percent(value[0]) for value in found.uar_by_gender.values()) or "-",
        str(found.silent),
    ]
