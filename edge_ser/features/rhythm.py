"""`Rhythm`: how strongly and how fast syllables follow each other. From log-mel (frames, n_mels)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYLLABIC = slice(5, 25)
"""Bands, about 300 to 2500 Hz, where vowels stand out of consonants."""

FAST_FRAMES, SLOW_FRAMES = 8, 64  # the envelope's mean over 80 ms, less that over 640 ms: some 1 to 7 Hz
WINDOW_FRAMES = 128
"""Looked back over: 1.28 s."""


class Rhythm:
    """Depth of the envelope's modulation, and its rises.

    The envelope is the mean log-mel of the SYLLABIC bands; its mean over 80 ms less its mean over 640 ms swings with
    the syllables. Depth is the mean size of that over WINDOW_FRAMES, LOG_UNIT per natural-log unit; the rises are the
    times that it becomes positive within them, about one a syllable.
    """

    def __init__(self) -> None:
        bands = SYLLABIC.stop - SYLLABIC.start
        self._ones = np.ones(bands)
        self._window = np.ones(WINDOW_FRAMES)
        # FAST * SLOW times the difference of the two means, newest frame first: whole numbers.
        self._swing = np.full(SLOW_FRAMES, -float(FAST_FRAMES))
        self._swing[:FAST_FRAMES] += SLOW_FRAMES
        self._units = float(FAST_FRAMES * SLOW_FRAMES * bands * WINDOW_FRAMES)
        self.reset()

    def reset(self) -> None:
        """Start a new stream: silence before its first frame."""
        self._envelope = np.zeros(SLOW_FRAMES - 1)
        self._swings = np.zeros(WINDOW_FRAMES)

    def __call__(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return integers (frames, 2): depth, rises."""
        envelope = np.concatenate((self._envelope, log_mel[:, SYLLABIC].dot(self._ones)))
        self._envelope = envelope[-(SLOW_FRAMES - 1) :]
        swings = np.concatenate((self._swings, np.convolve(envelope, self._swing, "valid")))
        self._swings = swings[-WINDOW_FRAMES:]
        sizes = np.convolve(np.abs(swings[1:]), self._window, "valid")
        positive = swings > 0
        rises = np.convolve(positive[1:] & ~positive[:-1], self._window, "valid")
        return np.stack((np.rint(sizes / self._units), rises), axis=1)
