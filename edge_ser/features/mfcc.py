"""`Mfcc`: log-mel bands to int8 cepstra, with the training set's statistics and the int8 scale folded in."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_ser.errors import SettingsError
from edge_ser.features.tables import EXACT_INTEGERS, LOG_UNIT, FrontEnd, load_tables

GRID = 2.0**-30
"""Step of the folded matrix and offset, in int8 steps; makes the product exact and so the same everywhere."""

INT8_LEVELS = np.arange(-128, 128).astype(np.int8)
INT8_LEVELS.flags.writeable = False

INT8_MIN, INT8_MAX = np.array(-128.0), np.array(127.0)
"""Without dimensions, which NumPy takes in half the time of a number."""


class Mfcc:
    """Standardised int8 cepstra of log-mel bands: `rint(lsb_per_std * (mfcc - mean) / std)`, clipped to int8.

    Parameters
    ----------
    front_end : FrontEnd
        How many coefficients.
    mean, std : array_like (n_mfcc,)
        Of the training set's `cepstra`, in natural-log units.
    lsb_per_std : float
        int8 steps per standard deviation; 32 clips at 4 standard deviations.

    Raises
    ------
    SettingsError
        If a statistic has the wrong shape or an impossible value, or is so extreme that the product would round.

    Examples
    --------
    >>> import numpy as np
    >>> from edge_ser.features import FrontEnd, LogMel, Mfcc
    >>> mfcc = Mfcc(FrontEnd(n_mfcc=13), mean=np.zeros(13), std=np.ones(13), lsb_per_std=32)
    >>> mfcc(LogMel().push(np.zeros(320, np.int16))).shape
    (2, 13)
    """

    def __init__(self, front_end: FrontEnd, mean: ArrayLike, std: ArrayLike, lsb_per_std: float) -> None:
        mean = _checked("mean", mean, front_end.n_mfcc)
        std = _checked("std", std, front_end.n_mfcc)
        scale = float(_checked("lsb_per_std", [lsb_per_std], 1)[0])
        if not (std > 0).all() or not scale > 0:
            raise SettingsError("std and lsb_per_std must be positive", "Take them from the training set's statistics")
        tables = load_tables()
        self._matrix = _on_grid(tables.dct[:, : front_end.n_mfcc] * (scale / LOG_UNIT) / std)
        # 128 more, because the rounded value becomes the index of an int8 level. (1, n_mfcc) and not (n_mfcc,), because
        # NumPy adds arrays of one shape in half the time.
        self._offset = _on_grid(128 - mean * scale / std)[None]
        self._whole_offset = self._offset - 128
        largest = (tables.log.max() * np.abs(self._matrix).sum(axis=0) + np.abs(self._offset)).max()
        if not largest < min(EXACT_INTEGERS * GRID, np.iinfo(np.int32).max):
            raise SettingsError(
                f"mean, std and lsb_per_std bring a coefficient to 2^{np.log2(largest):.0f}, beyond exact arithmetic",
                "Check std for values near zero",
            )

    def __call__(self, log_mel: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return int8 (frames, n_mfcc), a new array, from `LogMel.push`'s (frames, n_mels)."""
        # Not a cast to int8, which differs between platforms out of range; to an index it is always in range.
        levels = self._rounded(log_mel, self._offset).astype(np.intp)
        coded: NDArray[np.int8] = INT8_LEVELS.take(levels, None, None, "clip")
        return coded

    def whole(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same, but as float64, for whoever goes on calculating."""
        cepstra = self._rounded(log_mel, self._whole_offset)
        clip_to_int8(cepstra)
        return cepstra

    def _rounded(self, log_mel: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.float64]:
        cepstra: NDArray[np.float64] = log_mel.dot(self._matrix)
        np.add(cepstra, offset, cepstra)
        np.rint(cepstra, cepstra)
        return cepstra


def clip_to_int8(values: NDArray[np.float64]) -> None:
    """Bring numbers to the range of int8 in their place: a cast from beyond it differs between platforms."""
    # `np.clip` does the same in twice the time.
    np.maximum(values, INT8_MIN, out=values)
    np.minimum(values, INT8_MAX, out=values)


def cepstra(log_mel: NDArray[np.float64], n_mfcc: int) -> NDArray[np.float64]:
    """Return the cepstra (frames, n_mfcc) in natural-log units, whose mean and standard deviation `Mfcc` takes.

    The orthonormal DCT-II of `log_mel / LOG_UNIT`, where 0 is a band power of 16 LSB^2.
    """
    in_steps: NDArray[np.float64] = log_mel.dot(load_tables().dct[:, :n_mfcc])
    return in_steps / LOG_UNIT


def _checked(name: str, values: ArrayLike, count: int) -> NDArray[np.float64]:
    """Return a statistic as float64 (count,), all finite."""
    array = np.asarray(values, np.float64)
    if array.shape != (count,):
        raise SettingsError(f"{name} has shape {array.shape}, not ({count},)", "Give one value per coefficient")
    if not np.isfinite(array).all():
        raise SettingsError(f"{name} holds a value that is not finite", "Take it from the training set's statistics")
    return array


def _on_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.rint(values / GRID) * GRID
    return rounded
