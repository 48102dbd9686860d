"""Loudness and zero crossings of the samples themselves, over the 400 of each frame. From PCM (160 * frames,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PART = 80  # samples: half a hop, of which a window of 400 is five
PARTS = 5
RMS_ONE = 16.0
"""Steps of an RMS per LSB."""


class Rms:
    """Root of the mean square of a frame's samples, no window, offset included: RMS_ONE per LSB."""

    def __init__(self) -> None:
        self._ones = np.ones(PART)
        self.reset()

    def reset(self) -> None:
        """Start a new stream: zeros before its first sample."""
        self._sums = WindowSums()

    def __call__(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return integers (frames, 1)."""
        squares = np.square(pcm, dtype=np.float64).reshape(-1, PART)
        sums = self._sums(squares.dot(self._ones))
        rms: NDArray[np.float64] = np.rint(np.sqrt(sums / (PART * PARTS)) * RMS_ONE)
        return rms


class ZeroCrossings:
    """How often the samples of a frame change sign; 0 is positive. The change to a frame's first sample counts too."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start a new stream: zeros before its first sample."""
        self._sums = WindowSums()
        self._last = np.zeros(1, np.int16)

    def __call__(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return integers (frames, 1)."""
        negative = np.concatenate((self._last, pcm)) < 0
        self._last = pcm[-1:].copy()
        crossed = (negative[1:] != negative[:-1]).reshape(-1, PART)
        return self._sums(np.add.reduce(crossed, axis=1, dtype=np.float64))


class WindowSums:
    """Sums over half hops to sums over the window of each frame."""

    def __init__(self) -> None:
        self._before = np.zeros(PARTS - 2)
        self._ones = np.ones(PARTS)

    def __call__(self, parts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (frames, 1) of the next sums (2 * frames,), which are integers."""
        known = np.concatenate((self._before, parts))
        self._before = known[-(PARTS - 2) :]
        return np.convolve(known, self._ones, "valid")[::2, None]
