"""`edge-ser doctor`: what is wrong with this machine, and the command that cures it."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.terminal import Looks, is_terminal, looks_of, one_line, print_note, write
from edge_ser.errors import SettingsError
from edge_ser.settings import Settings

if TYPE_CHECKING:
    from edge_ser.doctor.finding import Finding, Status

FINE, WARNED, FAILED = 0, 1, 2
"""Exit status."""

MAX_WIDTH = 80  # columns; longer lines are hard to read
NAME_WIDTH = 15
INDENT = 8  # columns, of what was found

_EPILOG = """\
exit status: 0 everything works, 1 it works but there are warnings, 2 something
does not work, as wrong arguments. What cannot be determined counts as fine.

examples:
  edge-ser doctor --device USB
  edge-ser doctor --no-record --json || test $? -eq 1      in a script
"""
_MARKS: dict[Status, tuple[str, str]] = {  # and SGR colour
    "ok": ("ok", "32"),
    "warn": ("warn", "33"),
    "fail": ("FAIL", "1;31"),
    "unknown": ("-", "2"),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="look for what is wrong, and say what cures it",
        description="Look at Python, the model, the TFLite runtimes, the microphone and the board.\n"
        "Nothing is changed; what is recorded is forgotten at once.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--no-record", action="store_true", help="do not listen to the microphone for 1.5 s")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_settings_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what each check finds; return the exit status."""
    looks = looks_of(sys.stdout) if sys.stdout is not None else Looks(colour=False, unicode=False)
    width = min(MAX_WIDTH, shutil.get_terminal_size().columns)
    counts: Counter[Status] = Counter()
    shown = ""
    for area, finding in findings(args):
        counts[finding.status] += 1
        if args.json:
            write(json.dumps({"area": area, **asdict(finding)}) + "\n")
            continue
        if area != shown:
            write(f"{'' if not shown else chr(10)}{looks.paint(area, '1')}\n")
            shown = area
        write(text(finding, looks, width))
    if not args.json:
        write(f"\n{summary(counts)}\n")
    return FAILED if counts["fail"] else WARNED if counts["warn"] else FINE


def findings(args: argparse.Namespace) -> Iterator[tuple[str, Finding]]:
    """Yield what each check finds; wrong settings are a finding too, and the defaults are looked at."""
    # Imported here: other commands must start without NumPy and the student.
    from edge_ser.doctor.examination import examine
    from edge_ser.doctor.finding import Finding

    settings = Settings()
    try:
        found = configuration_of(args)
    except SettingsError as error:
        yield "software", Finding.of_error("settings", error)
    else:
        settings = found.settings
        changed = [f"{name} from {origin}" for name, origin in found.origins.items() if origin.kind != "default"]
        yield "software", Finding("ok", "settings", "; ".join(changed) or "the defaults")
    announce = print_note if is_terminal(sys.stderr) else lambda _: None
    yield from examine(settings, with_recording=not args.no_record, announce=announce)


def text(finding: Finding, looks: Looks, width: int) -> str:
    """Return a finding as lines of at most this width, but for a command that is longer: it can be copied whole."""
    mark, colour = _MARKS[finding.status]
    start = f"  {mark:{INDENT - 2}}{finding.check:{NAME_WIDTH}} "
    lines = _wrapped(finding.found, start, " " * len(start), width)
    lines[0] = lines[0].replace(mark, looks.paint(mark, colour), 1)
    if finding.cure:
        arrow = f"{' ' * INDENT}{'→' if looks.unicode else '->'} "
        lines += _wrapped(finding.cure, arrow, " " * len(arrow), width)
    return "\n".join(lines) + "\n"


def summary(counts: Counter[Status]) -> str:
    """Return how many findings there are of each kind.

    Examples
    --------
    >>> summary(Counter({"ok": 3, "warn": 1, "unknown": 1}))
    '1 warning, 3 fine, 1 not known'
    """
    warned = "warning" if counts["warn"] == 1 else "warnings"
    words: list[tuple[Status, str]] = [("fail", "failed"), ("warn", warned), ("ok", "fine"), ("unknown", "not known")]
    return ", ".join(f"{counts[status]} {word}" for status, word in words if counts[status])


def _wrapped(found: str, first: str, other: str, width: int) -> list[str]:
    """Return text as lines; a command in backquotes stays on one."""
    held = re.sub(r"`[^`]*`", lambda command: command[0].replace(" ", "\0"), one_line(found))
    lines = textwrap.wrap(
        held,
        width,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in lines]
