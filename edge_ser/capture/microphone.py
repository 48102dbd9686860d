"""The microphone, through PortAudio.

PortAudio calls back from its own thread. The callback copies into a ring and returns: a program that is slow for a
while finds the newest seconds there, and is told how many samples it missed. A microphone that goes away is looked for
until it is back; until then time goes on without samples.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.devices import PORTAUDIO, InputDevice, find_device, hears_the_loudspeaker, renew_devices
from edge_ser.capture.reopening import Reopening, delays
from edge_ser.capture.ring import RingStats
from edge_ser.capture.source import BLOCK_SECONDS, Block, Source, checked_rate
from edge_ser.capture.stream import Stream, Wish, open_stream
from edge_ser.errors import AudioDeviceError
from edge_ser.events import Notice

RING_SECONDS = 2.0  # of audio that a slow program may fall behind; older is of no use to a conversation
DEAD_SECONDS = 3.0  # without a callback, after which the device is taken for gone
TICK_SECONDS = 1.0  # between blocks that say that it is still away

_NO_SAMPLES = np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class MicrophoneStats:
    """How well the program has kept up with the microphone, and the microphone with the program."""

    ring: RingStats
    """Samples that waited and were lost between callback and program."""

    device_overflows: int
    """Times that PortAudio lost audio before the callback; how much, it does not say."""

    losses: int
    """Times that the microphone went away."""

    restorations: int
    """Times that it came back."""


class MicrophoneSource(Source):
    """A microphone, listened to from construction until `close`.

    Opened at 16 kHz mono where the device does that, else at its own rate and channels, which are mixed by their mean.
    `sample_rate` says what was opened.

    Where the microphone is unplugged, its sound server dies, or nothing comes from it for `DEAD_SECONDS`, `read` gives
    a block that is `away` with the notice `mic_lost`, and one more every `TICK_SECONDS`, while it is looked for by its
    name; another is never listened to in its place. With the notice `mic_restored` it goes on; `sample_rate` may then
    be another. PortAudio's list of devices is made anew for it, unless another sounddevice stream is open in this
    process, which that would end: until that is closed, a microphone is found again under its old number alone.

    One thread may read; `stats` and `close` may be called from any.

    Parameters
    ----------
    device : str, int or None
        As `devices.find_device`.
    sample_rate : int, optional
        Hz; this rate and no other.
    channels : int, optional
        This number and no other.
    ring_seconds : float
        Audio kept for a program that is slow.
    channel : int, optional
        The one to listen to, from 0; else the mean of all.

    Raises
    ------
    AudioDeviceError
        sounddevice, PortAudio or the device is missing, or the device cannot be opened; from `read`, PortAudio hangs.
    """

    private = True

    def __init__(
        self,
        device: str | int | None = None,
        sample_rate: int | None = None,
        channels: int | None = None,
        ring_seconds: float = RING_SECONDS,
        channel: int | None = None,
    ) -> None:
        if sample_rate is not None:
            sample_rate = checked_rate(sample_rate)
        self._wish = Wish(sample_rate, channels, channel, ring_seconds)
        with PORTAUDIO:
            self.device = _find(device)
            self._stream = open_stream(self.device, self._wish)
        self.name = self.device.name
        self.sample_rate = self._stream.sample_rate
        self.channels = self._stream.channels
        self._closed = False
        self._changing = threading.Lock()  # held, briefly, to change the stream, to close and to count
        self._reopening: Reopening | None = None
        self._waits: Iterator[float] = delays()
        self._away = False
        self._passed_until = 0.0  # monotonic seconds; while away, time up to here has been told as lost
        self._opened_at = 0.0  # monotonic seconds; when a microphone that was away was opened again
        self._losses = self._restorations = 0
        self._past: tuple[RingStats, int] | None = None  # of the streams before
        self._notices: tuple[Notice, ...] = ("wrong_device",) if hears_the_loudspeaker(self.name) else ()

    def read(self) -> Block | None:
        """Wait for audio and return the oldest that waits, at most 100 ms of it; None once closed.

        Where PortAudio itself lost audio, each time counts as one lost sample: how many there were it does not say.
        """
        if self._closed:
            return None
        if self._reopening is not None:
            found = self._reopening.wait(TICK_SECONDS)
            if self._closed:
                return None
            if found is None:
                return self._time_passed()
            self._change_to(found)
        intake = self._stream.intake
        limit = round(self.sample_rate * BLOCK_SECONDS)
        samples, lost = intake.read(limit, TICK_SECONDS if self._away else DEAD_SECONDS)
        if self._closed:
            samples[:] = 0
            return None
        if len(samples):
            return self._restored(samples) if self._away else Block(samples, lost, notices=self._told())
        if self._away and not intake.ring.closed and time.monotonic() < self._opened_at + DEAD_SECONDS:
            return self._time_passed()
        return self._lose()

    def stats(self) -> MicrophoneStats:
        """Return the counters, from any thread."""
        with self._changing:
            ring, device_overflows = self._totals()
        return MicrophoneStats(ring, device_overflows, self._losses, self._restorations)

    def close(self) -> None:
        """Stop listening and overwrite with zeros what was heard; a waiting `read` returns None."""
        with self._changing:
            if self._closed:
                return
            self._closed = True
        if self._reopening is not None:
            self._reopening.stop()
        self._stream.close()

    def _lose(self) -> Block:
        """Begin to look for the microphone."""
        if not self._away:
            self._away = True
            self._losses += 1
            self._passed_until = self._stream.intake.heard_at
            self._notices += ("mic_lost",)
            self._waits = delays()
        with self._changing:
            if not self._closed:
                self._reopening = Reopening(self._stream, self._wish, self._waits)
        return self._time_passed()

    def _change_to(self, found: Stream) -> None:
        with self._changing:
            if self._closed:
                return
            self._past = self._totals()
            self._stream = found
            self._reopening = None
        self._opened_at = time.monotonic()
        self.sample_rate = found.sample_rate
        self.channels = found.channels

    def _restored(self, samples: NDArray[np.int16]) -> Block:
        self._away = False
        self._restorations += 1
        self._notices += ("mic_restored",)
        heard = len(samples) + self._stream.intake.ring.stats().depth
        lost = max(1, self._passed() - heard)  # there is a gap, however short
        return Block(samples, lost, notices=self._told())

    def _time_passed(self) -> Block:
        return Block(_NO_SAMPLES, self._passed(), away=True, notices=self._told())

    def _passed(self) -> int:
        """Return how many samples there would have been since it was asked last."""
        now = time.monotonic()
        samples = round((now - self._passed_until) * self.sample_rate)
        self._passed_until = now
        return samples

    def _told(self) -> tuple[Notice, ...]:
        notices, self._notices = self._notices, ()
        return notices

    def _totals(self) -> tuple[RingStats, int]:
        """Return the counters of all streams so far."""
        intake = self._stream.intake
        ring, past = intake.ring.stats(), self._past
        if past is None:
            return ring, intake.device_overflows
        before, overflows = past
        total = replace(
            ring,
            high_water=max(before.high_water, ring.high_water),
            overflows=before.overflows + ring.overflows,
            lost=before.lost + ring.lost,
        )
        return total, overflows + intake.device_overflows


def _find(wanted: str | int | None) -> InputDevice:
    try:
        return find_device(wanted)
    except AudioDeviceError:
        if not renew_devices():
            raise
        return find_device(wanted)  # it may have been plugged in after PortAudio looked
