"""A survey of corpora as tables and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from convert.corpora.catalogue import CLASSES, OPTIONAL_CLASSES
from convert.corpora.survey import Survey

FAULTS_SHOWN = 5  # of a kind and a corpus


def corpora_table(surveys: Sequence[Survey]) -> Table:
    """Return what each corpus is."""
    table = Table("corpus", "clips", "speakers", "hours", "level, dBFS (5 to 95 %)", "licence", "consent", "ships")
    for each in surveys:
        low, middle, high = each.levels
        speakers = " ".join(f"{count} {gender}" for gender, count in each.genders.items())
        table.add_row(
            each.info.name,
            str(len(each.clips)),
            speakers,
            f"{each.hours:.2f}",
            f"{middle:.0f} ({low:.0f} to {high:.0f})",
            each.info.licence,
            each.info.consent or "not stated",
            "yes" if each.info.may_ship else "no",
        )
    return table


def classes_table(surveys: Sequence[Survey]) -> Table:
    """Return how many clips of each class each corpus has."""
    there = [name for name in (*CLASSES, *OPTIONAL_CLASSES) if any(name in each.by_class for each in surveys)]
    table = Table("clips of", *there)
    for each in surveys:
        table.add_row(each.info.name, *(str(each.by_class.get(name, "")) for name in there))
    return table


def fault_lines(survey: Survey) -> list[str]:
    """Return what is wrong with a corpus, the first few of each kind."""
    lines = []
    for kind in dict.fromkeys(fault.kind for fault in survey.faults):
        of_kind = [fault for fault in survey.faults if fault.kind == kind]
        lines += [f"{survey.info.name}, {kind}: {each.file}: {each.remark}" for each in of_kind[:FAULTS_SHOWN]]
        if len(of_kind) > FAULTS_SHOWN:
            lines.append(f"{survey.info.name}, {kind}: {len(of_kind) - FAULTS_SHOWN} more")
    return lines


def plain(survey: Survey) -> dict[str, Any]:
    """Return a corpus as JSON has it, all its faults among it."""
    low, middle, high = survey.levels
    return {
        "corpus": survey.info.name,
        "title": survey.info.title,
        "licence": survey.info.licence,
        "consent": survey.info.consent,
        "may_ship": survey.info.may_ship,
        "clips": len(survey.clips),
        "speakers": survey.genders,
        "hours": round(survey.hours, 4),
        "level_dbfs": {"5 %": round(low, 1), "median": round(middle, 1), "95 %": round(high, 1)},
        "classes": survey.by_class,
        "faults": [asdict(fault) for fault in survey.faults],
    }
