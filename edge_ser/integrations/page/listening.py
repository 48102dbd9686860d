"""`Listening`: a recogniser in a thread of its own, whose source is closed while it is muted."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edge_ser.capture.source import Source
from edge_ser.errors import AudioDeviceError, EdgeSerError
from edge_ser.events import Event
from edge_ser.integrations.systemd import Watchdog
from edge_ser.recognizer import Recognizer

CLOSING_SECONDS = 10.0  # that a source may take to let go
IDLE_SECONDS = 1.0  # between two words to a service manager while nothing is heard
REMEMBERED_DECISIONS = 50
REMEMBERED = ("at", "state", "emotion", "confidence", "probabilities")

Publish = Callable[[str, dict[str, Any]], None]
"""Takes the kind of a message and what it says; called from the listening thread, and must not wait."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capture:
    """Whether something is being heard."""

    state: Literal["listening", "muted", "ended", "failed"]
    """`ended` of a recording that is over; `failed` where the source cannot be opened or read."""

    source: str
    """What it is called."""

    microphone: bool
    """Whether it is one."""

    problem: str = ""
    """Why it failed, and the cure."""


class Listening:
    """Listens until it is stopped, and tells what it hears.

    Parameters
    ----------
    recognizer : Recognizer
        Closed by muting, so nothing of what was heard is kept.
    open_source : callable
        Returns a source and what it is called; asked again after each mute.
    publish : callable
        Told `hear` (an event) and `capture` (a `Capture`).
    watchdog : Watchdog, optional
        Of the service manager that started this process.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        open_source: Callable[[], tuple[Source, str]],
        publish: Publish,
        watchdog: Watchdog | None = None,
    ) -> None:
        self.capture = Capture("muted", "", microphone=False)
        self.decisions: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_DECISIONS)
        self._recognizer = recognizer
        self._open = open_source
        self._publish = publish
        self._watchdog = watchdog
        self._changing = threading.Lock()  # held to mute and to unmute: one after the other
        self._wanted = threading.Event()
        self._idle = threading.Event()  # no source is open
        self._idle.set()
        self._stopping = False
        self._opened: tuple[Source, str] | None = None  # by start
        self._thread = threading.Thread(target=self._run, name="edge-ser listening", daemon=True)

    def start(self, muted: bool = False) -> None:
        """Begin, muted or not.

        Raises
        ------
        EdgeSerError
            The source cannot be opened now.
        """
        if not muted:
            self._opened = self._open()
            self.unmute()
        self._thread.start()

    def unmute(self) -> None:
        """Listen, or play a recording that has ended once more; soon, not at once."""
        with self._changing:
            if not self._stopping and self._idle.is_set():
                self._idle.clear()
                self._wanted.set()

    def mute(self) -> None:
        """Stop the capture; on return the source is closed and what it had given is gone.

        Raises
        ------
        AudioDeviceError
            It does not let go.
        """
        with self._changing:
            self._wanted.clear()
            self._recognizer.close()
            if not self._idle.wait(CLOSING_SECONDS):
                raise AudioDeviceError("The microphone does not let go", "Unplug it, or end edge-ser")

    def stop(self) -> None:
        """Mute for good, and end the thread."""
        self._stopping = True
        try:
            self.mute()
        finally:
            self._wanted.set()
            if self._thread.is_alive():
                self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        while self._wait() and not self._stopping:
            try:
                self._listen()
            except EdgeSerError as error:
                self._fail(str(error))
            except Exception as error:  # a fault of ours must not leave a page that says it listens
                log.exception("listening failed")
                self._fail(f"{type(error).__name__}: {error}")
            finally:
                self._idle.set()

    def _wait(self) -> bool:
        """Return once there is something to do."""
        while self._watchdog is not None and not self._wanted.wait(IDLE_SECONDS):
            self._watchdog.muted()
        return self._wanted.wait()

    def _listen(self) -> None:
        """Hear one source to its end, or until it is muted."""
        source, name = self._opened or self._open()
        self._opened = None
        with source:
            microphone = hasattr(source, "stats")  # which a microphone's alone has
            self._tell(Capture("listening", name, microphone))
            for event in self._recognizer.listen(source):
                if not self._wanted.is_set():
                    break
                self._hear(event)
        ended = self._wanted.is_set()
        self._wanted.clear()
        self._tell(Capture("ended" if ended else "muted", name, microphone))

    def _fail(self, problem: str) -> None:
        self._wanted.clear()
        self._tell(Capture("failed", self.capture.source, self.capture.microphone, problem))

    def _hear(self, event: Event) -> None:
        if self._watchdog is not None:
            self._watchdog.note(event)
        heard = {**event.to_dict(), "at": round(time.time(), 3)}
        last = self.decisions[-1] if self.decisions else {}
        if (event.state, event.emotion) != (last.get("state"), last.get("emotion")):
            self.decisions.append({name: heard[name] for name in REMEMBERED})
        self._publish("hear", heard)

    def _tell(self, capture: Capture) -> None:
        self.capture = capture
        self._publish("capture", asdict(capture))
