"""`Prominence`: how far the bands of a frame stand out over the tracked noise.

A voice lifts some bands far more than others: harmonics and formants below, fricatives above. Noise that sets in or
swells lifts all bands alike. So what counts is not how far a frame rises above the noise floor, but how far its bands
stand out above that rise:

    rise       = log_mel - floor                                                  per band
    prominence = mean over bands of max(rise - max(mean rise, 0) - margin, 0)

The floor is the lowest average of 80 ms in the last second, band by band: it falls at once, and it rises to any
steady noise within that second (R. Martin, Noise Power Spectral Density Estimation Based on Optimal Smoothing and
Minimum Statistics, IEEE Trans. SAP 9(5), 2001, made plain).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import tables as t
from edge_ser.features.tables import LOG_UNIT, load_tables
from edge_ser.features.voice_activity_settings import VoiceActivitySettings

GROUP_FRAMES = 8  # averaged for the noise floor: 80 ms
PER_LOG_UNIT = np.array(1 / LOG_UNIT)  # a power of two, so that multiplying by it is dividing by LOG_UNIT
LOG_UNITS_PER_DB = LOG_UNIT * math.log(10) / 10
FULL_SCALE = 32768.0  # LSB
# Power over all DFT bins of a frame whose samples have an RMS of 1 LSB: half the points times the sum of the squared
# Hann window.
FRAME_POWER = 256 * 150.0  # LSB^2

UNITS_PER_DB = LOG_UNITS_PER_DB * t.N_MELS**2
"""Of a prominence. It is kept as a sum of whole numbers over bands, each in 40ths of a log-mel unit."""


class Prominence:
    """Prominence of each frame of a stream, exact and the same for every cutting of it, and the noise floor.

    Parameters
    ----------
    settings : VoiceActivitySettings
        Margin and floor.
    """

    def __init__(self, settings: VoiceActivitySettings) -> None:
        self._lowest = pink_noise(settings.lowest_floor_dbfs)
        self._initial = pink_noise(settings.initial_floor_dbfs)
        # Arrays without dimensions, which NumPy takes in half the time of a float.
        self._bias = np.array(np.rint(settings.floor_bias_db * LOG_UNITS_PER_DB))
        self._margin = np.array(np.rint(settings.margin_db * LOG_UNITS_PER_DB) * t.N_MELS)
        self._n_mels = np.array(float(t.N_MELS))
        self._zero = np.array(0.0)
        # Sums by products with ones, in a third of the time of `np.add.reduce`; of whole numbers, so exact.
        self._ones = np.ones((t.N_MELS, 1))
        self._mean_of_group = np.full((1, GROUP_FRAMES), 1 / GROUP_FRAMES)
        self._averages = np.empty((settings.floor_groups, t.N_MELS))  # of the last groups of frames
        self._group = np.empty((GROUP_FRAMES, t.N_MELS))  # frames since then
        # Once for each frame of a group: NumPy subtracts arrays of one shape in half the time.
        self._floor = np.empty((GROUP_FRAMES, t.N_MELS))
        self.reset()

    def reset(self) -> None:
        """Start a new stream, of unknown noise."""
        self._averages[:] = self._initial - self._bias
        self._next_average = 0
        self._floor[:] = np.maximum(self._initial, self._lowest)
        self._group[:] = 0
        self._filled = 0

    def __call__(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the prominence (frames,) in 1 / UNITS_PER_DB of the next frames, `LogMel.push`'s (frames, n_mels)."""
        to_the_end_of_the_group = GROUP_FRAMES - self._filled
        if len(log_mel) > to_the_end_of_the_group:
            groups = np.split(log_mel, range(to_the_end_of_the_group, len(log_mel), GROUP_FRAMES))
            return np.concatenate([self(group) for group in groups])
        prominence = self._over_floor(log_mel)
        self._track(log_mel)
        return prominence

    @property
    def level_db(self) -> float:
        """RMS level of the last frame in dB of full scale."""
        return level_dbfs(self._group[self._filled - 1])

    @property
    def noise_floor_db(self) -> float:
        """RMS level of the tracked noise in dB of full scale."""
        return level_dbfs(self._floor[0])

    def _over_floor(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the prominence (frames,) over the present floor, which stands still within a group."""
        rise = np.subtract(log_mel, self._floor[: len(log_mel)])
        threshold = rise.dot(self._ones)  # (frames, 1): the sum of the rise is its mean in 40ths
        np.maximum(threshold, self._zero, out=threshold)
        np.add(threshold, self._margin, threshold)
        np.multiply(rise, self._n_mels, rise)
        np.subtract(rise, threshold, rise)
        np.maximum(rise, self._zero, out=rise)
        prominence: NDArray[np.float64] = rise.dot(self._ones)[:, 0]
        return prominence

    def _track(self, log_mel: NDArray[np.float64]) -> None:
        """Take these frames, at most to the end of a group, into the noise floor."""
        filled = self._filled + len(log_mel)
        self._group[self._filled : filled] = log_mel
        self._filled = filled % GROUP_FRAMES
        if filled == GROUP_FRAMES:
            self._averages[self._next_average] = self._mean_of_group.dot(self._group)
            self._next_average = (self._next_average + 1) % len(self._averages)
            lowest = np.minimum.reduce(self._averages, keepdims=True)
            np.add(lowest, self._bias, lowest)
            np.maximum(lowest, self._lowest, out=lowest)
            self._floor[:] = lowest


def pink_noise(dbfs: float) -> NDArray[np.float64]:
    """Return the log-mel bands (1, n_mels), whole numbers, of steady pink noise: rooms and fans are roughly pink."""
    row, column = np.ogrid[: t.ROWS, : t.COLUMNS]
    output = column + 2 * (t.COLUMNS - 1) * row
    bins = np.minimum(output, 512 - output).ravel()
    share = 1 / np.maximum(bins, 1) / np.sum(1 / np.arange(1, 256))
    power = FRAME_POWER * (FULL_SCALE * 10 ** (dbfs / 20)) ** 2 / t.POWER_UNIT
    bands = power * (share @ (load_tables().mel / t.MEL_SCALE)) / t.MEL_ONE
    log_mel: NDArray[np.float64] = np.rint(LOG_UNIT * np.log(np.maximum(bands, 1)))[None]
    return log_mel


def level_dbfs(log_mel: NDArray[np.float64]) -> float:
    """Return the RMS level of one frame in dB of full scale (a square wave is 0, digital silence -108).

    The triangles of the bands add up to the whole spectrum. For showing and for flags: it uses the mathematics
    library's `exp`, and so is not promised to the last digit.
    """
    power = float(np.add.reduce(np.exp(np.multiply(log_mel, PER_LOG_UNIT)))) * t.POWER_UNIT / FRAME_POWER  # LSB^2
    return 10 * math.log10(power / FULL_SCALE**2)
