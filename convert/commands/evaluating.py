"""Judging a model file: `evaluate`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.judging import judge_shipped
from convert.commands.shared import OK, add_corpora
from convert.terminal import wide_console

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    evaluate = commands.add_parser(
        "evaluate",
        help="judge a model file",
        description="Judge a model file on people it never heard: 'speaker' on those whom it names as held out, "
        "'corpus' on the corpora it was not trained on, 'adapted' as 'speaker', learning each voice as it listens; "
        "'robustness' in noise, rooms and bad lines, 'fairness' by gender, language and speaker.",
    )
    evaluate.add_argument("model", type=Path, metavar="MODEL")
    add_corpora(evaluate)
    protocols = ("speaker", "corpus", "adapted", "robustness", "fairness")
    evaluate.add_argument("--protocol", choices=protocols, default="speaker")
    evaluate.add_argument(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="with robustness: judge every Nth recording alone, to be quicker",
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    evaluate.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    from convert.evaluate.model_file import evaluate_adapted, evaluate_file
    from convert.evaluate.report import adapted_table, print_report, to_plain

    if arguments.protocol == "adapted":
        adapted = evaluate_adapted(arguments.model, arguments.corpora)
        wide_console().print(adapted_table(adapted))
        _write_figures(arguments, [asdict(each) for each in adapted])
        return OK
    if arguments.protocol in ("robustness", "fairness"):
        _write_figures(arguments, judge_shipped(arguments))
        return OK
    judged = evaluate_file(arguments.model, arguments.corpora, arguments.protocol)
    print_report(judged, wide_console())
    _write_figures(arguments, to_plain(judged))
    return OK


def _write_figures(arguments: argparse.Namespace, sets: object) -> None:
    if arguments.json:
        plain = {"model": arguments.model.name, "protocol": arguments.protocol, "sets": sets}
        arguments.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
