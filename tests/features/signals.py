"""Test signals from integer arithmetic alone, so that they are the same samples on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16000  # Hz


def noise(samples: int, seed: int = 0) -> NDArray[np.int64]:
    """Return white noise (samples,), uniform over int16: the splitmix64 generator."""
    state = (np.arange(1, samples + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return (state >> np.uint64(48)).astype(np.int64) - 32768


def sawtooth(samples: int, period: int) -> NDArray[np.int64]:
    """Return a full-scale sawtooth (samples,), whose harmonics stand for a voice's."""
    return np.arange(samples) % period * 65535 // (period - 1) - 32768


def square(samples: int, period: int) -> NDArray[np.int64]:
    """Return a square wave (samples,) between both ends of int16."""
    return np.where(np.arange(samples) % period < period // 2, 32767, -32768)


def clipped(values: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the values as int16, those out of range at its ends."""
    return np.clip(values, -32768, 32767).astype(np.int16)


def everything() -> NDArray[np.int16]:
    """Return some 6 s from silence over -60 dBFS to clipping; not a whole number of frames."""
    n = 4000
    parts = [np.zeros(n, np.int64)]
    parts += [noise(n, seed=bits) >> bits for bits in (14, 10, 8, 6, 4, 2, 0)]
    parts += [(sawtooth(n, 113) >> bits) + (noise(n, seed=20 + bits) >> (bits + 6)) for bits in (9, 5, 2, 0)]
    parts += [square(n, period) for period in (2, 3, 16, 35, 160, 400, 2000)]
    parts += [sawtooth(n, 71) * 5, noise(n, seed=30) * 3, np.zeros(n, np.int64)]
    impulses = np.zeros(n, np.int64)
    impulses[::777] = -32768
    return clipped(np.concatenate([*parts, impulses, np.zeros(77, np.int64)]))


def voice_like(samples: int) -> NDArray[np.float64]:
    """Return a gliding, pulsing voice (samples,) of RMS 1 with noise 20 dB below, in floating point."""
    t = np.arange(samples) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 0.7 * t)) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 40)) * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * t))
    both = voice / voice.std() + 0.1 * noise(samples) / 18918  # the RMS of the noise
    return both / both.std()


def vowels(samples: int) -> NDArray[np.float64]:
    """Return a voice (samples,) of RMS 1 with the formants of an adult's vowel, changing its pitch, never pausing."""
    t = np.arange(samples) / SAMPLE_RATE
    pitch = 130 + 20 * np.sin(2 * np.pi * 2 * t)  # Hz
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    hz = pitch * np.arange(1, 31)[:, None]
    formants = ((700, 90), (1200, 110), (2600, 170))  # centre and bandwidth in Hz, of an open vowel
    gain = sum(1 / (1 + ((hz - centre) / width) ** 2) for centre, width in formants)
    voice = (gain * np.sin(np.arange(1, 31)[:, None] * phase)).sum(axis=0)
    return voice / voice.std()


def at_level(signal: NDArray[np.float64], dbfs: float) -> NDArray[np.int16]:
    """Return a signal of RMS 1 as int16 at this RMS level, clipped where it must be."""
    return clipped(np.rint(signal * 32768 * 10 ** (dbfs / 20)).astype(np.int64))
