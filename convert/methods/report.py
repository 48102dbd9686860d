"""The table of methods as JSON, which a later run reads, and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from convert.card.text import table
from convert.evaluate.report import percent
from convert.methods.measure import Result
from convert.methods.plan import BASE


def write_results(results: Sequence[Result], about: Mapping[str, Any], prefix: Path) -> None:
    """Write `prefix`.json and `prefix`.md; results that are in the JSON already and not made anew stay in it.

    Parameters
    ----------
    results : sequence of Result
    about : mapping
        How they were made. Results that were made otherwise are not kept.
    prefix : Path
        Without suffix.
    """
    prefix.parent.mkdir(parents=True, exist_ok=True)
    path = prefix.with_suffix(".json")
    kept = {each.name: each for each in read_results(path, about)}
    merged = list({**kept, **{each.name: each for each in results}}.values())
    part = path.with_suffix(".part")
    plain = {"about": dict(about), "methods": [asdict(each) for each in merged]}
    part.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    prefix.with_suffix(".md").write_text(markdown(merged, about), encoding="utf-8")


def read_results(path: Path, about: Mapping[str, Any]) -> list[Result]:
    """Return the results of an earlier run of the same kind; none where there was none."""
    if not path.is_file():
        return []
    plain = json.loads(path.read_text(encoding="utf-8"))
    return [Result(**each) for each in plain["methods"]] if plain["about"] == dict(about) else []


def markdown(results: Sequence[Result], about: Mapping[str, Any]) -> str:
    """Return the tables."""
    base = next((each for each in results if each.kind == BASE and not each.error), None)
    head = (
        "method",
        "UAR (95 %)",
        "to the base",
        "WA",
        "calibration error",
        "validation UAR",
        "weights",
        "training, s",
    )
    lines = [
        "# Methods",
        "",
        f"Made by `{about['command']}`. One split, one seed and {about['epochs']} epochs: differences within the "
        "intervals, which are over the held-out speakers, are chance. Float networks; per cent of clips.",
    ]
    for kind in dict.fromkeys(each.kind for each in results):
        rows = [_row(each, base) for each in results if each.kind == kind]
        lines += ["", f"## {kind.capitalize()}", "", table(head, rows)]
    if base is not None and base.after:
        rows = [(name, f"{value:.2f}" if "mean" in name else percent(value)) for name, value in base.after.items()]
        lines += ["", "## After training", "", table(("of the base", "held-out speakers"), rows)]
    return "\n".join(lines) + "\n"


def _row(result: Result, base: Result | None) -> tuple[str, ...]:
    if result.error:
        return (result.name, result.error, *[""] * 6)
    gain = "" if base is None or result is base else f"{100 * (result.uar - base.uar):+.1f}"
    interval = f"{percent(result.uar)} ({percent(result.uar_low)} to {percent(result.uar_high)})"
    shares = (percent(result.wa), percent(result.ece), percent(result.validation_uar))
    return result.name, interval, gain, *shares, f"{result.parameters:,}", f"{result.train_seconds:.0f}"
