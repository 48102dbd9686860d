"""`edge-ser config`: the settings that hold, and where each comes from."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING

from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.terminal import one_line, tell_passed_over, write
from edge_ser.configuration_file import default_files
from edge_ser.errors import EdgeSerError

if TYPE_CHECKING:
    from edge_ser.configuration import Configuration
    from edge_ser.settings import Settings

_DESCRIPTION = """\
Show every setting, its value and where it comes from. Flags come before the
environment (EDGE_SER_THREADS=2), that before the configuration file, TOML:
the one that --config names, else EDGE_SER_CONFIG, else the first of
~/.config/edge-ser/config.toml (in $XDG_CONFIG_HOME, where that is set) and
/etc/edge-ser.toml that is there.
"""
_EPILOG = """\
examples:
  edge-ser config --toml > edge-ser.toml        a file to start from
  edge-ser config --threads 2 --toml            with this in it
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "config",
        help="show the settings and where they come from",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--toml", action="store_true", help="print them as a file, each with its explanation")
    form.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_settings_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the configuration; raise what is wrong with it."""
    found = configuration_of(args)
    if args.toml:
        write(found.to_toml())
    elif args.json:
        for name, origin in found.origins.items():
            value = getattr(found.settings, name)
            if value in (float("inf"), float("-inf")):  # JSON has no such number
                value = str(value)
            line = {"name": name, "value": value, "origin": origin.kind, "place": origin.place}
            write(json.dumps(line) + "\n")
    else:
        write(f"{table(found)}\n{model_line(found.settings)}\n")
    return 0


def table(found: Configuration) -> str:
    """Return the settings as aligned lines, below the file that was read."""
    if found.file:
        head = f"configuration file: {one_line(str(found.file))}"
    else:
        looked = " and ".join(str(path) for path in default_files(os.environ))
        head = f"no configuration file (looked for {one_line(looked)})"
    rows = [(name, _shown(getattr(found.settings, name)), str(origin)) for name, origin in found.origins.items()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{name:{widths[0]}}  {value:{widths[1]}}  {one_line(origin)}" for name, value, origin in rows]
    return "\n".join([head, "", *lines]) + "\n"


def model_line(settings: Settings) -> str:
    """Return which model these settings mean: the installed one in use is chosen by no setting."""
    # Imported here: the other forms must start without NumPy and the student.
    from edge_ser.store.choose import choose_model

    try:
        choice = choose_model(settings)
    except EdgeSerError as error:
        return one_line(f"model in use: none. {error}")
    tell_passed_over(choice.passed_over)
    about = choice.model.metadata
    return one_line(f"model in use: {about.name} {about.version} ({choice.origin}, {choice.path})")


def _shown(value: object) -> str:
    return "not set" if value is None else one_line(str(value))
