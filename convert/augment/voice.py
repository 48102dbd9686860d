"""The voice: faster, slower, higher, lower."""

from __future__ import annotations

from dataclasses import dataclass

import audiomentations
import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from convert.augment.chance import Range, between, happens
from edge_ser.settings import SAMPLE_RATE

METHOD = "signalsmith_stretch"


@dataclass(frozen=True, slots=True)
class Speed:
    """Tape played faster or slower: tempo, pitch and formants together, as with a longer vocal tract."""

    probability: float = 0.5

    factor: Range = (0.87, 1.15)


@dataclass(frozen=True, slots=True)
class Tempo:
    """Faster or slower speech at the same pitch."""

    probability: float = 0.3

    factor: Range = (0.85, 1.15)


@dataclass(frozen=True, slots=True)
class Pitch:
    """Higher or lower speech at the same tempo."""

    probability: float = 0.3

    semitones: Range = (-2.5, 2.5)


def change_speed(samples: NDArray[np.float32], rng: Generator, options: Speed) -> NDArray[np.float32]:
    """Return the voice resampled: its length divided by the factor."""
    factor = between(rng, options.factor)
    if not happens(rng, options.probability):
        return samples
    return np.asarray(soxr.resample(samples, SAMPLE_RATE * factor, SAMPLE_RATE), np.float32)


def change_tempo(samples: NDArray[np.float32], rng: Generator, options: Tempo) -> NDArray[np.float32]:
    """Return the voice stretched: its length divided by the factor."""
    factor = between(rng, options.factor)
    if not happens(rng, options.probability):
        return samples
    stretch = audiomentations.TimeStretch(factor, factor, leave_length_unchanged=False, method=METHOD, p=1.0)
    return np.asarray(stretch(samples, SAMPLE_RATE), np.float32)


def change_pitch(samples: NDArray[np.float32], rng: Generator, options: Pitch) -> NDArray[np.float32]:
    """Return the voice shifted in pitch, its length unchanged."""
    semitones = between(rng, options.semitones)
    if not happens(rng, options.probability):
        return samples
    shift = audiomentations.PitchShift(semitones, semitones, method=METHOD, p=1.0)
    return np.asarray(shift(samples, SAMPLE_RATE), np.float32)
