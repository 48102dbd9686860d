"""`RunningMean`: cepstral mean removal since speech onset, in exact integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import SettingsError
from edge_ser.features.mfcc import clip_to_int8
from edge_ser.features.ones import ones


class RunningMean:
    """Removes from each coefficient its mean since the last reset: the voice's and the room's own colour.

    With x the frames since the reset, those of the present call included, and `count` their number,

        mean = sum(x) / (count + prior_frames),    y = clip(x - rint(mean), -128, 127)

    so the mean starts at the training set's, which is 0, and leaves it over some `prior_frames` frames. All frames
    of one call have the same mean removed: the caller's blocks matter, and the pipeline always gives whole steps.

    Parameters
    ----------
    n_mfcc : int
        Coefficients a frame.
    prior_frames : int
        Frames of value 0 that are counted in from the start.

    Raises
    ------
    SettingsError
        If `n_mfcc` is not positive or `prior_frames` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> RunningMean(n_mfcc=2, prior_frames=2)(np.array([[8, -8], [4, 0]], np.int8))
    array([[ 5, -6],
           [ 1,  2]], dtype=int8)
    """

    def __init__(self, n_mfcc: int, prior_frames: int) -> None:
        if n_mfcc < 1:
            raise SettingsError(f"n_mfcc is {n_mfcc}", "Choose at least 1")
        if prior_frames < 0:
            raise SettingsError(f"prior_frames is {prior_frames}", "Choose 0 or more")
        self._sum = np.zeros(n_mfcc)  # whole numbers, whose sums and differences are exact in float64
        self._prior_frames = prior_frames
        self.reset()

    def reset(self) -> None:
        """Forget all frames: another utterance, perhaps another speaker, begins."""
        self._sum[:] = 0
        self._count = self._prior_frames

    def mean(self) -> NDArray[np.float64]:
        """Return the mean of the frames since the last reset alone, (n_mfcc,); zeros before the first."""
        return self._sum / max(1, self._count - self._prior_frames)

    def __call__(self, mfcc: NDArray[np.int8]) -> NDArray[np.int8]:
        """Count these frames in and return them less the mean: int8 (frames, n_mfcc), a new array."""
        return self.remove_from(mfcc.astype(np.float64))

    def remove_from(self, values: NDArray[np.float64]) -> NDArray[np.int8]:
        """Do the same to whole numbers (frames, n_mfcc) in the range of int8, which are overwritten."""
        if len(values):
            np.add(self._sum, ones(len(values)).dot(values), self._sum)
            self._count += len(values)
            # The quotient of two integers below 2^53 is never rounded onto or across a half, so this rint is exact.
            mean = np.rint(self._sum / self._count)
            np.subtract(values, mean, values)
            clip_to_int8(values)
        removed: NDArray[np.int8] = values.astype(np.int8)
        return removed
