"""`edge-ser aggregate`: events in, counts of decisions by hour out, with differential privacy."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_ser.cli.stop import stopping_signals
from edge_ser.cli.terminal import print_note, write
from edge_ser.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_ser.aggregates import Budget, HourlyCounts

MAX_LINE_BYTES = 1 << 20
HOUR_MINUTES = 60

_EPILOG = """\
examples:
  edge-ser listen --json | edge-ser aggregate >> counts.jsonl
  edge-ser aggregate --status                                     what was spent

Only what is printed leaves the memory. docs/privacy.md says what is promised to whom.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "aggregate",
        help="count decisions by hour, with differential privacy",
        description="Read the events of `edge-ser listen --json` and print, when an hour is over, how many\n"
        "decisions there were of each kind: with noise that hides what is said within any one slot.\n"
        "The hour that is not over when the events end is dropped.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--epsilon", type=float, default=0.5, metavar="E", help="privacy loss of an hour's counts (0.5)"
    )
    parser.add_argument(
        "--budget-per-day",
        type=float,
        default=12.0,
        metavar="E",
        help="privacy loss of a day together (12)",
    )
    parser.add_argument(
        "--slot-minutes", type=int, default=2, metavar="N", help="length of a slot, a divisor of 60: a short visit (2)"
    )
    parser.add_argument(
        "--decisions-per-slot", type=int, default=2, metavar="N", help="that are counted of each slot (2)"
    )
    parser.add_argument("--model", metavar="FILE", help="model file that the events come from (the bundled one)")
    parser.add_argument("--budget-file", type=Path, metavar="FILE", help="where it is kept what was spent")
    parser.add_argument("--status", action="store_true", help="print what was spent instead")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Count until the events end."""
    from edge_ser.aggregates import Budget, HourlyCounts, Noise
    from edge_ser.aggregates.budget import micro
    from edge_ser.data_folder import data_folder

    if args.slot_minutes < 1 or HOUR_MINUTES % args.slot_minutes:
        raise SettingsError(f"slot_minutes is {args.slot_minutes}", "Give a divisor of 60, such as 2")
    if args.decisions_per_slot < 1:
        raise SettingsError(f"decisions_per_slot is {args.decisions_per_slot}", "Give a whole number from 1 up")
    budget = Budget(args.budget_file or data_folder() / "aggregates.json", args.budget_per_day)
    if args.status:
        write(json.dumps(_status(budget)) + "\n")
        return 0
    budget.spent()  # where it cannot be read, nothing is to be counted
    labels = _labels(args.model)
    counts = HourlyCounts(labels, 60 * args.slot_minutes, args.decisions_per_slot)
    micro(args.epsilon)  # an impossible one is an error now and not in an hour
    noise = Noise(args.epsilon, counts.sensitivity)
    said = {
        "epsilon": args.epsilon,
        "noise_scale": noise.scale,
        "slot_minutes": args.slot_minutes,
        "decisions_per_slot": args.decisions_per_slot,
    }
    with stopping_signals():
        aggregate(sys.stdin, labels, counts, lambda hour, exact: _release(hour, exact, budget, noise, said))
    return 0


def aggregate(
    lines: Any, labels: tuple[str, ...], counts: HourlyCounts, release: Callable[[int, Mapping[str, int]], None]
) -> None:
    """Count the events in lines of JSON as they come, and release each hour that is over."""
    while line := lines.readline(MAX_LINE_BYTES):
        event = _event(line)
        if "stats" in event:
            continue
        state, emotion = event.get("state"), event.get("emotion")
        if not isinstance(state, str) or (state == "emotion" and emotion not in labels):
            cure = "Give the events of `edge-ser listen --json`, and the --model they are from"
            raise SettingsError("A line is no event of this model", cure)
        ended = counts.add(time.time(), state, emotion)
        if ended is not None:
            release(*ended)


def _release(
    hour: int, exact: Mapping[str, int], budget: Budget, noise: Callable[[Mapping[str, int]], Any], said: dict[str, Any]
) -> None:
    began = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(3600 * hour))
    if not budget.pay(hour, said["epsilon"]):
        print_note(f"the hour from {began} is not released: the day's budget is spent, or the hour was paid for before")
        return
    write(json.dumps({"hour": began, "counts": noise(exact), **said}) + "\n")


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise SettingsError("A line is not a JSON object", "Pipe `edge-ser listen --json` into it")
    return event


def _labels(path: str | None) -> tuple[str, ...]:
    from edge_ser.student.model_file import ModelFile

    return (ModelFile.load_bundled() if path is None else ModelFile.load(path)).metadata.labels


def _status(budget: Budget) -> dict[str, Any]:
    from edge_ser.aggregates.budget import HOURS_A_DAY, MICRO

    spent = budget.spent()
    day = None
    if spent.last_hour >= 0:
        day = time.strftime("%Y-%m-%d", time.gmtime(3600 * (spent.last_hour // HOURS_A_DAY * HOURS_A_DAY)))
    return {"day": day, "epsilon_of_day": spent.today_micro / MICRO, "epsilon_in_all": spent.total_micro / MICRO}
