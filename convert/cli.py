"""`edge-ser-convert`: reads the arguments, and turns what can go wrong into one line and exit status 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from convert import signing
from convert.commands.shared import FAILED, INTERRUPTED, OK
from edge_ser.errors import EdgeSerError

COMMANDS = (
    "convert.commands.making",
    "convert.commands.evaluating",
    "convert.commands.recordings",
    "convert.commands.methods",
    "convert.commands.judging",
    "convert.commands.compressing",
    "convert.commands.trying",
)
"""Modules with commands, each with `add_commands`, in the order in which `--help` lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        status: int = _run_command(arguments)
    except EdgeSerError as error:
        print(f"edge-ser-convert: {' '.join(str(error).split())}", file=sys.stderr)
        return FAILED
    except OSError as error:  # no permission, no space
        print(f"edge-ser-convert: {error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("edge-ser-convert: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return status


def _run_command(arguments: argparse.Namespace) -> int:
    from convert.errors import WorkerLostError

    try:
        status: int = arguments.run(arguments)
    except WorkerLostError as error:
        from convert.distribution import rejoin

        rejoin(error)
        raise
    return status


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="edge-ser-convert", description="Turns recordings of emotional speech into one verified model file."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        importlib.import_module(command).add_commands(commands)
    signing.add_parsers(commands)
    importlib.import_module("convert.commands.reference").add_commands(commands)
    commands.add_parser("recipes", help="list the recipes that came with edge-ser").set_defaults(run=_recipes)
    return parser


def _recipes(_: argparse.Namespace) -> int:
    from convert.recipe_file import RECIPES

    for path in sorted(RECIPES.glob("*.toml")):
        print(path.stem)
    return OK


if __name__ == "__main__":
    raise SystemExit(main())
