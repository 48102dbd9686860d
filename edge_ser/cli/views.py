"""Three ways to show events: lines of text, JSON, and the live picture of `live_view`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from edge_ser.cli.terminal import write
from edge_ser.events import Event, Notice, Recognition, State

if TYPE_CHECKING:
    from edge_ser.stats import Stats

STATE_TEXT: dict[State, str] = {
    "warming_up": "listening",
    "no_speech": "nobody speaks",
    "uncertain": "uncertain",
    "emotion": "",
    "mic_lost": "no microphone",
}

NOTICE_TEXT: dict[Notice, str] = {
    "mic_lost": "the microphone is gone; it is looked for until it is back",
    "mic_restored": "the microphone is back",
    "silent_input": "no signal at all: is the microphone muted, or the wrong one?",
    "clipping_input": "too loud: turn the microphone down",
    "dc_offset": "the input is far off zero: the microphone or its cable is faulty",
    "wrong_device": "by its name this is no microphone but what the machine plays",
    "model_fallback": "the installed model is broken; an earlier one is used: see `edge-ser model list`",
    "drift": "what is heard is unlike what the model was made for: another microphone, room, noise or language?",
}


class View(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """Show one event."""
        ...

    def end(self) -> None:
        """Show what there is to say at the end; called however it comes."""
        ...


class JsonView:
    """One JSON object a line, and a last one with `stats`.

    Parameters
    ----------
    stats : callable
        Of the recogniser.
    """

    def __init__(self, stats: Callable[[], Stats]) -> None:
        self._stats = stats
        self._started = time.monotonic()
        self._audio_seconds = 0.0

    def show(self, event: Event) -> None:
        """Print the event."""
        self._audio_seconds = event.time
        write(json.dumps(event.to_dict()) + "\n")

    def end(self) -> None:
        """Print what it has cost."""
        stats: dict[str, Any] = {
            "audio_seconds": self._audio_seconds,
            "wall_seconds": time.monotonic() - self._started,
            **asdict(self._stats()),
        }
        write(json.dumps({"stats": {name: round(value, 3) for name, value in stats.items()}}) + "\n")


class LineView:
    """One line each time the decision changes, and one for each notice."""

    def __init__(self) -> None:
        self._before: tuple[State, str | None] | None = None

    def show(self, event: Event) -> None:
        """Print the event if it says something new."""
        for notice in event.notices:
            write(f"{event.time:8.2f} s  ! {NOTICE_TEXT[notice]}\n")
        decision = (event.state, event.emotion)
        if decision != self._before:
            self._before = decision
            write(event_line(event) + "\n")

    def end(self) -> None:
        """Print nothing more."""


def event_line(event: Event) -> str:
    """Return an event as one line of text.

    Examples
    --------
    >>> from edge_ser.events import Flags
    >>> event = Event(2.0, "emotion", "happy", {"happy": 0.7, "sad": 0.3}, 0.7, 0.5, 0.6, True, 1, 1, -20, Flags())
    >>> event_line(event).split()
    ['2.00', 's', 'happy', '0.70', 'valence', '+0.50', 'arousal', '+0.60']
    """
    text = f"{event.time:8.2f} s  {decision_text(event)}"
    if event.state in ("emotion", "uncertain"):
        text = f"{text:25} {event.confidence:.2f}  valence {event.valence:+.2f}  arousal {event.arousal:+.2f}"
    return text


def decision_text(decision: Event | Recognition) -> str:
    """Return what was decided in a word or two."""
    return decision.emotion or STATE_TEXT[decision.state]


def changes(timeline: tuple[Event, ...]) -> list[Event]:
    """Return the events whose decision differs from the one before."""
    kept: list[Event] = []
    for event in timeline:
        if not kept or (event.state, event.emotion) != (kept[-1].state, kept[-1].emotion):
            kept.append(event)
    return kept
