"""What features of the power spectrum share: weights in the DFT's own order, and the exact logarithm of a sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import tables as t
from edge_ser.features.tables import load_tables

SPECTRUM_BINS = 257
"""Bins 0 to 256, 31.25 Hz apart."""

HEARD = slice(1, 256)
"""Bins that count, as in the mel bands: not 0 and 8000 Hz, whose power FRAME_POWER_MAX does not bound."""

MANTISSA_SHIFT = np.array(52 - t.LOG_MANTISSA_BITS)


def outputs_of_bins() -> NDArray[np.intp]:
    """Return for each of the 257 bins where it stands among the BINS outputs; of two places the first."""
    row, column = np.ogrid[: t.ROWS, : t.COLUMNS]
    output = column + 2 * (t.COLUMNS - 1) * row
    first: NDArray[np.intp] = np.unique(np.minimum(output, 512 - output), return_index=True)[1]
    return first


def by_output(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (257, columns) of bins as weights (BINS, columns) of the DFT's outputs."""
    placed = np.zeros((t.BINS, weights.shape[1]))
    placed[outputs_of_bins()] = weights
    return placed


def exact_log(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rint(LOG_UNIT * ln(sums / MEL_ONE)), at least 0, with 10 bits of mantissa.

    Parameters
    ----------
    sums : float64
        Integers below 2^53 times MEL_SCALE, which the weights that they were made with hold already.
    """
    bits = np.right_shift(sums.view(np.int64), MANTISSA_SHIFT)
    logs: NDArray[np.float64] = load_tables().log.take(bits, None, None, "clip")
    return logs
