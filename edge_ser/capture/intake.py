"""What happens in PortAudio's own thread: one channel, or the mean of all, into a ring.

That thread is late for nobody: it takes no lock, makes no array of samples, and raises nothing. What it cannot avoid
are a few objects of fixed size that Python itself makes: the view of PortAudio's buffer, slices of it, counters.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.ring import Ring
from edge_ser.capture.source import LIVE_BLOCK_SECONDS


class Intake:
    """The way from PortAudio's callback to the program, for one opened stream.

    Parameters
    ----------
    sample_rate : int
        Hz.
    channels : int
        Of the stream.
    channel : int, optional
        The one to take, from 0; else the mean of all.
    ring_seconds : float
        Audio kept for a program that is slow.
    """

    def __init__(self, sample_rate: int, channels: int, channel: int | None, ring_seconds: float) -> None:
        self.block = round(sample_rate * LIVE_BLOCK_SECONDS)
        self.ring = Ring(max(self.block, round(sample_rate * ring_seconds)))
        # These are set by the callback alone.
        self.heard_at = monotonic()  # seconds, of the last callback
        self.device_overflows = 0  # times that PortAudio lost audio before the callback; how much, it does not say
        self._missed = 0  # samples that did not get into the ring
        # These by the reader alone.
        self._told = 0  # of self._missed
        self._owed = 0  # lost samples to be told with the next that are read
        self._channels = channels
        self._channel = 0 if channels == 1 else channel
        self._one = np.zeros(self.block)  # channel
        self._mixed = np.zeros(self.block)
        self._mono = np.zeros(self.block, np.int16)

    def callback(self, data: Any, frames: int, time: Any, status: Any) -> None:
        """Put a buffer of PortAudio's, interleaved int16, into the ring; what does not get there is counted."""
        written = self.ring.written
        try:
            self.heard_at = monotonic()
            if status.input_overflow:
                self.device_overflows += 1
                self._missed += 1
            self._take(np.frombuffer(data, np.int16).reshape(-1, self._channels))
        except Exception:  # would end the stream, with a page on stderr
            self._missed += frames - (self.ring.written - written)

    def finished(self) -> None:
        """End the stream: PortAudio says so when it is closed, and when it gives up on a device that is gone."""
        self.ring.close()

    def read(self, limit: int, timeout: float) -> tuple[NDArray[np.int16], int]:
        """Wait for samples and take the oldest, see `Ring.read`; those count as lost that never reached the ring."""
        samples, lost = self.ring.read(limit, timeout)
        self._owed += lost
        if not len(samples):
            return samples, 0
        missed = self._missed
        lost = self._owed + missed - self._told
        self._told, self._owed = missed, 0
        return samples, lost

    def erase(self) -> None:
        """Overwrite with zeros what was heard; only when PortAudio's thread has ended."""
        self.ring.erase()
        self._one[:] = 0.0
        self._mixed[:] = 0.0
        self._mono[:] = 0

    def _take(self, frames: NDArray[np.int16]) -> None:
        if self._channel is not None:
            self.ring.write(frames[:, self._channel])
            return
        for first in range(0, len(frames), self.block):
            self.ring.write(self._mix(frames[first : first + self.block]))

    def _mix(self, frames: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the mean of the channels, as `pcm.to_mono_int16` has it, in memory that is there already."""
        one, mixed, mono = self._one[: len(frames)], self._mixed[: len(frames)], self._mono[: len(frames)]
        np.copyto(mixed, frames[:, 0])
        for channel in range(1, self._channels):
            np.copyto(one, frames[:, channel])  # np.add would convert to float64 in an array of its own
            np.add(mixed, one, out=mixed)
        np.divide(mixed, self._channels, out=mixed)
        np.rint(mixed, out=mixed)
        np.copyto(mono, mixed, casting="unsafe")
        return mono
