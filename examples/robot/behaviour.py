"""The behaviour layer: from how a robot is spoken to, to how it carries itself and what it offers.

The recogniser is a sense, not a judge, and right among seven labels about half the time. So nothing here is done that
would be wrong if the label were: the robot slows down, makes room, asks, offers a person. Four rules keep it steady:

- what is uncertain, too early, or heard through damaged audio changes nothing;
- an emotion must be held for a while, longer where it would make the robot bolder than where it would make it gentler;
- a behaviour is kept for some seconds before another bold one, and each sentence has a cool-down;
- when nobody has spoken for a while, or the microphone is gone, the robot is as usual again.

Time is that of the events, so a recording gives the same behaviour each time it is played.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edge_ser import Event

GENTLER_AFTER_SECONDS = 0.4  # of the same emotion
BOLDER_AFTER_SECONDS = 2.0
KEEP_SECONDS = 10.0  # a behaviour, before a bolder one
SAY_AGAIN_SECONDS = 60.0  # the same sentence
AS_USUAL_AFTER_SECONDS = 15.0  # without speech


@dataclass(frozen=True)
class Behaviour:
    """How the robot carries itself."""

    name: str

    distance: float
    """Metres to the person."""

    speed: float
    """Of all movements, 1 is usual."""

    voice_rate: float
    """Of its own speech, 1 is usual."""

    says: str = ""
    """Once, when it begins."""

    next_steps: tuple[str, ...] = ()
    """What the robot's program, or the person who is called, had best do now."""


USUAL = Behaviour("usual", distance=1.0, speed=1.0, voice_rate=1.0)

BEHAVIOURS = {
    "neutral": USUAL,
    "happy": Behaviour("lively", 1.0, 1.1, 1.05, next_steps=("go on with what you do",)),
    "sad": Behaviour(
        "patient",
        1.0,
        0.6,
        0.9,
        "Take your time. Shall I call somebody?",
        ("go on at half the pace", "offer a person", "do not cheer up or comment on the mood"),
    ),
    "angry": Behaviour(
        "yielding",
        1.8,
        0.4,
        0.9,
        "I have stopped. What should I do differently?",
        ("stop the present task", "step back", "ask what to change", "offer a person", "never justify or get louder"),
    ),
    "fearful": Behaviour(
        "still",
        2.0,
        0.3,
        0.9,
        "I stay where I am. Say 'come' when you want me.",
        ("stop all movement", "make room", "announce every movement before it is made", "offer a person"),
    ),
    "disgusted": Behaviour(
        "undoing",
        1.5,
        0.6,
        0.95,
        "Shall I take that away?",
        ("undo or remove what was done last", "ask what is wrong with it"),
    ),
    "surprised": Behaviour(
        "explaining",
        1.2,
        0.7,
        0.95,
        "Was that unexpected? I can explain.",
        ("pause", "say what is being done and why", "show how to go back"),
    ),
}


def is_bolder(behaviour: Behaviour, than: Behaviour) -> bool:
    """Say whether a behaviour comes nearer or moves faster than another."""
    return behaviour.distance < than.distance or behaviour.speed > than.speed


@dataclass(frozen=True)
class Act:
    """Something to do now."""

    time: float
    """Seconds of the stream."""

    behaviour: Behaviour

    says: str
    """To be said aloud; empty where it was said a short while ago."""


class BehaviourLayer:
    """Events in, acts out."""

    def __init__(self) -> None:
        self.behaviour = USUAL
        self._changed_at = float("-inf")
        self._last_speech = 0.0
        self._emotion: str | None = None  # that is being held
        self._held_since = 0.0
        self._said_at: dict[str, float] = {}

    def acts(self, events: Iterable[Event]) -> Iterator[Act]:
        """Yield what is to be done, when it changes."""
        for event in events:
            act = self.hear(event)
            if act is not None:
                yield act

    def hear(self, event: Event) -> Act | None:
        """Return what an event gives cause for; None where everything stays as it is."""
        if event.speech:
            self._last_speech = event.time
        if event.time - self._last_speech >= AS_USUAL_AFTER_SECONDS:
            self._emotion = None
            return self._change(USUAL, event.time)
        if event.state != "emotion" or event.emotion not in BEHAVIOURS or event.flags.gap or event.flags.clipping:
            self._emotion = None
            return None
        if event.emotion != self._emotion:
            self._emotion = event.emotion
            self._held_since = event.time
        wanted = BEHAVIOURS[event.emotion]
        bolder = is_bolder(wanted, self.behaviour)
        if event.time - self._held_since < (BOLDER_AFTER_SECONDS if bolder else GENTLER_AFTER_SECONDS):
            return None
        if bolder and event.time - self._changed_at < KEEP_SECONDS:
            return None
        return self._change(wanted, event.time)

    def _change(self, wanted: Behaviour, time: float) -> Act | None:
        if wanted == self.behaviour:
            return None
        self.behaviour = wanted
        self._changed_at = time
        says = wanted.says
        if time - self._said_at.get(says, float("-inf")) < SAY_AGAIN_SECONDS:
            says = ""
        if says:
            self._said_at[says] = time
        return Act(time, wanted, says)
