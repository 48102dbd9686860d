"""What changed from one run to another, and what of it is noise.

The rule, also printed with every comparison. A figure that was repeated has quartiles. It has changed where the
quartiles of the two runs do not overlap and their medians lie further apart than `TIMES` (10 %) for absolute times
and what is made of them, or `RATIOS` (5 %) for ratios, which the machine's speed meets on both sides. All else is
noise. A figure that was taken once has changed where it differs by more than `ONCE` (25 %). Sizes and counts are exact,
so any difference is a change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.report import Cell, Report, Table, median_of
from edge_ser.errors import SettingsError

TIMES, RATIOS, ONCE = 0.10, 0.05, 0.25
"""Least share by which medians differ that is no noise: of times, of ratios, of what was measured only once."""

EXACT = (
    "_kb",
    "_bytes",
    "_count",
    "_samples",
    "_lsb",
    "installed_mb",
    "_macs",
    "macs_per_step",
    "macs_per_second",
    "uar",
)
"""Ends of the names of figures that do not vary."""

RATIO = "_ratio"
NOTE = (
    f"a repeated figure changed where the quartiles of the runs do not overlap and the medians differ by more than "
    f"{TIMES:.0%} (ratios: {RATIOS:.0%}); one taken once, by more than {ONCE:.0%}; sizes and counts, at all"
)

Verdict = Literal["less", "more", "noise", "same"]


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in two runs."""

    name: str
    before: Any
    after: Any

    @property
    def verdict(self) -> Verdict:
        """What it means, by the rule of this module."""
        before, after = median_of(self.before), median_of(self.after)
        if before == after:
            return "same"
        direction: Verdict = "more" if after > before else "less"
        if self.name.endswith(EXACT):
            return direction
        if not isinstance(self.before, Mapping) or not isinstance(self.after, Mapping):
            return direction if _apart(before, after) > ONCE else "noise"
        overlap = self.before["low"] <= self.after["high"] and self.after["low"] <= self.before["high"]
        least = RATIOS if self.name.endswith(RATIO) else TIMES
        return direction if not overlap and _apart(before, after) > least else "noise"


def compare(before: Path, after: Path) -> Report:
    """Return what changed between two reports, or between all those of two folders or board reports.

    Raises
    ------
    SettingsError
        One of them is no report, or they have no figure in common.
    """
    first, second = read_reports(before), read_reports(after)
    changes = list(_changes(first, second))
    if not changes:
        raise SettingsError(f"{before} and {after} have no figure in common", "Compare two reports of one kind")
    tables = (_changed(changes), _machines(first, second))
    told = [change.verdict for change in changes]
    counts = {verdict: told.count(verdict) for verdict in ("less", "more", "noise", "same")}
    return Report("compare", tables, {f"{verdict}_count": count for verdict, count in counts.items()}, (NOTE,))


def read_reports(path: Path) -> dict[str, Mapping[str, Any]]:
    """Return reports by name: of a folder, of a file with several (a board report), or the one that a file holds.

    Raises
    ------
    SettingsError
        There is none.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found: dict[str, Mapping[str, Any]] = {}
    for file in files:
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            reports = held.get("reports", [held])
            found |= {report["name"]: report for report in reports if report["figures"] or report["tables"]}
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SettingsError(
                f"{file} is no report of edge-ser-bench ({error})", "Give a file that it wrote"
            ) from error
    if not found:
        raise SettingsError(f"{path} holds no report", "Give a file or folder that edge-ser-bench wrote")
    return found


def _changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Change]:
    for name in first:
        theirs = second.get(name, {}).get("figures", {})
        for figure, value in first[name]["figures"].items():
            if figure in theirs:
                yield Change(f"{name}.{figure}", value, theirs[figure])


def _changed(changes: list[Change]) -> Table:
    """Return what is more or less, the largest change first."""
    real = [change for change in changes if change.verdict in ("less", "more")]
    real.sort(key=lambda change: -_apart(median_of(change.before), median_of(change.after)))
    rows: list[tuple[Cell, ...]] = []
    for change in real:
        before, after = median_of(change.before), median_of(change.after)
        times = f"x {after / before:.3g}" if before else None
        rows.append((change.name, _shown(change.before), _shown(change.after), times, change.verdict))
    same = sum(change.verdict == "same" for change in changes)
    noise = len(changes) - len(real) - same
    title = (
        f"{len(real)} of {len(changes)} figures changed; of the others {noise} differ by noise and {same} not at all"
    )
    return Table(title, ("figure", "before", "after", "after / before", "verdict"), tuple(rows))


def _machines(first: Mapping[str, Any], second: Mapping[str, Any]) -> Table:
    """Return how the machines differed, by the facts of the first report that both have."""
    name = next(name for name in first if name in second)
    before, after = first[name].get("machine", {}), second[name].get("machine", {})
    facts = [fact for fact in {**before, **after} if before.get(fact) != after.get(fact)]
    rows = tuple((fact, before.get(fact), after.get(fact)) for fact in facts)
    return Table("The machines, where they differ", ("what", "before", "after"), rows)


def _apart(before: float, after: float) -> float:
    """Return by what share of the smaller one they differ."""
    least = min(abs(before), abs(after))
    return abs(after - before) / least if least else float("inf")


def _shown(figure: Any) -> str:
    if isinstance(figure, Mapping):
        return f"{figure['median']:.4g} ({figure['low']:.4g} to {figure['high']:.4g})"
    return f"{figure:.6g}"
