"""The microphone, through PortAudio.

PortAudio calls back from its own thread. The callback copies into a ring and returns: a program that is slow for a
while finds the newest seconds there, and is told how many samples it missed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.devices import InputDevice, find_device, load_sounddevice
from edge_ser.capture.ring import Ring, RingStats
from edge_ser.capture.source import LIVE_BLOCK_SECONDS, Block, Source, checked_rate
from edge_ser.errors import AudioDeviceError
from edge_ser.settings import SAMPLE_RATE

RING_SECONDS = 2.0  # of audio that a slow program may fall behind; older is of no use to a conversation
DEAD_SECONDS = 3.0  # without a callback, after which the device is taken for gone

_BUSY_CURE = "Close what uses it (`fuser -v /dev/snd/*` shows it), or choose another of `edge-ser devices`"
_OPEN_CURES = {  # by PortAudio's error code
    -9997: "Leave the sample rate out, it is converted where it has to be",
    -9998: "Leave the number of channels out, they are mixed",
}


@dataclass(frozen=True, slots=True)
class MicrophoneStats:
    """How well the program has kept up with the microphone."""

    ring: RingStats
    """Samples that waited and were lost between callback and program."""

    device_overflows: int
    """Times that PortAudio lost audio before the callback; how much, it does not say."""


class MicrophoneSource(Source):
    """A microphone, listened to from construction until `close`.

    Opened at 16 kHz mono where the device does that, else at its own rate and channels, which are mixed by their mean.
    `sample_rate` says what was opened.

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

    Raises
    ------
    AudioDeviceError
        sounddevice, PortAudio or the device is missing, or the device cannot be opened; from `read`, it is gone.
    """

    def __init__(
        self,
        device: str | int | None = None,
        sample_rate: int | None = None,
        channels: int | None = None,
        ring_seconds: float = RING_SECONDS,
    ) -> None:
        if sample_rate is not None:
            sample_rate = checked_rate(sample_rate)
        self.device = find_device(device)
        self.name = self.device.name
        self._ring_seconds = ring_seconds
        self._device_overflows = 0
        self._reported_overflows = 0
        self._closed = False
        self._stream = self._open(_layouts(self.device, sample_rate, channels))

    def read(self) -> Block | None:
        """Wait for audio and return all there is; None once closed.

        Where PortAudio itself lost audio, each time counts as one lost sample: how many there were it does not say.
        """
        samples, lost = self._ring.read(self._ring_capacity, DEAD_SECONDS)
        if len(samples):
            device_overflows = self._device_overflows
            lost += device_overflows - self._reported_overflows
            self._reported_overflows = device_overflows
            return Block(samples, lost)
        if self._closed:
            return None
        raise AudioDeviceError(
            f"The microphone {self.name!r} has stopped giving audio",
            "Plug it in again and look with `edge-ser devices`",
        )

    def stats(self) -> MicrophoneStats:
        """Return the counters, from any thread."""
        return MicrophoneStats(self._ring.stats(), self._device_overflows)

    def close(self) -> None:
        """Stop listening and overwrite with zeros what was heard; a waiting `read` returns None."""
        if self._closed:
            return
        self._closed = True
        # Not stop(), which would wait for the device to finish.
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)
        self._ring.close()
        self._ring.erase()
        self._mixed[:] = 0.0
        self._mono[:] = 0

    def _open(self, layouts: list[tuple[int, int]]) -> Any:
        """Start a stream in the first of these layouts that the device does."""
        sounddevice = load_sounddevice()
        reason, cure = "it does nothing that was asked for", _BUSY_CURE
        for sample_rate, channels in layouts:
            block = round(sample_rate * LIVE_BLOCK_SECONDS)
            self._prepare(sample_rate, channels, block)
            stream = None
            try:
                with _quiet_stderr():
                    stream = sounddevice.RawInputStream(
                        device=self.device.index,
                        samplerate=sample_rate,
                        channels=channels,
                        dtype="int16",
                        blocksize=block,
                        latency="high",  # of the device's own buffer: a Pi that is busy for 30 ms loses nothing
                        callback=self._callback,
                        finished_callback=self._finished,
                    )
                    stream.start()
                self.sample_rate = round(stream.samplerate)
                return stream
            except sounddevice.PortAudioError as error:
                reason, cure = str(error), _OPEN_CURES.get(error.args[-1], _BUSY_CURE)
                if stream is not None:
                    stream.close(ignore_errors=True)
        raise AudioDeviceError(f"The microphone {self.name!r} cannot be opened: {reason}", cure)

    def _prepare(self, sample_rate: int, channels: int, block: int) -> None:
        self.sample_rate = sample_rate
        self.channels = channels
        self._ring_capacity = max(block, round(sample_rate * self._ring_seconds))
        self._ring = Ring(self._ring_capacity)
        self._mixed = np.zeros(block)
        self._mono = np.zeros(block, np.int16)

    def _callback(self, data: Any, frames: int, time: Any, status: Any) -> None:
        if status.input_overflow:
            self._device_overflows += 1
        samples = np.frombuffer(data, np.int16)
        if self.channels == 1:
            self._ring.write(samples)
            return
        by_frame = samples.reshape(-1, self.channels)
        for first in range(0, frames, len(self._mono)):
            self._ring.write(self._mix(by_frame[first : first + len(self._mono)]))

    def _mix(self, frames: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the mean of the channels, as `pcm.to_mono_int16` has it, in memory that is there already."""
        mixed, mono = self._mixed[: len(frames)], self._mono[: len(frames)]
        np.copyto(mixed, frames[:, 0])
        for channel in range(1, self.channels):
            np.add(mixed, frames[:, channel], out=mixed)
        np.divide(mixed, self.channels, out=mixed)
        np.rint(mixed, out=mixed)
        np.copyto(mono, mixed, casting="unsafe")
        return mono

    def _finished(self) -> None:
        # Also called where PortAudio gives up on a device that was unplugged: `read` need not wait then.
        self._ring.close()


def _layouts(device: InputDevice, sample_rate: int | None, channels: int | None) -> list[tuple[int, int]]:
    """Return (Hz, channels) to try, the best first."""
    rates = [SAMPLE_RATE, device.sample_rate] if sample_rate is None else [sample_rate]
    counts = [1, min(2, device.channels), device.channels] if channels is None else [channels]
    return list(dict.fromkeys((rate, count) for rate in rates for count in counts))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep ALSA and PortAudio from writing to the terminal what their error says too."""
    try:
        saved = os.dup(2)
    except OSError:  # a service may run without one
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
