"""The spectrum as a whole: its energy, where it lies, how wide it is. From the power spectrum (frames, BINS).

All sums are of whole numbers: FRAME_POWER_MAX, under 2^41.3, times at most 2^11.8 stays below 2^53. A quotient of two
of them is one IEEE division.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import tables as t
from edge_ser.features.spectrum import HEARD, SPECTRUM_BINS, by_output, exact_log, outputs_of_bins

UNITS_PER_BIN = 64.0
"""Steps of a frequency per bin of 31.25 Hz."""

ROLLOFF = (17, 20)  # 85 %, librosa's share of the power below the roll-off


class LogEnergy:
    """Natural log of the power of all bins, LOG_UNIT per unit above 16 LSB^2, at least 0.

    By Parseval this is the logarithm of the mean square of the Hann-windowed frame: log RMS, doubled.
    """

    def __init__(self) -> None:
        self._weights = _weights(lambda k: t.MEL_ONE) * t.MEL_SCALE

    def reset(self) -> None:
        """Nothing is remembered."""

    def __call__(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, 1)."""
        return exact_log(power.dot(self._weights))


class Centroid:
    """Mean frequency, weighted by power, UNITS_PER_BIN per bin; 0 where all is silent."""

    def __init__(self) -> None:
        self._weights = _weights(lambda k: 1, lambda k: k)

    def reset(self) -> None:
        """Nothing is remembered."""

    def __call__(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, 1)."""
        total, first = power.dot(self._weights).T[:, :, None]
        mean: NDArray[np.float64] = np.rint(first / np.maximum(total, 1) * UNITS_PER_BIN)
        return mean


class Spread:
    """Standard deviation of the frequency about the centroid, weighted by power, UNITS_PER_BIN per bin."""

    def __init__(self) -> None:
        # k^2 in two digits of 8 bits: whole, it would bring the sum beyond 2^53.
        self._weights = _weights(lambda k: 1, lambda k: k, lambda k: k * k % 256, lambda k: k * k // 256)

    def reset(self) -> None:
        """Nothing is remembered."""

    def __call__(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, 1)."""
        total, first, low, high = power.dot(self._weights).T[:, :, None]
        total = np.maximum(total, 1)
        mean = first / total
        variance = (low + 256 * high) / total - mean * mean
        deviation: NDArray[np.float64] = np.rint(np.sqrt(np.maximum(variance, 0)) * UNITS_PER_BIN)
        return deviation


class Rolloff:
    """The lowest bin up to which 85 % of the power lie; 1 where all is silent."""

    def __init__(self) -> None:
        self._order = outputs_of_bins()[HEARD]

    def reset(self) -> None:
        """Nothing is remembered."""

    def __call__(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, 1)."""
        below = power.take(self._order, axis=1).cumsum(axis=1)
        part, whole = ROLLOFF
        short = below * whole < below[:, -1:] * part
        bins: NDArray[np.float64] = np.add.reduce(short, axis=1, dtype=np.float64, keepdims=True) + HEARD.start
        return bins


def _weights(*of_bin: Callable[[int], int]) -> NDArray[np.float64]:
    """Return (BINS, functions): for each function of a bin's number its value there, 0 where a bin does not count."""
    weights = np.zeros((SPECTRUM_BINS, len(of_bin)))
    for column, function in enumerate(of_bin):
        weights[HEARD, column] = [function(k) for k in range(SPECTRUM_BINS)[HEARD]]
    return by_output(weights)
