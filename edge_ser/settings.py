"""Settings of the recogniser: one frozen dataclass, read once.

What is a field here is a key of the configuration file, an environment variable and a flag, with its docstring as the
explanation: see `edge_ser.configuration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_ser.errors import SettingsError

SAMPLE_RATE = 16000  # Hz, of everything behind the resampler

PRESET_NAMES = ("responsive", "balanced", "careful")
"""From the soonest decision to the surest; what each of them sets is in `edge_ser.decision.presets`."""

VOICE_ACTIVITY_NAMES = ("edge-ser", "silero", "webrtcvad")


@dataclass(frozen=True, slots=True)
class Settings:
    """How the recogniser listens and decides; what the preset and the model file say holds where a field is None.

    Raises
    ------
    SettingsError
        An impossible value.

    Examples
    --------
    >>> Settings(hysteresis=0.1).threads
    1
    """

    model: str | None = None
    """Path of a model file (the installed one in use, else the bundled one)."""

    require_signature: bool = False
    """Use only model files that a trusted key signed, besides the bundled one (`pip install 'edge-ser[sign]'`)."""

    device: str | None = None
    """Microphone by name, a part of it, or its index in `edge-ser devices` (the default one)."""

    channel: int | None = None
    """Channel of the microphone, from 0 (all, mixed)."""

    backend: Literal["litert", "tflite"] | None = None
    """TFLite runtime to use (the first that works)."""

    threads: int = 1
    """Threads of the TFLite interpreter."""

    voice_activity: Literal["edge-ser", "silero", "webrtcvad"] = "edge-ser"
    """What tells speech from other sounds; the latter two are extras (`pip install 'edge-ser[silero]'`)."""

    labels: str | None = None
    """Labels that can occur: a set that the model file names, such as `four` (all)."""

    candidates: float | None = None
    """Share of recordings, 0 to 1, whose right label is to be among the event's `candidates` (none are given)."""

    preset: Literal["responsive", "balanced", "careful"] = "balanced"
    """How sure a decision must be and how long it is kept."""

    coverage: float | None = None
    """Share of recordings, 0 to 1, that get a decision; the model file knows the confidence for it (the preset's)."""

    uncertain_below: float | None = None
    """Confidence under which the state is `uncertain`, 0 to 1, in place of `coverage` (that of the coverage)."""

    hysteresis: float | None = None
    """A new emotion must lead the present one by this probability (the preset's)."""

    minimum_dwell_seconds: float | None = None
    """An emotion is kept at least this long before another may replace it (the preset's)."""

    warm_up_seconds: float | None = None
    """Speech before the first decision on an utterance (the preset's)."""

    half_life_seconds: float | None = None
    """After so long a moment of speech weighs half of what it did; with inf all of it counts alike (the preset's)."""

    baseline: bool = True
    """Learn, while somebody speaks, how this voice differs from others, and take it off; never kept."""

    speaker: str | None = None
    """Enrolled speaker to begin with, see `edge-ser calibrate` (nobody)."""

    feedback: bool = False
    """Keep features, never audio, of the last utterance in memory, so that `edge-ser feedback` can correct it."""

    protect_memory: bool = True
    """Once it listens, let no core dump be written of the process, and no debugger of the same user attach to it."""

    def __post_init__(self) -> None:
        if type(self.threads) is not int or self.threads < 1:
            raise SettingsError(f"threads is {self.threads!r}", "Give a whole number from 1 up")
        if self.channel is not None and (type(self.channel) is not int or self.channel < 0):
            raise SettingsError(f"channel is {self.channel!r}", "Give a channel from 0, or leave it out for all")
        if self.voice_activity not in VOICE_ACTIVITY_NAMES:
            cure = f"Choose one of {', '.join(VOICE_ACTIVITY_NAMES)}"
            raise SettingsError(f"voice_activity is {self.voice_activity!r}", cure)
        if self.preset not in PRESET_NAMES:
            raise SettingsError(f"preset is {self.preset!r}", f"Choose one of {', '.join(PRESET_NAMES)}")
        for name in ("coverage", "uncertain_below", "hysteresis", "candidates"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise SettingsError(f"{name} is {value!r}", "Give a probability from 0 to 1")
        if self.coverage is not None and self.uncertain_below is not None:
            raise SettingsError("coverage and uncertain_below are both given", "Give one: each decides the other")
        for name in ("minimum_dwell_seconds", "warm_up_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise SettingsError(f"{name} is {value!r}", "Give seconds, 0 or more")
        if self.half_life_seconds is not None and not self.half_life_seconds > 0:
            raise SettingsError(f"half_life_seconds is {self.half_life_seconds!r}", "Give seconds, more than 0, or inf")
