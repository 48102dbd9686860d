"""What else sounds: recorded noises, coloured noise, other people, the hiss of a microphone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from convert.augment.chance import Range, between, happens
from edge_ser.settings import SAMPLE_RATE

LOWEST_HZ = 50.0  # below it coloured noise stops growing
MOST_VOICES = 16  # of babble


@dataclass(frozen=True, slots=True)
class Noise:
    """A background."""

    probability: float = 0.5

    snr_db: Range = (0.0, 30.0)
    """Of the active part of the voice to the background."""

    coloured: float = 0.3
    """Share of made noise, white to brown; the rest is recorded where there are recordings."""


@dataclass(frozen=True, slots=True)
class Babble:
    """Other people who talk at once, where there are recordings of them."""

    probability: float = 0.2

    snr_db: Range = (5.0, 25.0)
    """Of the active part of the voice to all others together."""

    voices: Range = (3.0, 8.0)
    """How many: fewer would be a second speaker, who is to be heard too."""


@dataclass(frozen=True, slots=True)
class Hiss:
    """White noise of the microphone itself, whatever the voice's level."""

    probability: float = 0.9

    dbfs: Range = (-85.0, -55.0)


def coloured_noise(rng: Generator, n: int, slope: float) -> NDArray[np.float32]:
    """Return noise (n,) of RMS 1 whose power falls with frequency to this power: 0 white, 1 pink, 2 brown."""
    points = fft.next_fast_len(n, real=True)
    hz = np.fft.rfftfreq(points, 1 / SAMPLE_RATE)
    spectrum = rng.standard_normal(len(hz)) + 1j * rng.standard_normal(len(hz))
    spectrum *= np.maximum(hz, LOWEST_HZ) ** (-slope / 2)
    noise = fft.irfft(spectrum, points)[:n]
    return (noise / np.sqrt(np.mean(np.square(noise)))).astype(np.float32)


def add_noise(
    samples: NDArray[np.float32],
    rng: Generator,
    options: Noise,
    voice_rms: float,
    recorded: NDArray[np.int16],
) -> NDArray[np.float32]:
    """Return the samples with a background.

    Parameters
    ----------
    samples : float32 (n,)
    rng : Generator
    options : Noise
    voice_rms : float
        Of the voice while it speaks, in the samples' unit.
    recorded : int16 (m,)
        Noises, one after the other; may be empty.
    """
    snr_db, slope = between(rng, options.snr_db), between(rng, (0.0, 2.0))
    make, position, seed = happens(rng, options.coloured), rng.random(), int(rng.integers(1 << 31))
    if not happens(rng, options.probability):
        return samples
    n = len(samples)
    if make or len(recorded) <= n:
        noise = coloured_noise(np.random.default_rng(seed), n, slope)
    else:
        first = int(position * (len(recorded) - n))
        noise = recorded[first : first + n].astype(np.float32)
    return _below(samples, noise, voice_rms, snr_db)


def together(voices: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return several stretches of speech (n,) at once, each as loud as the others."""
    levelled = [one / max(float(np.sqrt(np.square(one, dtype=np.float64).mean())), 1.0) for one in voices]
    return np.sum(levelled, axis=0, dtype=np.float32)


def add_babble(
    samples: NDArray[np.float32],
    rng: Generator,
    options: Babble,
    voice_rms: float,
    recorded: NDArray[np.int16],
) -> NDArray[np.float32]:
    """Return the samples with other people in the background.

    Parameters
    ----------
    samples : float32 (n,)
    rng : Generator
    options : Babble
    voice_rms : float
        Of the voice while it speaks, in the samples' unit.
    recorded : int16 (m,)
        People who speak, one after the other; where they are too few for the clip, nothing is added.
    """
    snr_db, count = between(rng, options.snr_db), int(between(rng, options.voices))
    positions = rng.random(MOST_VOICES)
    n = len(samples)
    if not happens(rng, options.probability) or len(recorded) <= n:
        return samples
    first = (positions[:count] * (len(recorded) - n)).astype(int)
    others = together(recorded[start : start + n].astype(np.float32) for start in first)
    return _below(samples, others, voice_rms, snr_db)


def add_hiss(samples: NDArray[np.float32], rng: Generator, options: Hiss) -> NDArray[np.float32]:
    """Return the samples with white noise."""
    dbfs, seed = between(rng, options.dbfs), int(rng.integers(1 << 31))
    if not happens(rng, options.probability):
        return samples
    white = np.random.default_rng(seed).standard_normal(len(samples), np.float32)
    return samples + white * np.float32(10 ** (dbfs / 20))


def _below(
    samples: NDArray[np.float32], background: NDArray[np.float32], voice_rms: float, snr_db: float
) -> NDArray[np.float32]:
    rms = float(np.sqrt(np.square(background, dtype=np.float64).mean()))
    if rms == 0:
        return samples
    return samples + background * np.float32(voice_rms * 10 ** (-snr_db / 20) / rms)
