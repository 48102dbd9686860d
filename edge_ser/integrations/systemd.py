"""systemd: tells it that the service is ready, and that audio still comes through.

The protocol is sd_notify(3): datagrams of `NAME=value` lines to the Unix socket that `NOTIFY_SOCKET` names.

What counts as progress: an event whose time is another than the last one's, for that many samples went from the
microphone through the student; and an event of state `mic_lost`, for that is said by a source that looks for its
microphone at this moment. Where neither comes (a driver that neither gives samples nor fails, a runtime that does not
return, a consumer of events that is stuck) nothing is told, and systemd starts the service again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from edge_ser.events import Event

PINGS_PER_TIMEOUT = 4  # two would do, if a machine were never busy

LISTENING = "listening"
AWAY = "no microphone; it is looked for until it is back"
MUTED = "muted"


class Manager:
    """The service manager that started this process.

    Parameters
    ----------
    address : str
        Path of its Unix socket; one that begins with '@' is abstract.
    watchdog_seconds : float, optional
        Without a ping for so long, it takes the service for dead.
    """

    def __init__(self, address: str, watchdog_seconds: float | None = None) -> None:
        import socket  # takes longer than all else here, and seldom is there a manager

        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.watchdog_seconds = watchdog_seconds

    def tell(self, **assignments: str) -> None:
        """Send one message; where nobody takes it, it is lost: audio must not wait for it."""
        message = "\n".join(f"{name}={value}" for name, value in assignments.items())
        with suppress(OSError):
            self._socket.sendto(message.encode(), self._address)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def manager_of(environment: Mapping[str, str] = os.environ) -> Manager | None:
    """Return the manager that wants to be told; None where there is none, as in a terminal."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return None
    meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    microseconds = environment.get("WATCHDOG_USEC", "")
    return Manager(address, int(microseconds) / 1e6 if meant and microseconds.isdecimal() else None)


def is_service(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether a service manager started this process."""
    return bool(environment.get("NOTIFY_SOCKET"))


def watched(
    events: Iterable[Event], manager: Manager | None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Event]:
    """Yield the events as they are, and tell the manager of their progress.

    Parameters
    ----------
    events : iterable of Event
        As `Recognizer.listen` gives them.
    manager : Manager, optional
        Closed here. Where it is None nothing is told.
    clock : callable
        Seconds.
    """
    if manager is None:
        yield from events
        return
    watchdog = Watchdog(manager, clock)
    try:
        for event in events:
            watchdog.note(event)
            yield event
    finally:
        watchdog.close()


class Watchdog:
    """Tells a manager of progress; it is told that the service is ready with the first event that has audio behind it.

    Parameters
    ----------
    manager : Manager
    clock : callable
        Seconds.
    """

    def __init__(self, manager: Manager, clock: Callable[[], float] = time.monotonic) -> None:
        self._manager = manager
        self._clock = clock
        timeout = manager.watchdog_seconds
        self._every = float("inf") if timeout is None else timeout / PINGS_PER_TIMEOUT
        self._pinged_at = float("-inf")
        self._ready = False
        self._time = 0.0  # of the last event
        self._status = ""

    def note(self, event: Event) -> None:
        """Tell what an event says about the service; nothing where nothing went forward."""
        away = event.state == "mic_lost"
        if away or event.time != self._time:
            self._time = event.time
            self._tell(AWAY if away else LISTENING, ready=not away)

    def muted(self) -> None:
        """Tell that nothing is heard because somebody wants it so; to be called every second while that is so."""
        self._tell(MUTED, ready=True)

    def close(self) -> None:
        """Tell that the service ends."""
        self._manager.tell(STOPPING="1")
        self._manager.close()

    def _tell(self, status: str, ready: bool) -> None:
        told = {}
        if ready and not self._ready:
            self._ready = True
            told["READY"] = "1"
        if status != self._status:
            self._status = told["STATUS"] = status
        now = self._clock()
        if now - self._pinged_at >= self._every:
            self._pinged_at = now
            told["WATCHDOG"] = "1"
        if told:
            self._manager.tell(**told)
