"""The tables of `robustness`, `fairness` and `compare`, each once as rows: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from convert.evaluate.candidates import Held
from convert.evaluate.compare import Compared
from convert.evaluate.fairness import Fairness
from convert.evaluate.report import percent
from convert.evaluate.robustness import SAME_AT_LEAST, Robustness, unsteady

WIDE = 200
"""Columns that these tables want where there is no terminal."""

Rows = tuple[Sequence[str], list[tuple[str, ...]]]
"""Heads of the columns, and the rows; the first column is text."""


def robustness_rows(found: Sequence[Robustness]) -> Rows:
    """Return a row for each condition; per cent."""
    corpora = list(found[0].uar_by_corpus) if found else []
    head = ("condition", "UAR (95 %)", "change (95 %)", *corpora, "WA", "ECE", "silent", "answered", "right of these",
            "same decision")  # fmt: skip
    rows = [
        (
            f"{each.condition} (small)" if each.small else each.condition,
            f"{percent(each.uar)} ({percent(each.uar_low)} to {percent(each.uar_high)})",
            _difference(each.change, each.change_low, each.change_high),
            *(percent(each.uar_by_corpus[corpus]) for corpus in corpora),
            percent(each.wa),
            percent(each.ece),
            percent(each.silent),
            percent(each.answered),
            percent(each.right_if_answered),
            percent(each.same),
        )
        for each in found
    ]
    return head, rows


def group_rows(found: Fairness) -> Rows:
    """Return a row for each group; per cent."""
    labels = list(dict.fromkeys(label for each in found.groups for label in each.recall))
    head = ("recordings of", "n", "speakers", "UAR (95 %)", "WA", "ECE", "answered", "right of these",
            *(f"recall {label}" for label in labels))  # fmt: skip
    rows = [
        (
            each.name,
            str(each.recordings),
            str(each.speakers),
            f"{percent(each.uar)} ({percent(each.uar_low)} to {percent(each.uar_high)})",
            percent(each.wa),
            percent(each.ece),
            percent(each.answered),
            percent(each.right_if_answered),
            *(percent(each.recall[label]) if label in each.recall else "" for label in labels),
        )
        for each in found.groups
    ]
    return head, rows


def gap_rows(found: Fairness) -> Rows:
    """Return the gap between women and men in each corpus, in points."""
    rows = [
        (each.name, str(each.women), str(each.men), _difference(each.gap, each.low, each.high)) for each in found.gaps
    ]
    return ("corpus", "women", "men", "UAR of women less that of men (95 %)"), rows


def speaker_rows(found: Fairness) -> Rows:
    """Return a row for each speaker, the worst first; per cent."""
    rows = [
        (each.name, each.gender, str(each.recordings),
         f"{percent(each.wa)} ({percent(each.low)} to {percent(each.high)})", percent(each.answered))
        for each in found.speakers
    ]  # fmt: skip
    return ("speaker", "gender", "n", "WA (95 %)", "answered"), rows


def compare_rows(found: Sequence[Compared]) -> Rows:
    """Return a row for each set of recordings; per cent and points."""
    head = ("recordings of", "n", "speakers", "UAR first", "second", "difference (95 %)", "only first right",
            "only second right", "McNemar p")  # fmt: skip
    rows = [
        (
            each.name,
            str(each.recordings),
            str(each.speakers),
            percent(each.uar[0]),
            percent(each.uar[1]),
            _difference(each.difference, each.low, each.high),
            str(each.first_alone),
            str(each.second_alone),
            f"{each.p_value:.3g}",
        )
        for each in found
    ]
    return head, rows


def steadiness(found: Sequence[Robustness]) -> str:
    """Return whether small changes left decisions as they were, in a sentence."""
    small = [each for each in found if each.small]
    if not small:
        return "No small change was tried."
    wrong = unsteady(found)
    least = min(each.same for each in small)
    if not wrong:
        return f"Every small change left at least {percent(least)} % of the decisions as they were."
    return f"Less than {100 * SAME_AT_LEAST:.0f} % of the decisions stayed as they were under: {'; '.join(wrong)}."


def print_rows(title: str, rows: Rows, console: Console) -> None:
    """Print one table."""
    table = Table(title=title)
    for place, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if place else "left", no_wrap=not place)
    for row in rows[1]:
        table.add_row(*row)
    console.print(table)


def _difference(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def candidate_rows(found: Sequence[Held]) -> Rows:
    """Return whether candidates hold the right label."""
    rows = [(each.name, percent(each.coverage), percent(each.held), f"{each.labels:.1f}") for each in found]
    return ("labels that can occur", "asked for, %", "right one among them, %", "how many on average"), rows
