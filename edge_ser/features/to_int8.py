"""`ToInt8`: frames of `LogMel` to the int8 that the student is fed, utterance by utterance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_ser.features.mfcc import Mfcc
from edge_ser.features.running_mean import RunningMean
from edge_ser.features.tables import N_MELS, FrontEnd

if TYPE_CHECKING:
    from edge_ser.features.extras import ExtrasToInt8


class ToInt8:
    """Standardises the cepstra and what is heard beside them, and removes the running mean of the utterance.

    Parameters
    ----------
    front_end : FrontEnd
        How many coefficients.
    mean, std : sequence of float (n_mfcc + columns of the extras,)
        Of the training set: cepstra in natural-log units, then the extras' integers.
    lsb_per_std : float
        int8 steps per standard deviation.
    prior_frames : int
        See `RunningMean`.
    extras : sequence of str
        Those that the frames hold behind the bands.

    Raises
    ------
    SettingsError
        A statistic does not fit, or an extra is unknown.
    """

    def __init__(
        self,
        front_end: FrontEnd,
        mean: Sequence[float] | NDArray[np.float64],
        std: Sequence[float] | NDArray[np.float64],
        lsb_per_std: float,
        prior_frames: int,
        extras: Sequence[str] = (),
    ) -> None:
        n_mfcc = front_end.n_mfcc
        self._extras: ExtrasToInt8 | None = None
        if extras:
            from edge_ser.features.extras import ExtrasToInt8

            self._extras = ExtrasToInt8(extras, mean[n_mfcc:], std[n_mfcc:], lsb_per_std, prior_frames)
            mean, std = mean[:n_mfcc], std[:n_mfcc]
        self._mfcc = Mfcc(front_end, mean, std, lsb_per_std)
        self._running_mean = RunningMean(n_mfcc, prior_frames)

    def reset(self) -> None:
        """Begin another utterance."""
        self._running_mean.reset()
        if self._extras is not None:
            self._extras.reset()

    def voice(self) -> NDArray[np.float64]:
        """Return the mean cepstra of the utterance so far, (n_mfcc,) in int8 steps: whose voice, in which room."""
        return self._running_mean.mean()

    def __call__(self, frames: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return int8 (frames, columns), a new array, of the frames of one step as `LogMel` gives them."""
        if self._extras is None:
            return self._running_mean.remove_from(self._mfcc.whole(frames))
        mfcc = self._running_mean.remove_from(self._mfcc.whole(frames[:, :N_MELS]))
        return np.concatenate((mfcc, self._extras(frames[:, N_MELS:])), axis=1)
