"""What is said over MQTT, and when: topics, the state's JSON, and the choice of events worth sending."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge_ser.errors import SettingsError
from edge_ser.events import Event

ROOT_TOPIC = "edge-ser"
ONLINE, OFFLINE = "online", "offline"
INTERVAL_SECONDS = 1.0

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what Home Assistant allows in a topic of discovery
_MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to publish."""

    topic: str

    payload: str

    retain: bool = False
    """The broker keeps it, for those who come later."""


@dataclass(frozen=True, slots=True)
class Device:
    """Who speaks.

    Raises
    ------
    SettingsError
        The name cannot be part of a topic.
    """

    name: str
    """Part of every topic, and unlike that of any other device at the broker."""

    labels: tuple[str, ...]
    """That the student tells apart."""

    model: str
    """Name and version of the student."""

    version: str
    """Of edge-ser."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            cure = "Use up to 64 letters, digits, _ and -"
            raise SettingsError(f"A device cannot be called {self.name!r} at an MQTT broker", cure)

    def topic(self, what: str) -> str:
        """Return the device's own topic for `state` or `availability`."""
        return f"{ROOT_TOPIC}/{self.name}/{what}"

    def availability(self, present: bool) -> Message:
        """Return what says whether the device is there."""
        return Message(self.topic("availability"), ONLINE if present else OFFLINE, retain=True)


def default_name() -> str:
    """Return the host's name, and what tells it from another `raspberrypi`."""
    host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().partition(".")[0])[:57] or "device"
    try:
        # Hashed, for systemd asks that the id itself does not leave the machine.
        return f"{host}-{hashlib.sha256(b'edge-ser' + _MACHINE_ID.read_bytes()).hexdigest()[:6]}"
    except OSError:
        return host


class Choice:
    """Chooses the events that are worth a message: what is new at once, the rest at an interval.

    Parameters
    ----------
    interval_seconds : float
        Of the stream, between two messages that say nothing new; 0 for every event.

    Examples
    --------
    >>> from edge_ser.events import Flags
    >>> said = {"emotion": None, "probabilities": {}, "confidence": 0, "valence": 0, "arousal": 0, "speech": False,
    ...     "speech_seconds": 0, "attention": 0, "level_dbfs": -60, "flags": Flags()}
    >>> choice = Choice(1.0)
    >>> times = (0.08, 0.16, 1.0, 1.08, 1.16)
    >>> [time for time in times if choice(Event(time=time, state="no_speech", **said))]
    [0.08, 1.08]
    """

    def __init__(self, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._interval_seconds = interval_seconds
        self._last: Event | None = None

    def __call__(self, event: Event) -> bool:
        """Say whether to send an event; each is asked about once, in order."""
        last = self._last
        worth = (
            last is None
            or (event.state, event.emotion) != (last.state, last.emotion)
            or bool(event.notices)
            or event.flags.gap
            # Times are sums of steps: their last bits are not to decide.
            or event.time - last.time >= self._interval_seconds - 1e-6
        )
        if worth:
            self._last = event
        return worth


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event on its way, with what tells it from all others."""

    event: Event

    sequence: int
    """From 1, by one; one that is missing was lost."""

    at: float
    """When it came, seconds since 1970."""


def state_message(device: Device, session: str, numbered: Numbered, lost: int) -> Message:
    """Return the message of an event: the line of `listen --json`, and four keys more.

    It is not retained: how somebody spoke is not to stay at the broker, and the next message is a second away.

    Parameters
    ----------
    device : Device
    session : str
        Which run of the program this is.
    numbered : Numbered
    lost : int
        Messages of this session that did not, or may not have, arrived until now.
    """
    at = datetime.fromtimestamp(numbered.at, timezone.utc).isoformat(timespec="milliseconds")
    head = {"session": session, "sequence": numbered.sequence, "lost": lost, "at": at}
    return Message(device.topic("state"), json.dumps({**head, **numbered.event.to_dict()}))
