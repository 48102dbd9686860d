"""The voice: faster, slower, higher, lower."""

from __future__ import annotations

from dataclasses import dataclass

import audiomentations
import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import signal

from convert.augment.chance import Range, between, happens
from edge_ser.settings import SAMPLE_RATE

METHOD = "signalsmith_stretch"
WINDOW = 512  # samples of the transform in which formants are moved
SMOOTH = 30  # cepstra that are the envelope: below the pitch periods of voices
LEAST_SIZE = 1e-6


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


@dataclass(frozen=True, slots=True)
class Tract:
    """A longer or shorter vocal tract: formants moved, pitch and tempo as they were."""

    probability: float = 0.0

    factor: Range = (0.88, 1.12)
    """On the formants' frequencies."""


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


def change_tract(samples: NDArray[np.float32], rng: Generator, options: Tract) -> NDArray[np.float32]:
    """Return the voice with its spectral envelope moved, its length unchanged.

    As vocal tract length perturbation (Jaitly and Hinton, ICML workshop 2013), but on the cepstrally smoothed envelope
    alone, so that the harmonics stay where they are. It draws from a generator of its own: recipes from before it hear
    what they heard.
    """
    (own,) = rng.spawn(1)
    factor = between(own, options.factor)
    if not happens(own, options.probability) or len(samples) < WINDOW:
        return samples
    _, _, spectrum = signal.stft(samples, nperseg=WINDOW, padded=True)
    log_size = np.log(np.abs(spectrum) + LEAST_SIZE)
    cepstrum = np.fft.irfft(log_size, axis=0)
    cepstrum[SMOOTH : WINDOW - SMOOTH + 1] = 0
    envelope = np.fft.rfft(cepstrum, axis=0).real
    bins = np.arange(len(envelope))
    source = np.minimum(bins / factor, bins[-1])
    low = np.minimum(source.astype(int), bins[-1] - 1)
    share = (source - low)[:, None]
    moved = (1 - share) * envelope[low] + share * envelope[low + 1]
    _, changed = signal.istft(spectrum * np.exp(moved - envelope), nperseg=WINDOW)
    return np.asarray(changed[: len(samples)], np.float32)
