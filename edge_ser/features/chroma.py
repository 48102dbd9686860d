"""`Chroma`: how much of the power falls on each of the twelve semitones, whatever the octave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.features.spectrum import HEARD, SPECTRUM_BINS, by_output

N_CHROMA = 12
CHROMA_ONE = 2048
"""Of the strongest semitone of a frame, and of the largest weight."""

BIN_HZ = 31.25
A_0_HZ = 27.5
CENTRE_OCTAVES, OCTAVES_WIDTH = 5.0, 2.0  # what counts most, about 500 Hz, and the deviation around it


class Chroma:
    """The power on each semitone, C first, relative to the strongest: 0 to CHROMA_ONE; all 0 in silence."""

    def __init__(self) -> None:
        self._weights = by_output(chroma_weights())

    def reset(self) -> None:
        """Nothing is remembered."""

    def __call__(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, 12)."""
        sums = power.dot(self._weights)
        strongest = np.maximum(np.maximum.reduce(sums, axis=1, keepdims=True), 1)
        shares: NDArray[np.float64] = np.rint(sums / strongest * CHROMA_ONE)
        return shares


def chroma_weights() -> NDArray[np.float64]:
    """Return the integer weights (257, 12) of each bin in each semitone.

    Each bin is a Gaussian over semitones as wide as the bin, of unit length, and weighted by a Gaussian over octaves:
    D. Ellis, Chroma feature analysis and synthesis, 2007, as librosa has it. None of the values lies so near to a half
    that another mathematics library would round it to another integer; a test says how near.
    """
    weights = np.zeros((SPECTRUM_BINS, N_CHROMA))
    weights[HEARD] = np.rint(CHROMA_ONE * real_weights()[HEARD])
    return weights


def real_weights() -> NDArray[np.float64]:
    """Return the weights (257, 12) before they are rounded."""
    octaves = np.log2(np.arange(1, SPECTRUM_BINS) * BIN_HZ / A_0_HZ)
    semitones = np.concatenate([[N_CHROMA * (octaves[0] - 1.5)], N_CHROMA * octaves])  # above A; bin 0 has none
    width = np.append(np.maximum(np.diff(semitones), 1), 1)
    away = np.remainder(semitones[:, None] - np.arange(N_CHROMA) + 6, N_CHROMA) - 6
    weights = np.exp(-2 * (away / width[:, None]) ** 2)
    weights /= np.sqrt(np.sum(weights**2, axis=1, keepdims=True))
    weights *= np.exp(-((semitones / N_CHROMA - CENTRE_OCTAVES) ** 2) / (2 * OCTAVES_WIDTH**2))[:, None]
    return np.roll(weights, -3, axis=1)  # A first to C first
