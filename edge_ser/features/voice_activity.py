"""`VoiceActivity`: speech or not, frame by frame, from the log-mel bands over a tracked noise floor.

A voice lifts some bands far more than others: harmonics and formants below, fricatives above. Noise that sets in or
swells lifts all bands alike. So what counts is not how far a frame stands above the noise floor, but how far its
bands stand out above that rise:

    rise        = log_mel - floor                                    per band
    prominence  = mean over bands of max(rise - max(mean rise, 0) - margin, 0)

Speech begins when `confirm_frames` of the last 8 frames are prominent and ends `hangover_frames` after that was
last so, with half-way lower demands in between. The floor is the lowest average of 80 ms in the last second,
band by band, so that it falls at once and rises to any steady noise within that second.

All of it is done in exact integers or single IEEE operations, like the log-mel bands: the decisions are the same on
every machine and for every way of cutting the stream into blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import SettingsError
from edge_ser.features import tables as t
from edge_ser.features.tables import LOG_UNIT, load_tables

GROUP_FRAMES = 8  # averaged for the noise floor: 80 ms
DECISION_FRAMES = 8  # looked back over to confirm an onset: 80 ms
DECISION_MASK = (1 << DECISION_FRAMES) - 1
UNITS_PER_DB = LOG_UNIT * math.log(10) / 10
BINS_OF_SPEECH = 255  # of the DFT, 31 Hz to 8 kHz
# Power summed over all bins but 0 and 256 of a frame of RMS 1 LSB: n_fft / 2 * sum of the squared Hann window.
FRAME_POWER = 256 * 150.0  # LSB^2
FULL_SCALE = 32768.0  # LSB


@dataclass(frozen=True, slots=True)
class VoiceActivitySettings:
    """When a sound counts as speech. The defaults were chosen on six corpora and sixteen kinds of noise.

    Raises
    ------
    SettingsError
        For an impossible value.
    """

    margin_db: float = 4.5
    """A band stands out when it rises this much more than the mean of all bands; at least 0."""

    onset_db: float = 0.85
    """Mean prominence over all bands above which a frame may begin speech; positive."""

    keep_db: float = 0.4
    """Mean prominence above which a frame continues speech; positive, at most `onset_db`."""

    confirm_frames: int = 4
    """How many of the last 8 frames must be prominent, 1 to 8; a click fills 3."""

    hangover_frames: int = 20
    """Frames of 10 ms that speech goes on after its last confirmation; 0 or more."""

    floor_groups: int = 14
    """Groups of 80 ms over which the lowest average is the noise floor; 1 or more."""

    floor_bias_db: float = 3.5
    """Noise's mean level above its lowest average of 80 ms in a second."""

    initial_floor_dbfs: float = -40.0
    """Noise level believed in before any was heard, so that a stream may start within a word."""

    lowest_floor_dbfs: float = -68.0
    """Sounds below this level, the converter's own noise among them, are never speech."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            whole = field.type == "int"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise SettingsError(f"{field.name} is {value!r}", f"Give a {'whole ' if whole else ''}number")
        demands = {
            "margin_db": 0 <= self.margin_db < math.inf,
            "onset_db": 0 < self.onset_db < math.inf,
            "keep_db": 0 < self.keep_db <= self.onset_db,
            "confirm_frames": 1 <= self.confirm_frames <= DECISION_FRAMES,
            "hangover_frames": self.hangover_frames >= 0,
            "floor_groups": self.floor_groups >= 1,
            "floor_bias_db": 0 <= self.floor_bias_db < math.inf,
            "initial_floor_dbfs": self.lowest_floor_dbfs <= self.initial_floor_dbfs <= 0,
            "lowest_floor_dbfs": -120 <= self.lowest_floor_dbfs <= 0,
        }
        for name, holds in demands.items():
            if not holds:
                cure = "See the limits in VoiceActivitySettings, or leave it out"
                raise SettingsError(f"{name} is {getattr(self, name)}, which cannot be", cure)


class VoiceActivity:
    """Says of each frame whether somebody speaks.

    Parameters
    ----------
    settings : VoiceActivitySettings, optional
        When a sound counts as speech.

    Examples
    --------
    >>> import numpy as np
    >>> from edge_ser.features import LogMel, VoiceActivity
    >>> VoiceActivity()(LogMel().push(np.zeros(320, np.int16)))
    array([False, False])
    """

    def __init__(self, settings: VoiceActivitySettings | None = None) -> None:
        self._settings = settings = VoiceActivitySettings() if settings is None else settings
        self._lowest = _pink_noise(settings.lowest_floor_dbfs)
        self._initial = _pink_noise(settings.initial_floor_dbfs)
        self._bias = np.rint(settings.floor_bias_db * UNITS_PER_DB)
        # Comparisons are made on sums over bands, each band in 40ths of a log-mel unit, so that no mean is rounded.
        # Arrays of no dimension, which NumPy takes in half the time of a float.
        self._margin = np.array(np.rint(settings.margin_db * UNITS_PER_DB) * t.N_MELS)
        self._bands = np.array(float(t.N_MELS))
        self._zero = np.array(0.0)
        self._onset = settings.onset_db * UNITS_PER_DB * t.N_MELS**2
        self._keep = settings.keep_db * UNITS_PER_DB * t.N_MELS**2
        self._ones = np.ones((t.N_MELS, 1))
        self._averages = np.empty((settings.floor_groups, t.N_MELS))  # of the last groups of frames
        self._group = np.empty((GROUP_FRAMES, t.N_MELS))  # frames since the last average
        self.reset()

    def reset(self) -> None:
        """Start a new stream, of unknown noise."""
        self._averages[:] = self._initial - self._bias
        self._next_average = 0
        self._floor = np.maximum(self._initial, self._lowest)  # (1, n_mels)
        self._group[:] = 0
        self._group_frames = 0
        self._onset_bits = 0  # of the last DECISION_FRAMES frames, the newest in bit 0: prominent enough to begin?
        self._keep_bits = 0  # and to continue?
        self._remaining = 0  # frames that speech still goes on

    def __call__(self, log_mel: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return bool (frames,) for the next frames of the stream, `LogMel.push`'s (frames, n_mels)."""
        speech = np.empty(len(log_mel), np.bool_)
        start = 0
        while start < len(log_mel):
            part = log_mel[start : start + GROUP_FRAMES - self._group_frames]
            speech[start : start + len(part)] = self._decide(self._prominence(part).tolist())
            self._track(part)
            start += len(part)
        return speech

    @property
    def level_db(self) -> float:
        """Level of the last frame in dB relative to a full-scale square wave, -108 for digital silence.

        For showing and for flags; unlike the decisions it is not promised to the last digit.
        """
        return _dbfs(self._group[self._group_frames - 1])

    @property
    def noise_floor_db(self) -> float:
        """Level of the tracked noise in the same dB, right within 3 dB once it is steady for a second."""
        return _dbfs(self._floor)

    def _prominence(self, log_mel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by frame the sum over bands of the prominence, in 40ths of a log-mel unit; exact."""
        rise = np.subtract(log_mel, self._floor)
        threshold = rise.dot(self._ones)  # (frames, 1): the sum of the rise, which is the mean in 40ths
        np.maximum(threshold, self._zero, out=threshold)
        np.add(threshold, self._margin, threshold)
        np.multiply(rise, self._bands, rise)
        np.subtract(rise, threshold, rise)
        np.maximum(rise, self._zero, out=rise)
        prominence: NDArray[np.float64] = rise.dot(self._ones)[:, 0]
        return prominence

    def _decide(self, prominences: Sequence[float]) -> list[bool]:
        """Return speech or not for each of these frames, whose floor is the present one."""
        confirm, hangover = self._settings.confirm_frames, self._settings.hangover_frames
        decisions = []
        for prominence in prominences:
            self._onset_bits = (self._onset_bits << 1 | (prominence > self._onset)) & DECISION_MASK
            self._keep_bits = (self._keep_bits << 1 | (prominence > self._keep)) & DECISION_MASK
            bits = self._keep_bits if self._remaining else self._onset_bits
            confirmed = bits.bit_count() >= confirm
            self._remaining = hangover + 1 if confirmed else max(self._remaining - 1, 0)
            decisions.append(self._remaining > 0)
        return decisions

    def _track(self, log_mel: NDArray[np.float64]) -> None:
        """Take these frames, at most to the end of a group, into the noise floor."""
        filled = self._group_frames + len(log_mel)
        self._group[self._group_frames : filled] = log_mel
        self._group_frames = filled % GROUP_FRAMES
        if filled == GROUP_FRAMES:
            self._averages[self._next_average] = np.add.reduce(self._group) / GROUP_FRAMES
            self._next_average = (self._next_average + 1) % len(self._averages)
            self._floor = np.maximum(np.minimum.reduce(self._averages, keepdims=True) + self._bias, self._lowest)


def _pink_noise(dbfs: float) -> NDArray[np.float64]:
    """Return the log-mel bands (1, n_mels) of steady pink noise, whole numbers; rooms and fans are roughly pink."""
    row, column = np.ogrid[: t.ROWS, : t.COLUMNS]
    output = column + 2 * (t.COLUMNS - 1) * row
    bins = np.maximum(np.minimum(output, 512 - output), 1).ravel()
    share = 1 / bins / np.sum(1 / np.arange(1, BINS_OF_SPEECH + 1))
    power = FRAME_POWER / t.POWER_UNIT * (FULL_SCALE * 10 ** (dbfs / 20)) ** 2
    bands = power * (share @ (load_tables().mel / t.MEL_SCALE)) / t.MEL_ONE
    floor: NDArray[np.float64] = np.rint(LOG_UNIT * np.log(np.maximum(bands, 1)))[None]
    return floor


def _dbfs(bands: NDArray[np.float64]) -> float:
    """Return the level of log-mel bands, whose triangles add up to the whole spectrum, in dB of full scale."""
    power = np.exp(bands / LOG_UNIT).sum() * t.POWER_UNIT / FRAME_POWER  # LSB^2
    return float(10 * np.log10(power / FULL_SCALE**2))
