"""Where in a clip there is sound, and how loud it is; for trimming and levels, not for the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME = 160  # samples, 10 ms
SMOOTHING = 5  # frames
ABOVE_FLOOR_DB = 6.0
BELOW_PEAK_DB = 32.0
LEAST_RANGE_DB = 12.0  # between quiet and loud; with less the clip has no pauses to find
MARGIN = 3200  # samples kept on both sides, 0.2 s: soft onsets are quieter than the threshold
QUIETEST_DBFS = -90.0
FULL_SCALE = 32768.0


def active_range(pcm: NDArray[np.int16]) -> tuple[int, int, float]:
    """Return the first and the last sample (exclusive) of the active part with its margins, and its level.

    Parameters
    ----------
    pcm : int16 (n,)

    Returns
    -------
    int, int, float
        Start, stop, and the RMS of the frames above the threshold in dBFS, at least -90.

    Examples
    --------
    >>> pcm = np.zeros(48000, np.int16)
    >>> pcm[16000:32000] = 1000
    >>> active_range(pcm)[:2]
    (12800, 35200)
    """
    count = len(pcm) // FRAME
    if count < SMOOTHING:
        return 0, len(pcm), level_dbfs(pcm)
    power = np.square(pcm[: count * FRAME].reshape(count, FRAME) / FULL_SCALE).mean(1)
    db = np.pad(10 * np.log10(power + 1e-9), SMOOTHING // 2, "edge")  # 0 dB beyond the ends would be loud
    db = np.convolve(db, np.ones(SMOOTHING) / SMOOTHING, "valid")
    quiet, loud = np.percentile(db, (5, 95))
    active = db > max(quiet + ABOVE_FLOOR_DB, loud - BELOW_PEAK_DB)
    if loud - quiet < LEAST_RANGE_DB or not active.any():
        return 0, len(pcm), level_dbfs(pcm)
    first, last = np.flatnonzero(active)[[0, -1]]
    start = max(0, int(first) * FRAME - MARGIN)
    stop = min(len(pcm), (int(last) + 1) * FRAME + MARGIN)
    return start, stop, _decibel(power[active].mean())


def level_dbfs(samples: NDArray[np.generic]) -> float:
    """Return the RMS in dB relative to full scale, at least -90."""
    return _decibel(np.square(np.asarray(samples, np.float64) / FULL_SCALE).mean() if len(samples) else 0.0)


def _decibel(power: float) -> float:
    return max(QUIETEST_DBFS, float(10 * np.log10(power + 1e-12)))
