"""A second and a half from the microphone: is it a signal, and a good one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.input_health import CLIPPING_SHARE, DC_LIMIT
from edge_ser.capture.source import open_source
from edge_ser.doctor.finding import Finding
from edge_ser.errors import AudioDeviceError
from edge_ser.segmenter import CLIPPED, CLIPPING_SAMPLES, FULL_SCALE, QUIETEST_DBFS

RECORD_SECONDS = 1.5
SETTLE_SECONDS = 0.2  # before it: what a device gives first may be zeros or a click
PATIENCE_SECONDS = 5.0  # a busy machine may be late, a dead device is for ever
STEP_SECONDS = 0.08

QUIET_DBFS = -80.0  # some 3 LSB: the quietest room is louder through a microphone that is turned up
NOISE_SECONDS = 0.02  # short enough to fall between the sounds of a voice
NOISY_DBFS = -40.0  # a voice at arm's length has -30 to -20: it should stand out by 10 dB or more
# Between the loudest and the quietest 20 ms; less is steady noise. The loudest 1.5 s of 400 clips of three corpora of
# speech had 12.2 and more, 99 of 100 had 14.3.
SPEECH_RANGE_DB = 12.0

_TURN_DOWN = "Turn it down: `alsamixer -V capture`, or `pactl set-source-volume @DEFAULT_SOURCE@ 60%`"
_TURN_UP = (
    "Speak while it records; turn it up: `alsamixer -V capture`, or `pactl set-source-volume @DEFAULT_SOURCE@ 100%`"
)
_WRONG_ONE = (
    "Unmute it: `pactl set-source-mute @DEFAULT_SOURCE@ 0`, or `alsamixer -V capture`; look for another: "
    "`edge-ser devices`, then `edge-ser doctor --device NAME`"
)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What was heard; never stored."""

    samples: NDArray[np.int16]
    """(n,), mono."""

    sample_rate: int
    """Hz."""

    lost: int
    """Samples that were lost on the way."""


def record(device: str | int | None, seconds: float = RECORD_SECONDS) -> Recording:
    """Listen to a device for a while, as `listen` would.

    Raises
    ------
    AudioDeviceError
        It cannot be opened, or gives nothing.
    """
    with open_source(None, device=device) as source:
        rate = source.sample_rate
        skipped, wanted = round(SETTLE_SECONDS * rate), round((SETTLE_SECONDS + seconds) * rate)
        give_up = time.monotonic() + SETTLE_SECONDS + seconds + PATIENCE_SECONDS
        pieces: list[NDArray[np.int16]] = []
        heard = lost = 0
        while heard < wanted:
            block = source.read()
            if block is None or time.monotonic() > give_up:
                raise AudioDeviceError(
                    f"The microphone {source.name!r} gives too little audio", "Plug it in again, into another port"
                )
            pieces.append(block.samples)
            heard += len(block.samples)
            lost += block.lost
    return Recording(np.concatenate(pieces)[skipped:wanted], rate, lost)


def judge(recording: Recording) -> Iterator[Finding]:
    """Say what is wrong with a recording: no signal, clipping, offset, noise, losses."""
    samples = recording.samples
    if samples.min() == samples.max():  # zeros, or the -1 of an open line: the quietest room has noise
        value = int(samples[0])
        found = "nothing but zeros" if value == 0 else f"one value throughout, {value}"
        yield Finding("fail", "signal", f"{found}: muted, not connected, or not the microphone you mean", _WRONG_ONE)
        return
    yield _level(level_dbfs(samples), max(_levels(recording, STEP_SECONDS)))
    clipping = _clipping(_pieces(recording, STEP_SECONDS))
    yield clipping
    yield _offset(samples)
    if clipping.status == "ok":  # what clips has lost its range
        yield _noise(_levels(recording, NOISE_SECONDS))
    yield _losses(recording)


def level_dbfs(samples: NDArray[np.int16]) -> float:
    """Return the RMS without DC in dB relative to full scale, at least -120."""
    rms = float(samples.std(dtype=np.float64)) / FULL_SCALE
    return max(QUIETEST_DBFS, 20 * float(np.log10(max(rms, 1e-12))))


def _pieces(recording: Recording, seconds: float) -> NDArray[np.int16]:
    """Return the whole pieces of this length, (pieces, samples)."""
    size = round(seconds * recording.sample_rate)
    count = len(recording.samples) // size
    return recording.samples[: count * size].reshape(count, size)


def _levels(recording: Recording, seconds: float) -> list[float]:
    return [level_dbfs(piece) for piece in _pieces(recording, seconds)]


def _level(mean: float, loudest: float) -> Finding:
    found = f"{mean:.0f} dBFS, at its loudest {loudest:.0f} dBFS"
    if loudest < QUIET_DBFS:
        return Finding("warn", "level", f"{found}: next to nothing", _TURN_UP)
    return Finding("ok", "level", found)


def _clipping(steps: NDArray[np.int16]) -> Finding:
    at_the_ends = (steps >= CLIPPED) | (steps <= -FULL_SCALE)
    share = float((at_the_ends.sum(axis=1) >= CLIPPING_SAMPLES).mean())
    if share >= CLIPPING_SHARE:
        return Finding("warn", "clipping", f"{100 * share:.0f} % of the time: it is turned up too far", _TURN_DOWN)
    return Finding("ok", "clipping", f"{100 * share:.0f} % of the time" if share else "none")


def _offset(samples: NDArray[np.int16]) -> Finding:
    offset = abs(float(samples.mean()))
    found = f"{100 * offset / FULL_SCALE:.1f} % of full scale"
    if offset > DC_LIMIT:
        cure = "Use another input or sound card; `alsamixer -V capture` may have a switch for a high-pass filter"
        return Finding("warn", "DC offset", f"{found}: a fault of the card or of its power", cure)
    return Finding("ok", "DC offset", found)


def _noise(levels: list[float]) -> Finding:
    floor = min(levels)
    found = f"{floor:.0f} dBFS in its quietest {1000 * NOISE_SECONDS:.0f} ms"
    if floor > NOISY_DBFS and max(levels) - floor < SPEECH_RANGE_DB:
        cure = f"Make it quieter around it, or go nearer; {_TURN_DOWN[0].lower()}{_TURN_DOWN[1:]}"
        return Finding("warn", "noise", f"{found}: voices will not stand out", cure)
    return Finding("ok", "noise", found)


def _losses(recording: Recording) -> Finding:
    if recording.lost:
        milliseconds = 1000 * recording.lost / recording.sample_rate
        cure = "End what else runs (`top` shows it), or take the microphone off a hub"
        return Finding("warn", "losses", f"{milliseconds:.1f} ms or more were lost on the way", cure)
    return Finding("ok", "losses", "none")
