"""`edge-ser schema`: what the lines of `--json` may hold, for programs that read them."""

from __future__ import annotations

import argparse

from edge_ser.cli.terminal import write


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of what --json prints",
        description="Print the JSON Schema (draft 2020-12) that every line of `edge-ser listen --json` and `edge-ser "
        "classify --json` obeys. Keys may be added; where one goes or comes to mean something else, the version in "
        "`$id` goes up.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print it."""
    from edge_ser.json_lines import schema_text

    write(schema_text())
    return 0
