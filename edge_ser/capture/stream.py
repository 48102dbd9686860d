"""A device, opened: PortAudio's stream and what it fills."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edge_ser.capture.devices import PORTAUDIO, InputDevice, find_again, load_sounddevice
from edge_ser.capture.intake import Intake
from edge_ser.errors import AudioDeviceError
from edge_ser.memory import overwriting_freed
from edge_ser.settings import SAMPLE_RATE

_COMMON_RATES = (48_000, 44_100)  # Hz, one of which every sound card does

_BUSY_CURE = "Close what uses it (`fuser -v /dev/snd/*` shows it), or choose another of `edge-ser devices`"
_OPEN_CURES = {  # by PortAudio's error code
    -9997: "Leave the sample rate out, it is converted where it has to be",
    -9998: "Leave the number of channels out, they are mixed",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """How a microphone is to be opened."""

    sample_rate: int | None
    """Hz, this and no other; None for 16 kHz where the device does it, else its own."""

    channels: int | None
    """This number and no other; None for as few as will do."""

    channel: int | None
    """The one to listen to, from 0; None for the mean of all."""

    ring_seconds: float
    """Audio kept for a program that is slow."""


class Stream:
    """A microphone that is open.

    Parameters
    ----------
    device : InputDevice
    portaudio : sounddevice.RawInputStream
        Started.
    intake : Intake
        That its callback belongs to.
    """

    def __init__(self, device: InputDevice, portaudio: Any, intake: Intake) -> None:
        self.device = device
        self.intake = intake
        # What PortAudio opened, whatever it was asked for.
        self.sample_rate: int = round(portaudio.samplerate)
        self.channels = int(portaudio.channels)
        self._portaudio = portaudio
        self._closing = threading.Lock()

    def close(self) -> None:
        """Stop, and overwrite with zeros what was heard; from any thread, may be called again."""
        if not self._closing.acquire(blocking=False):
            return
        with overwriting_freed():
            # Not stop(), which would wait for the device to finish.
            self._portaudio.abort(ignore_errors=True)
            self._portaudio.close(ignore_errors=True)
        self.intake.ring.close()
        self.intake.erase()


def open_stream(device: InputDevice, wish: Wish) -> Stream:
    """Start a stream in the first layout that the device does.

    Raises
    ------
    AudioDeviceError
        It does none, is in use, or has no such channel; the process is too confined.
    """
    if wish.channel is not None and not 0 <= wish.channel < device.channels:
        raise AudioDeviceError(
            f"The microphone {device.name!r} has no channel {wish.channel!r}",
            f"Choose one from 0 to {device.channels - 1}",
        )
    sounddevice = load_sounddevice()
    reason, cure = "it does nothing that was asked for", _BUSY_CURE
    for sample_rate, channels in _layouts(device, wish):
        intake = Intake(sample_rate, channels, wish.channel, wish.ring_seconds)
        portaudio = None
        try:
            with PORTAUDIO, quiet_stderr():
                portaudio = sounddevice.RawInputStream(
                    device=device.index,
                    samplerate=sample_rate,
                    channels=channels,
                    dtype="int16",
                    blocksize=intake.block,
                    latency="high",  # of the device's own buffer: a Pi that is busy for 30 ms loses nothing
                    callback=intake.callback,
                    finished_callback=intake.finished,
                )
                portaudio.start()
            return Stream(device, portaudio, intake)
        except sounddevice.PortAudioError as error:
            reason, cure = str(error), _OPEN_CURES.get(error.args[-1], _BUSY_CURE)
            if portaudio is not None:
                portaudio.close(ignore_errors=True)
        except MemoryError as error:  # cffi's own, not that there is no memory
            raise AudioDeviceError(
                "Something forbids memory that is both written and executed, without which PortAudio cannot call back",
                "Take MemoryDenyWriteExecute out of the service's unit",
            ) from error
    raise AudioDeviceError(f"The microphone {device.name!r} cannot be opened: {reason}", cure)


def reopen_stream(device: InputDevice, wish: Wish) -> Stream:
    """Open a device that had gone away, wherever it is now.

    Raises
    ------
    AudioDeviceError
        It is not back.
    """
    with PORTAUDIO:
        return open_stream(find_again(device), wish)


def _layouts(device: InputDevice, wish: Wish) -> list[tuple[int, int]]:
    """Return (Hz, channels) to try, the best first."""
    rates = [wish.sample_rate]
    if wish.sample_rate is None:
        rates = [SAMPLE_RATE, device.sample_rate, *_COMMON_RATES]
    counts = [wish.channels]
    if wish.channels is None:
        # A device that is opened with one channel may be mixed to it: whoever wants one of several needs two at least.
        few = 1 if wish.channel is None else min(max(2, wish.channel + 1), device.channels)
        counts = [few, max(few, min(2, device.channels)), device.channels]
    return list(dict.fromkeys((rate, count) for rate in rates for count in counts if rate and count))


@contextmanager
def quiet_stderr() -> Iterator[None]:
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
