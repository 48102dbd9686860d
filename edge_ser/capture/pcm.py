"""Samples of any format to the one that everything behind works on: int16, mono.

Full scale (1.0 in float, 2**31 in int32, 128 in uint8) becomes 32768 steps of int16. The channels
are mixed by their mean, and what does not fall on a step is rounded once, half to even, then clipped:
the same bytes on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import AudioFileError

INT16_FULL_SCALE = 32768  # int16 steps in float audio's 1.0
# Arrays without dimensions, which NumPy compares with in two thirds of the time of an int.
INT16_MIN, INT16_MAX = np.array(-32768.0), np.array(32767.0)

# Lossy decoders and resamplers overshoot 1.0 by a few dB, which is clipped. Float samples that hold integers
# (a 16-bit file read by a library that does not scale) exceed this even in near silence.
FLOAT_LIMIT = 4.0

# dtype kind and size: steps of int16 in one unit, and the value of silence
_INTEGER_SCALES = {"u1": (256.0, 128), "i2": (1.0, 0), "i4": (2.0**-16, 0)}


def to_mono_int16(frames: NDArray[Any], name: str, first: int = 0) -> NDArray[np.int16]:
    """Mix to one channel and convert to int16.

    Parameters
    ----------
    frames : array (n, channels), uint8, int16, int32 or any float
        Integers use their whole range, uint8 with silence at 128; floats are within [-1, 1].
    name : str
        What an error calls this audio.
    first : int
        Index of `frames[0]` in the whole recording, for errors.

    Returns
    -------
    samples : int16 (n,)
        Native byte order, contiguous; shares memory with `frames` where nothing had to be converted.

    Raises
    ------
    AudioFileError
        A sample is NaN, infinite or far outside [-1, 1], or the dtype has no known full scale.

    Examples
    --------
    >>> to_mono_int16(np.array([[0.5, 0.5], [1.0, 1.0], [-1.0, 0.0]]), "example").tolist()
    [16384, 32767, -16384]
    """
    code = f"{frames.dtype.kind}{frames.dtype.itemsize}"
    if code == "i2" and frames.shape[1] == 1:
        return np.ascontiguousarray(frames[:, 0], dtype=np.int16)
    if frames.dtype.kind == "f":
        _check_float(frames, name, first)
        steps_per_unit, silence = float(INT16_FULL_SCALE), 0
    elif code in _INTEGER_SCALES:
        steps_per_unit, silence = _INTEGER_SCALES[code]
    else:
        raise AudioFileError(
            f"{name} has samples of type {frames.dtype}, whose full scale is not known",
            "Convert them to int16, or to float32 within [-1, 1]",
        )
    # One channel after the other, not a reduction: the order of a float sum must not depend on the machine.
    mixed = frames[:, 0].astype(np.float64)
    for channel in range(1, frames.shape[1]):
        mixed += frames[:, channel]
    mixed /= frames.shape[1]
    mixed -= silence
    mixed *= steps_per_unit
    return round_to_int16(mixed)


def round_to_int16(values: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round half to even and clip to int16; overwrites `values`."""
    np.rint(values, out=values)
    # Clipped before the cast: what an out-of-range cast gives differs between processors.
    np.minimum(values, INT16_MAX, out=values)
    np.maximum(values, INT16_MIN, out=values)
    return values.astype(np.int16)


def _check_float(frames: NDArray[Any], name: str, first: int) -> None:
    # NaN fails this comparison too, so one pass over the usual, good audio is enough.
    good = np.abs(frames) <= FLOAT_LIMIT
    if good.all():
        return
    row, channel = np.unravel_index(int(np.argmin(good)), frames.shape)
    value = float(frames[row, channel])
    if np.isfinite(value):
        raise AudioFileError(
            f"{name} holds {value:g} at sample {first + row}, far outside the [-1, 1] of float audio",
            "Divide by the full scale (32768 for 16-bit audio), or pass the integers as int16",
        )
    raise AudioFileError(
        f"{name} holds {value} at sample {first + row}",
        "Record or export it again, or replace such samples, for example with numpy.nan_to_num",
    )
