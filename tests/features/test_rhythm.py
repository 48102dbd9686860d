"""Rhythm follows the syllables: how many a second, and how much they stand out."""

from __future__ import annotations

import numpy as np
import pytest
from features.signals import at_level, noise
from numpy.typing import NDArray

from edge_ser.features import LOG_UNIT, LogMel
from edge_ser.features.rhythm import WINDOW_FRAMES
from edge_ser.features.tables import N_MELS

SECONDS = 4
T = np.arange(SECONDS * 16000) / 16000


def rhythm(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return depth in natural-log units and rises per second (frames, 2), once all before is forgotten."""
    columns = LogMel(["rhythm"]).push(pcm)[2 * WINDOW_FRAMES :, N_MELS:]
    return columns / (LOG_UNIT, WINDOW_FRAMES / 100)


def syllables(per_second: float, swing: float) -> NDArray[np.int16]:
    """Return noise whose log power swings so far to both sides of its mean."""
    envelope = np.exp(swing / 2 * np.sin(2 * np.pi * per_second * T))
    signal = envelope * noise(T.size) / 18918
    return at_level(signal / signal.std(), -25)


@pytest.mark.parametrize("per_second", [2.0, 3.0, 4.0, 5.0])
def test_rises_are_the_syllables_of_a_second(per_second: float) -> None:
    assert rhythm(syllables(per_second, 2.0))[:, 1].mean() == pytest.approx(per_second, abs=0.4)


@pytest.mark.parametrize("per_second", [2.5, 4.0])
def test_depth_is_that_of_a_swing_through_both_means(per_second: float) -> None:
    # A mean over n frames leaves sin(n x) / (n sin x) of a sine, later by half its length.
    x = np.pi * per_second / 100
    fast, slow = (np.sin(n * x) / (n * np.sin(x)) * np.exp(-1j * x * (n - 1)) for n in (8, 64))
    expected = 2 / np.pi * abs(fast - slow) * 2.0
    assert rhythm(syllables(per_second, 2.0))[:, 0].mean() == pytest.approx(expected, rel=0.1)
    assert rhythm(syllables(per_second, 0.0))[:, 0].mean() < 0.1 * expected


def test_silence_has_no_rhythm_and_is_reached_again() -> None:
    assert not rhythm(np.zeros(T.size, np.int16)).any()
    pcm = np.concatenate([syllables(4.0, 2.0), np.zeros(3 * 16000, np.int16)])
    assert not rhythm(pcm)[-1].any()
