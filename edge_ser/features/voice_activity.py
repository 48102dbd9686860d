"""`VoiceActivity`: speech or not, frame by frame, from the prominence of the bands over the tracked noise.

Speech begins when enough of the last 8 frames are prominent. It goes on while enough of them keep to a lower demand,
and for a hang-over after that, which bridges stops and pauses for breath.

The decisions come from exact integers, like the log-mel bands: they are the same on every machine and for every
way of cutting the stream into blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.features.prominence import UNITS_PER_DB, Prominence
from edge_ser.features.voice_activity_settings import DECISION_FRAMES, VoiceActivitySettings

__all__ = ["VoiceActivity", "VoiceActivitySettings"]

DECISION_MASK = (1 << DECISION_FRAMES) - 1


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
        settings = VoiceActivitySettings() if settings is None else settings
        self._prominence = Prominence(settings)
        self._onset = settings.onset_db * UNITS_PER_DB
        self._keep = settings.keep_db * UNITS_PER_DB
        self._confirm_frames = settings.confirm_frames
        self._hangover_frames = settings.hangover_frames
        self.reset()

    def reset(self) -> None:
        """Start a new stream, of unknown noise."""
        self._prominence.reset()
        # Of the last DECISION_FRAMES frames, the newest in bit 0: prominent enough to begin, and to continue?
        self._onset_bits = 0
        self._keep_bits = 0
        self._remaining = 0  # frames that speech still goes on

    def __call__(self, log_mel: NDArray[np.float64], pcm: NDArray[np.int16] | None = None) -> NDArray[np.bool_]:
        """Return bool (frames,) for the next frames of the stream, `LogMel.push`'s (frames, n_mels).

        The samples, which other detectors hear (see `Detector`), are not looked at.
        """
        onset, keep, confirm_frames = self._onset, self._keep, self._confirm_frames
        onset_bits, keep_bits, remaining = self._onset_bits, self._keep_bits, self._remaining
        decisions = []
        for prominence in self._prominence(log_mel).tolist():
            onset_bits = (onset_bits << 1 | (prominence > onset)) & DECISION_MASK
            keep_bits = (keep_bits << 1 | (prominence > keep)) & DECISION_MASK
            if (keep_bits if remaining else onset_bits).bit_count() >= confirm_frames:
                remaining = self._hangover_frames + 1
            elif remaining:
                remaining -= 1
            decisions.append(remaining > 0)
        self._onset_bits, self._keep_bits, self._remaining = onset_bits, keep_bits, remaining
        return np.array(decisions, np.bool_)

    @property
    def level_db(self) -> float:
        """RMS level of the last frame in dB of full scale, -108 for digital silence.

        For showing and for flags; unlike the decisions it is not promised to the last digit.
        """
        return self._prominence.level_db

    @property
    def noise_floor_db(self) -> float:
        """Level of the tracked noise in the same dB, right within 3 dB once it has been steady for a second."""
        return self._prominence.noise_floor_db
