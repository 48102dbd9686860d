"""What a terminal can show: colours, bars, and text that stays on its line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

RESET = "\x1b[0m"
CLEAR_TO_END_OF_LINE = "\x1b[K"
CLEAR_BELOW = "\x1b[J"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
# Long lines end at the edge instead of going on below it, while the view is on the screen.
WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"

_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Looks:
    """What may be used in drawing."""

    colour: bool
    """SGR sequences (ECMA-48)."""

    unicode: bool
    """Block characters."""

    def paint(self, text: str, code: str) -> str:
        """Return the text in an SGR colour such as '1;32'."""
        return f"\x1b[{code}m{text}{RESET}" if self.colour and code else text

    def bar(self, fraction: float, width: int) -> str:
        """Return a bar of this width in characters, filled by a fraction from 0 to 1."""
        fraction = min(1.0, max(0.0, fraction))
        if not self.unicode:
            return ("#" * round(fraction * width)).ljust(width, ".")
        full, eighths = divmod(round(fraction * width * 8), 8)
        return ("█" * full + (_EIGHTHS[eighths] if eighths else "")).ljust(width)

    def scale(self, value: float, width: int) -> str:
        """Return a line of this width with a mark at a value from -1 to 1 and a tick at 0."""
        line, tick, mark = ("─", "┼", "●") if self.unicode else ("-", "+", "o")
        characters = [line] * width
        characters[width // 2] = tick
        characters[round((min(1.0, max(-1.0, value)) + 1) / 2 * (width - 1))] = mark
        return "".join(characters)


def looks_of(stream: TextIO) -> Looks:
    """Return what a stream and its user want; see https://no-color.org."""
    encoding = (stream.encoding or "ascii").lower().replace("-", "")
    colour = is_terminal(stream) and not os.environ.get("NO_COLOR")
    return Looks(colour=colour, unicode=encoding.startswith("utf"))


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether a stream is a terminal that can move its cursor."""
    return stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def one_line(text: str) -> str:
    r"""Return the text with its control characters spelt out: a file's name may hold anything.

    Examples
    --------
    >>> one_line("two\nlines")
    'two\\nlines'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_error(message: str) -> None:
    """Print an error as one line on stderr."""
    print_note(f"error: {message}")


def print_note(message: str) -> None:
    """Print one line on stderr, which may be closed."""
    with suppress(OSError):
        if sys.stderr is not None:
            print(f"edge-ser: {one_line(message)}", file=sys.stderr, flush=True)


def tell_passed_over(passed_over: Sequence[str]) -> None:
    """Say on stderr which installed models are broken, see `edge_ser.store.choose.Choice`."""
    for problem in passed_over:
        print_note(problem)


def write(text: str) -> None:
    """Write to stdout, which may be closed, and show it at once.

    Raises
    ------
    BrokenPipeError
        Nobody reads it any more.
    """
    if sys.stdout is not None:
        sys.stdout.write(text)
        sys.stdout.flush()
