"""How the bands move: slope and curvature of the cepstra over five frames, and flux. From log-mel (frames, n_mels)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.features.tables import N_MELS, load_tables

N_CEPSTRA = 13
"""That have a slope and a curvature."""

ZERO = np.array(0.0)  # without dimensions, which NumPy takes in half the time of a number

WIDTH = 5  # frames fitted; the values are those of the middle one, so they come two frames late


class Fit:
    """Cepstra of a weighted sum over the last WIDTH frames; a DCT of sums is the sum of DCTs.

    Bands and weights are integers and the DCT's entries multiples of 2^-22, so that up to the final `rint` every sum
    is exact: under 2^18 * 6 * 40 * 2^22 < 2^49.

    Parameters
    ----------
    weights : tuple of int
        Oldest frame first.
    """

    def __init__(self, weights: tuple[int, ...]) -> None:
        self._weights = weights
        self._dct = np.ascontiguousarray(load_tables().dct[:, :N_CEPSTRA])
        self._bands: dict[int, NDArray[np.float64]] = {}  # by frames of a block
        self.reset()

    def reset(self) -> None:
        """Start a new stream: silence before its first frame."""
        self._before = np.zeros((WIDTH - 1, N_MELS))

    def __call__(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, N_CEPSTRA), LOG_UNIT times the sum of the weights' squares per unit."""
        known = np.concatenate((self._before, log_mel))
        self._before = known[-(WIDTH - 1) :]
        fitted = self._band_matrix(len(log_mel)).dot(known)
        cepstra: NDArray[np.float64] = np.rint(fitted.dot(self._dct))
        return cepstra

    def _band_matrix(self, frames: int) -> NDArray[np.float64]:
        """Return (frames, frames + WIDTH - 1), each row the weights moved on by one; made once for each block size."""
        if frames not in self._bands:
            rows = [w * np.eye(frames, frames + WIDTH - 1, place) for place, w in enumerate(self._weights)]
            self._bands[frames] = np.sum(rows, axis=0)
        return self._bands[frames]


def delta() -> Fit:
    """Return the slope of the first 13 cepstra: LOG_UNIT * 10 per natural-log unit and frame, two frames late."""
    return Fit((-2, -1, 0, 1, 2))


def delta_delta() -> Fit:
    """Return the curvature of the first 13 cepstra: LOG_UNIT * 7 per natural-log unit and frame^2, two frames late."""
    return Fit((2, -1, -2, -1, 2))


class Flux:
    """What rose since the frame before: the sum over bands of max(log-mel - its predecessor, 0), LOG_UNIT per unit."""

    def __init__(self) -> None:
        self._ones = np.ones((N_MELS, 1))
        self.reset()

    def reset(self) -> None:
        """Start a new stream: silence before its first frame."""
        self._before = np.zeros((1, N_MELS))

    def __call__(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, 1)."""
        known = np.concatenate((self._before, log_mel))
        self._before = known[-1:]
        rise = np.subtract(known[1:], known[:-1])
        np.maximum(rise, ZERO, out=rise)
        total: NDArray[np.float64] = rise.dot(self._ones)
        return total
