"""The live picture: level, speech, a bar per emotion, the decision, where it lies, and what it costs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_ser.cli.terminal import (
    CLEAR_BELOW,
    CLEAR_TO_END_OF_LINE,
    HIDE_CURSOR,
    SHOW_CURSOR,
    WRAP_OFF,
    WRAP_ON,
    Looks,
    write,
)
from edge_ser.cli.views import NOTICE_TEXT, decision_text
from edge_ser.events import Event

if TYPE_CHECKING:
    from edge_ser.stats import Stats

QUIETEST_DBFS = -70.0  # left end of the level meter
REDRAW_SECONDS = 0.04  # a recording that is read faster than spoken is not drawn step by step
BAR_WIDTH = 40  # characters, less where the terminal is narrow
LABEL_WIDTH = 10
RIGHT_WIDTH = 21  # of what stands right of a bar, without flags
NOTICE_SECONDS = 10.0  # that a notice is seen

BOLD, DIM = "1", "2"
GREEN, YELLOW, RED = "32", "33", "31"
LABEL_COLOURS = {
    "neutral": "37",
    "calm": "37",
    "happy": "33",
    "sad": "34",
    "angry": "31",
    "fearful": "35",
    "disgusted": "32",
    "surprised": "36",
}


class LiveView:
    """Draws over itself, below what was on the terminal before; the last picture stays.

    Parameters
    ----------
    title : str
        What is listened to.
    looks : Looks
    step_seconds : float
        Duration of a step, which its cost is compared with.
    stats : callable
        Of the recogniser.
    size : callable, optional
        Returns columns and rows of the terminal.
    """

    def __init__(
        self,
        title: str,
        looks: Looks,
        step_seconds: float,
        stats: Callable[[], Stats],
        size: Callable[[], tuple[int, int]] = shutil.get_terminal_size,
    ) -> None:
        self._title = title
        self._looks = looks
        self._step_seconds = step_seconds
        self._stats = stats
        self._size = size
        self._drawn = 0  # lines on the screen
        self._drawn_at = -REDRAW_SECONDS
        self._latest: Event | None = None
        self._notice = ""
        self._notice_until = 0.0  # seconds of the stream

    def show(self, event: Event) -> None:
        """Draw the event, unless one was drawn just now."""
        self._latest = event
        if event.notices:
            self._notice = "; ".join(NOTICE_TEXT[notice] for notice in event.notices)
            self._notice_until = event.time + NOTICE_SECONDS
        now = time.monotonic()
        if now - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = now
            self._draw(event)

    def end(self) -> None:
        """Draw the last event and give the cursor back."""
        if self._latest is not None:
            self._draw(self._latest)
        if self._drawn:
            write(WRAP_ON + SHOW_CURSOR)

    def _draw(self, event: Event) -> None:
        columns, rows = self._size()
        lines = self.lines(event, columns)[: max(1, rows - 1)]
        start = f"\x1b[{self._drawn}A\r" if self._drawn else HIDE_CURSOR + WRAP_OFF
        write(start + "".join(line + CLEAR_TO_END_OF_LINE + "\n" for line in lines) + CLEAR_BELOW)
        self._drawn = len(lines)

    def lines(self, event: Event, columns: int) -> list[str]:
        """Return the picture, line by line."""
        width = max(8, min(BAR_WIDTH, columns - LABEL_WIDTH - RIGHT_WIDTH))
        return [
            self._looks.paint(f"edge-ser: {self._title}", BOLD),
            "",
            self._level(event, width),
            self._decision(event),
            self._warning(event),
            *(self._label(label, share, event, width) for label, share in event.probabilities.items()),
            "",
            _row("valence", f"{self._looks.scale(event.valence, width)} {event.valence:+.2f}"),
            _row("arousal", f"{self._looks.scale(event.arousal, width)} {event.arousal:+.2f}"),
            "",
            self._looks.paint(self._cost(event), DIM),
        ]

    def _level(self, event: Event, width: int) -> str:
        colour = RED if event.flags.clipping else YELLOW if event.level_dbfs > -6 else GREEN
        meter = self._looks.paint(self._looks.bar(1 - event.level_dbfs / QUIETEST_DBFS, width), colour)
        speech = self._looks.paint("speech", BOLD) if event.speech else "      "
        flags = [text for text, on in _flags(event) if on]
        return _row(
            "level", f"{meter} {event.level_dbfs:4.0f} dBFS  {speech}  {self._looks.paint(', '.join(flags), RED)}"
        )

    def _label(self, label: str, share: float, event: Event, width: int) -> str:
        decided = label == event.emotion
        # While nobody speaks the bars are those of the last utterance.
        colour = DIM if event.state == "no_speech" else LABEL_COLOURS.get(label, "37")
        bar = self._looks.paint(self._looks.bar(share, width), colour)
        mark = "<" if decided else ""
        return _row(label, f"{bar} {share:4.2f} {mark}".rstrip())

    def _decision(self, event: Event) -> str:
        text = self._looks.paint(decision_text(event), BOLD)
        if event.state in ("emotion", "uncertain"):
            text += f"  ({event.confidence:.0%} sure)" if event.emotion else f"  (at most {event.confidence:.0%} sure)"
        return _row("decision", text)

    def _warning(self, event: Event) -> str:
        shown = event.time < self._notice_until or event.state == "mic_lost"
        return _row("", self._looks.paint(self._notice, RED)) if shown else ""

    def _cost(self, event: Event) -> str:
        stats = self._stats()
        step = f"{stats.step_ms_last:.1f} ms for the last {1000 * self._step_seconds:.0f} ms"
        lost = f", {1000 * stats.lost_seconds:.0f} ms lost" if stats.lost_seconds else ""
        return _row("cost", f"{step}, p95 {stats.step_ms_p95:.1f} ms{lost}    {event.time:.1f} s    Ctrl-C ends")


def _row(name: str, text: str) -> str:
    return f"{name:{LABEL_WIDTH}} {text}"


def _flags(event: Event) -> list[tuple[str, bool]]:
    return [("audio lost", event.flags.gap), ("clipping", event.flags.clipping), ("noisy", event.flags.noise)]
