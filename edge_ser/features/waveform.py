"""The samples themselves, for a student that makes its own features of them. From PCM (160 * frames,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOP = 160  # samples of a frame
BIAS, CLIP = 33, 8158  # of the logarithm's pieces, in 14 bits
SEGMENT_STEPS = 16


class Waveform:
    """The 160 samples that came with each frame, in 255 steps that are fine where it is soft.

    Mu-law of ITU-T G.711: eight octaves of 16 equal steps on each side of zero, by shifts of integers. Each column is
    -127 to 127.
    """

    def reset(self) -> None:
        """Start a new stream; nothing is remembered."""

    def __call__(self, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return integers (frames, 160)."""
        size = np.minimum(np.abs(pcm.astype(np.int32)) >> 2, CLIP) + BIAS  # 33 to 8191
        octave = np.frexp(size.astype(np.float64))[1] - 6  # exact: where the highest bit is, 0 to 7
        step = (size >> (octave + 1)) - SEGMENT_STEPS
        code = octave * SEGMENT_STEPS + step
        return (np.sign(pcm) * code).astype(np.float64).reshape(-1, HOP)
