"""What the recogniser says: known to every module, importing none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["warming_up", "no_speech", "uncertain", "emotion", "mic_lost"]

Notice = Literal[
    "mic_lost", "mic_restored", "silent_input", "clipping_input", "dc_offset", "wrong_device", "model_fallback", "drift"
]


@dataclass(frozen=True, slots=True)
class Flags:
    """What was wrong with the audio behind an event."""

    gap: bool = False
    """Samples were lost since the previous event."""

    clipping: bool = False
    """The input hit the ends of its range."""

    noise: bool = False
    """The background is loud beside the voice."""

    def __or__(self, other: Flags) -> Flags:
        """Return what was wrong with one or the other."""
        return Flags(self.gap or other.gap, self.clipping or other.clipping, self.noise or other.noise)


CLEAN = Flags()
"""Nothing was."""


@dataclass(frozen=True, slots=True)
class Event:
    """How the device was being spoken to at one moment.

    Probabilities, valence and arousal describe the utterance so far; while nobody speaks they
    describe the last utterance, and before the first one they are uniform and zero.
    """

    time: float
    """Seconds from the start of the stream to the end of the audio behind this event."""

    state: State
    """`warming_up`, `no_speech`, `uncertain`, `emotion`, or `mic_lost` while there is no microphone to hear."""

    emotion: str | None
    """The label decided on; None unless `state` is `emotion`."""

    probabilities: Mapping[str, float]
    """Calibrated probability by label; sums to 1."""

    confidence: float
    """Probability of the most likely label, 0 to 1."""

    valence: float
    """Unpleasant (-1) to pleasant (+1)."""

    arousal: float
    """Calm (-1) to excited (+1)."""

    speech: bool
    """Somebody spoke during the last step."""

    speech_seconds: float
    """Seconds of the current (or last) utterance heard so far."""

    attention: float
    """Weight of the last step in the utterance so far, 0 to 1; 0 without speech."""

    level_dbfs: float
    """RMS level of the last step in dB relative to full scale; -inf never occurs: at least -120."""

    flags: Flags
    """What was wrong with the audio."""

    candidates: tuple[str, ...] = ()
    """Labels that may be right, the likeliest first, where `Settings.candidates` asks for them."""

    notices: tuple[Notice, ...] = ()
    """What has befallen the input since the previous event; each is told once, when it begins."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON, with times to the millisecond."""
        plain = asdict(self)
        plain["probabilities"] = {label: round(p, 4) for label, p in self.probabilities.items()}
        for name in ("time", "confidence", "valence", "arousal", "attention", "speech_seconds"):
            plain[name] = round(plain[name], 4)
        plain["level_dbfs"] = round(self.level_dbfs, 1)
        plain["candidates"] = list(self.candidates)
        plain["notices"] = list(self.notices)
        return plain


@dataclass(frozen=True, slots=True)
class Recognition:
    """One decision on a whole recording, and the events that led to it."""

    state: State
    """`no_speech`, `uncertain`, `emotion`, or `warming_up` where there was too little speech."""

    emotion: str | None
    """The label decided on; None unless `state` is `emotion`."""

    probabilities: Mapping[str, float]
    """Calibrated probability by label over all speech in the recording; sums to 1."""

    confidence: float
    """Probability of the most likely label, 0 to 1."""

    valence: float
    """Unpleasant (-1) to pleasant (+1)."""

    arousal: float
    """Calm (-1) to excited (+1)."""

    duration: float
    """Seconds of audio."""

    speech_seconds: float
    """Seconds of speech."""

    flags: Flags
    """What was wrong with the audio anywhere in the recording."""

    candidates: tuple[str, ...]
    """Labels that may be right, the likeliest first, where `Settings.candidates` asks for them."""

    timeline: tuple[Event, ...]
    """One event a step, as `listen` would have given them."""

    def to_dict(self, timeline: bool = False) -> dict[str, Any]:
        """Return plain types, ready for JSON; the timeline only where it is asked for."""
        plain: dict[str, Any] = {
            "state": self.state,
            "emotion": self.emotion,
            "probabilities": {label: round(p, 4) for label, p in self.probabilities.items()},
            "confidence": round(self.confidence, 4),
            "valence": round(self.valence, 4),
            "arousal": round(self.arousal, 4),
            "duration": round(self.duration, 4),
            "speech_seconds": round(self.speech_seconds, 4),
            "flags": asdict(self.flags),
            "candidates": list(self.candidates),
        }
        if timeline:
            plain["timeline"] = [event.to_dict() for event in self.timeline]
        return plain
