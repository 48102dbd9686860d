"""`edge-ser-bench`: one command a question, a table for people and JSON for programs."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import Report, show, to_json
from edge_ser.errors import EdgeSerError

QUESTIONS = {
    "frontend": "what the MFCC front end costs, beside other front ends",
    "student": "what one step of the student costs, on each runtime installed",
    "pipeline": "what it costs from PCM to event, by block size and by stage",
    "footprint": "how large it is, how long it takes to start, how much memory it holds",
    "soak": "whether days of audio pass without a sample unaccounted for, memory lost or a decision changed",
    "resample": "what it costs to bring other sample rates to 16 kHz, beside soxr",
}

ON_CORPORA = {
    "presets": "what each preset costs: seconds until a decision, false events an hour",
    "degraded": "what bad audio does to confidence, and what is done about it",
    "drift": "how often drift is told, on people as they were recorded and through other microphones, rooms and noise",
    "voice-activity": "how well speech is told from noise, and what that costs, beside Silero and webrtcvad",
}
"""Questions that only recordings answer: they need --corpora, and the packages of the workshop."""

ON_EMULATORS = {
    "boards": "whether an emulated 64-bit and 32-bit Arm board gives the same bytes and decisions as this machine",
}
"""Questions that need a folder for the boards' systems, and what builds and runs them."""

EXIT_USAGE = 2  # as argparse has it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark and return the exit status."""
    args = _parser().parse_args(arguments)
    try:
        if args.json is not None:
            _check_writable(args.json)
        module = importlib.import_module(f"benchmarks.{args.question.replace('-', '_')}")
        report: Report = module.run(**_options(args))
        show(report)
        if args.json is not None:
            args.json.write_text(to_json(report), encoding="utf-8")
    except EdgeSerError as error:
        return _refuse(str(error))
    except ModuleNotFoundError as error:
        extras = "bench,convert" if args.question in ON_CORPORA else "bench"
        return _refuse(
            f"{error.name} is not installed. Install the benchmarks' packages: pip install 'edge-ser[{extras}]'"
        )
    except OSError as error:
        return _refuse(f"{error.filename or args.json}: {error.strerror}. Choose another file for --json")
    except KeyboardInterrupt:
        return _refuse("stopped")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-ser-bench", description="What edge-ser costs on this machine.")
    questions = parser.add_subparsers(dest="question", required=True, metavar="QUESTION")
    for name, help_text in {**QUESTIONS, **ON_CORPORA, **ON_EMULATORS}.items():
        question = questions.add_parser(name, help=help_text, description=f"Measures {help_text}.")
        question.add_argument("--quick", action="store_true", help="fewer repeats: seconds instead of minutes")
        if name in ON_CORPORA:
            question.add_argument(
                "--corpora", type=Path, required=True, metavar="DIR", help="folder that holds one folder a corpus"
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


def _options(args: argparse.Namespace) -> dict[str, object]:
    """Return what `run` of a question takes."""
    return {name: value for name, value in vars(args).items() if name not in ("question", "json")}


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
