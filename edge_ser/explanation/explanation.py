"""`Explanation`: what was found, and its JSON (docs/explanation.md says what each key holds)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.events import Event, Recognition

SCHEMA = 1
"""Of the JSON; changes when a key is taken away or comes to mean something else."""


@dataclass(frozen=True, slots=True)
class Occlusion:
    """How much less likely the label is when one part of the sound is hidden from the student."""

    start: float
    """Where the part begins: in seconds, or in Hz."""

    end: float
    """Where it ends."""

    drop: float
    """Probability of the label less that without this part; negative where the part speaks against the label."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One decision on a recording, and where it came from.

    Of a long recording the first part is explained, by the decision on that part alone.
    """

    name: str
    """What the audio is called."""

    model: str
    """Name and version of the student."""

    recognition: Recognition
    """On the whole recording, as `Recognizer.recognize` gives it."""

    label: str | None
    """The most likely one, which is explained, even where too unlikely to be decided on; None where nobody speaks."""

    probability: float
    """Of that label, over the part that is explained; 0 where nobody speaks."""

    steps: int
    """Of the timeline that are explained: all but in a long recording."""

    utterances: tuple[tuple[float, float], ...]
    """Start and end of each stretch that the student heard, seconds."""

    attention: tuple[float, ...]
    """Share of each explained step in the decision; they sum to 1, or are all 0 where nobody speaks."""

    over_time: tuple[Occlusion, ...]
    """Stretches of the utterances, in order, each replaced by the mean spectrum of its utterance's speech."""

    over_frequency: tuple[Occlusion, ...]
    """Groups of mel bands, low to high, each replaced in every utterance by its mean there."""

    log_mel_dbfs: NDArray[np.float64]
    """Level in each band of the explained part, (steps, frames_per_step, n_mels), dB of full scale."""

    band_edges: tuple[float, ...]
    """Hz, n_mels + 1: between which frequencies each band is drawn."""

    @property
    def events(self) -> tuple[Event, ...]:
        """The explained steps."""
        return self.recognition.timeline[: self.steps]

    @property
    def explained_seconds(self) -> float:
        """Duration of what is explained."""
        return self.events[-1].time if self.steps else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON, all arrays of `steps` in step: one item each 80 ms."""
        events = self.events
        plain = [event.to_dict() for event in events]
        labels = self.recognition.probabilities
        return {
            "schema": SCHEMA,
            "file": self.name,
            "model": self.model,
            "decision": self.recognition.to_dict(),
            "label": self.label,
            "probability": round(self.probability, 4),
            "explained_seconds": round(self.explained_seconds, 4),
            "utterances": {
                "start_seconds": [round(start, 4) for start, _ in self.utterances],
                "end_seconds": [round(end, 4) for _, end in self.utterances],
            },
            "steps": {
                "end_seconds": [step["time"] for step in plain],
                "attention": [round(share, 6) for share in self.attention],
                "probabilities": {label: [step["probabilities"][label] for step in plain] for label in labels},
                **{name: [step[name] for step in plain] for name in ("state", "emotion", "speech", "level_dbfs")},
                **{flag: [step["flags"][flag] for step in plain] for flag in ("gap", "clipping", "noise")},
            },
            "occlusion_over_time": _columns(self.over_time, "seconds"),
            "occlusion_over_frequency": _columns(self.over_frequency, "hz"),
        }


def _columns(occlusions: tuple[Occlusion, ...], unit: str) -> dict[str, list[float]]:
    return {
        f"start_{unit}": [round(part.start, 4) for part in occlusions],
        f"end_{unit}": [round(part.end, 4) for part in occlusions],
        "drop": [round(part.drop, 4) for part in occlusions],
    }
