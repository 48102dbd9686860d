"""`VoiceActivitySettings`: when a sound counts as speech."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from edge_ser.errors import SettingsError

DECISION_FRAMES = 8  # looked back over to confirm speech: 80 ms


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
    """Prominence, the mean over bands of how far each stands out, above which a frame may begin speech; positive."""

    keep_db: float = 0.4
    """Prominence above which a frame continues speech; positive, at most `onset_db`."""

    confirm_frames: int = 4
    """How many of the last 8 frames must be prominent, 1 to 8; a click fills at most 3."""

    hangover_frames: int = 20
    """Frames of 10 ms that speech goes on after its last confirmation; 0 or more."""

    floor_groups: int = 14
    """Groups of 80 ms over which the lowest average is the noise floor; 1 or more."""

    floor_bias_db: float = 3.5
    """Noise's mean level above its lowest average of 80 ms in a second; 0 or more."""

    lowest_floor_dbfs: float = -68.0
    """Sounds below this level, the converter's own noise among them, are never speech; -120 to 0."""

    initial_floor_dbfs: float = -40.0
    """Noise level believed in before any was heard, so that a stream may start within a word; up to 0."""

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
            "lowest_floor_dbfs": -120 <= self.lowest_floor_dbfs <= 0,
            "initial_floor_dbfs": self.lowest_floor_dbfs <= self.initial_floor_dbfs <= 0,
        }
        for name, holds in demands.items():
            if not holds:
                cure = "See the limits in VoiceActivitySettings, or leave it out"
                raise SettingsError(f"{name} is {getattr(self, name)}, which cannot be", cure)
