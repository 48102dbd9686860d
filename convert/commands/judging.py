"""Judging shipped files: `evaluate --protocol robustness|fairness`, `compare`, `card`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.commands.shared import OK, add_corpora
from convert.terminal import wide_console

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    compare = commands.add_parser(
        "compare",
        help="put two model files side by side",
        description="Put two model files side by side on the speakers whom both name as held out: the difference in "
        "UAR with its interval over speakers, and McNemar's test on the recordings that one of them got right.",
    )
    compare.add_argument("first", type=Path, metavar="A")
    compare.add_argument("second", type=Path, metavar="B")
    add_corpora(compare)
    compare.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    compare.set_defaults(run=_compare)

    card = commands.add_parser(
        "card",
        help="make the full card of a model file: one page, Markdown, JSON",
        description="Measure everything about a model file on the people whom it names as held out: accuracy, "
        "confidence, groups, robustness, explanations. Writes NAME.card.html, which needs nothing beside it, and the "
        "same as Markdown with its pictures and as JSON.",
    )
    card.add_argument("model", type=Path, metavar="MODEL")
    add_corpora(card)
    card.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the card goes")
    card.add_argument(
        "--every", type=int, default=1, metavar="N", help="judge robustness on every Nth recording alone, to be quicker"
    )
    card.set_defaults(run=_card)


def judge_shipped(arguments: argparse.Namespace) -> Any:
    """Print the tables of a protocol; return the figures, plain."""
    from convert.evaluate import shipped_tables as tables
    from convert.evaluate.fairness import evaluate_fairness
    from convert.evaluate.robustness import evaluate_robustness

    console = wide_console(tables.WIDE)
    if arguments.protocol == "robustness":
        found = evaluate_robustness(arguments.model, arguments.corpora, max(1, arguments.every))
        tables.print_rows("Held-out speakers, spoilt in one way each, per cent", tables.robustness_rows(found), console)
        console.print(tables.steadiness(found))
        return [asdict(each) for each in found]
    fair = evaluate_fairness(arguments.model, arguments.corpora)
    tables.print_rows("Held-out speakers by group, per cent", tables.group_rows(fair), console)
    tables.print_rows("Women and men, points", tables.gap_rows(fair), console)
    tables.print_rows("By speaker, the worst first, per cent", tables.speaker_rows(fair), console)
    return asdict(fair)


def _card(arguments: argparse.Namespace) -> int:
    from convert.card.shipped import measure, write

    for path in write(measure(arguments.model, arguments.corpora, max(1, arguments.every)), arguments.out):
        print(path)
    return OK


def _compare(arguments: argparse.Namespace) -> int:
    from convert.evaluate import shipped_tables as tables
    from convert.evaluate.compare import compare_files

    found = compare_files(arguments.first, arguments.second, arguments.corpora)
    title = f"First {arguments.first.name}, second {arguments.second.name}; per cent"
    tables.print_rows(title, tables.compare_rows(found), wide_console(tables.WIDE))
    if arguments.json:
        plain = {"first": arguments.first.name, "second": arguments.second.name, "sets": [asdict(one) for one in found]}
        arguments.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return OK
