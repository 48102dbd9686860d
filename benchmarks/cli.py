"""`edge-ser-bench`: one command a question, or all of them; a table for people and JSON for programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.questions import ON_CORPORA, ON_EMULATORS, QUESTIONS, TAKES_CORPORA
from benchmarks.report import show, to_json
from edge_ser.errors import EdgeSerError

OUT = Path("edge-ser-bench")
BOARD_REPORT = Path("edge-ser-board-report.json")
COMMANDS = ("all", "compare", "board-report")
"""What is no question."""

EXIT_USAGE = 2  # as argparse has it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for and return the exit status."""
    args = _parser().parse_args(arguments)
    try:
        if args.question == "all":
            return _all(args)
        if args.question == "compare":
            return _compare(args)
        if args.question == "board-report":
            return _board_report(args)
        return _question(args)
    except EdgeSerError as error:
        return _refuse(str(error))
    except ModuleNotFoundError as error:
        extras = "bench,convert" if args.question in (*ON_CORPORA, "toolchain") else "bench"
        return _refuse(f"{error.name} is not installed. In the checkout, run: pip install '.[{extras}]' ./convert")
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}. Choose another place")
    except KeyboardInterrupt:
        return _refuse("stopped")


def _question(args: argparse.Namespace) -> int:
    from benchmarks.running import measure

    if args.json is not None:
        _check_writable(args.json)
    options = {name: value for name, value in vars(args).items() if name not in ("question", "json")}
    report = measure(args.question, options)
    show(report)
    if args.json is not None:
        args.json.write_text(to_json(report), encoding="utf-8")
    return 0


def _all(args: argparse.Namespace) -> int:
    from benchmarks.everything import PAGE, run_all

    failed = run_all(args.out, args.quick, args.corpora, args.only)
    for line in failed:
        print(f"note: {line}", file=sys.stderr)
    print(f"The report is {args.out / PAGE}", file=sys.stderr)
    return 0


def _compare(args: argparse.Namespace) -> int:
    from benchmarks.compare import compare

    report = compare(args.before, args.after)
    show(report)
    if args.json is not None:
        args.json.write_text(to_json(report), encoding="utf-8")
    return 0


def _board_report(args: argparse.Namespace) -> int:
    from benchmarks.board_report import board_report

    _check_writable(args.json)
    board_report(args.json, args.quick)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-ser-bench", description="What edge-ser costs on this machine.")
    questions = parser.add_subparsers(dest="question", required=True, metavar="QUESTION")
    _add_commands(questions)
    for name, help_text in {**QUESTIONS, **ON_CORPORA, **ON_EMULATORS}.items():
        question = questions.add_parser(name, help=help_text, description=f"Measures {help_text}.")
        question.add_argument("--quick", action="store_true", help="fewer repeats: seconds instead of minutes")
        if name in (*ON_CORPORA, *TAKES_CORPORA):
            question.add_argument(
                "--corpora",
                type=Path,
                required=name in ON_CORPORA,
                metavar="DIR",
                help="folder that holds one folder a corpus" + ("" if name in ON_CORPORA else ": judges the peers too"),
            )
        if name in ON_EMULATORS:
            question.add_argument(
                "--folder", type=Path, required=True, metavar="DIR", help="where the boards' systems are made and kept"
            )
        question.add_argument("--json", type=Path, metavar="FILE", help="also write every figure to FILE")
    soak = questions.choices["soak"]
    soak.add_argument("--hours", type=float, default=24.0, help="of audio in the day that is heard twice (24)")
    soak.add_argument(
        "--corpora", type=Path, metavar="DIR", help="real recordings; else the one that came with edge-ser"
    )
    return parser


def _add_commands(questions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    every = questions.add_parser(
        "all",
        help="all that needs no corpora and no days, as JSON, Markdown, charts and one HTML page",
        description="Answers every question that can be answered here, and writes JSON, Markdown, charts and a page.",
    )
    every.add_argument(
        "--quick", action="store_true", help="fewer repeats: about a minute instead of a quarter of an hour"
    )
    every.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"where to write ({OUT})")
    every.add_argument("--corpora", type=Path, metavar="DIR", help="also what needs recordings of people")
    every.add_argument("--only", nargs="+", default=(), metavar="QUESTION", help="these questions alone")
    compare = questions.add_parser(
        "compare",
        help="what changed between two runs, and what of it is noise",
        description="Compares two reports, two folders that `all` wrote, or two board reports.",
    )
    compare.add_argument("before", type=Path, metavar="A", help="JSON file or folder")
    compare.add_argument("after", type=Path, metavar="B", help="JSON file or folder")
    compare.add_argument("--json", type=Path, metavar="FILE", help="also write what changed to FILE")
    board = questions.add_parser(
        "board-report",
        help="the one JSON to send back from a real board",
        description="Measures what edge-ser costs on this board and writes one JSON file to send back. It holds "
        "figures and the facts of the machine, no names and no paths.",
    )
    board.add_argument("--quick", action="store_true", help="fewer repeats")
    board.add_argument(
        "--json", type=Path, default=BOARD_REPORT, metavar="FILE", help=f"where to write ({BOARD_REPORT})"
    )


def _check_writable(path: Path) -> None:
    """Fail before the minutes of measuring and not after them."""
    with path.open("a", encoding="utf-8"):
        pass
    if path.stat().st_size == 0:
        path.unlink()


def _refuse(message: str) -> int:
    print(f"edge-ser-bench: {message}", file=sys.stderr)
    return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
