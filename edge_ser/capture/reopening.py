"""Looks for a microphone that went away, until it is back.

In a thread of its own, for PortAudio takes as long as it likes over a device that is gone, and a program that waits for
its microphone still wants an event a second and to end when it is told to.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterator

from edge_ser.capture.devices import load_sounddevice, sound_nodes
from edge_ser.capture.stream import Stream, Wish, reopen_stream
from edge_ser.errors import AudioDeviceError

FIRST_DELAY_SECONDS = 0.1  # between attempts, doubled each time
LAST_DELAY_SECONDS = 30.0
LOOK_SECONDS = 0.5  # between looks at what is plugged in; what is new there is not kept waiting
HUNG_SECONDS = 30.0  # in one call of PortAudio, after which it will not return
SLICE_SECONDS = 0.05  # of a wait: Python sees a signal that comes just before one only when that is over
# That closing waits for PortAudio, which is done within 0.1 unless the machine is busy or it hangs. A process that ends
# while another thread is in it crashes.
STOP_SECONDS = 2.0


def delays() -> Iterator[float]:
    """Yield seconds to wait before each attempt, without end.

    Examples
    --------
    >>> from itertools import islice
    >>> [*islice(delays(), 5)]
    [0.0, 0.1, 0.2, 0.4, 0.8]
    """
    yield 0.0
    delay = FIRST_DELAY_SECONDS
    while True:
        yield delay
        delay = min(2 * delay, LAST_DELAY_SECONDS)


class Reopening:
    """One search, from its construction until it finds or is stopped.

    Parameters
    ----------
    lost : Stream
        Closed here.
    wish : Wish
        How to open it.
    waits : iterator of float
        As `delays`; shared with the search before, where what that one found was of no use.
    """

    def __init__(self, lost: Stream, wish: Wish, waits: Iterator[float]) -> None:
        self._lost = lost
        self._wish = wish
        self._waits = waits
        self._found: Stream | None = None
        self._over = threading.Event()  # found or stopped
        self._stopped = threading.Event()
        self._handover = threading.Lock()
        self._called_at: float | None = time.monotonic()  # while PortAudio is at work
        self._thread = threading.Thread(target=self._search, name="edge-ser microphone", daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> Stream | None:
        """Return what was found, within `timeout` seconds.

        Raises
        ------
        AudioDeviceError
            PortAudio hangs, or the search has broken off: to go on waiting would be for ever.
        """
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0 and not self._over.wait(min(left, SLICE_SECONDS)):
            pass
        called_at = self._called_at
        if called_at is not None and time.monotonic() - called_at > HUNG_SECONDS:
            raise AudioDeviceError("PortAudio does not let go of a microphone that is gone", "Start the program again")
        if not self._over.is_set() and not self._thread.is_alive():
            raise AudioDeviceError("The search for the microphone has broken off", "Start the program again")
        return self._found

    def stop(self) -> None:
        """End the search, and close what it found or is about to find."""
        self._stopped.set()
        self._over.set()
        with self._handover:
            found = self._found
        if found is not None:
            found.close()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            # PortAudio 19.6, for one, never returns where a device goes away before its first buffer. At the process's
            # end sounddevice would wait for the same call, or end PortAudio beneath it.
            atexit.unregister(load_sounddevice()._exit_handler)

    def _search(self) -> None:
        self._lost.close()
        self._called_at = None
        while not self._pause(next(self._waits)):
            self._called_at = time.monotonic()
            try:
                stream = reopen_stream(self._lost.device, self._wish)
            except AudioDeviceError:
                continue
            finally:
                self._called_at = None
            with self._handover:
                self._found = stream
            if self._stopped.is_set():
                stream.close()
            self._over.set()
            return

    def _pause(self, seconds: float) -> bool:
        """Wait, less long where something is plugged in; say whether the search is over."""
        deadline = time.monotonic() + seconds
        nodes = sound_nodes()
        while (left := deadline - time.monotonic()) > 0 and not self._stopped.wait(min(left, LOOK_SECONDS)):
            if sound_nodes() != nodes:
                self._waits = delays()  # it may need some attempts until it is ready
                break
        return self._stopped.is_set()
