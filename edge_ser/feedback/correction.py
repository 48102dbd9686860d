"""`Correction`: what was decided, what it should have been, and, with consent, the features it was decided on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import FeedbackError
from edge_ser.kept import KEPT_SECONDS, KeptUtterance
from edge_ser.student.metadata import Features, Metadata
from edge_ser.student.strict import to_json

FORMAT = 1

CONSENT_VERSION = 1
"""Counts up with every change of the text, so that each correction tells what was agreed to."""

CONSENT_TEXT = (
    "I agree that this device keeps the sound features of what I just said, so that its recogniser can be improved. "
    "They are numbers about the sound of my voice, 100 sets a second, at most 30 seconds. My words are not recorded, "
    "but features can tell something about a voice. They stay on this device until its operator exports or deletes "
    "them. Without my agreement only my answer and what the device had decided are kept."
)

ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")
MOST_FRAMES = round(KEPT_SECONDS * 1000)  # of the shortest hop there could be, 1 ms
MOST_FEATURES = 1024


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody agreed that features are kept."""

    text_version: int
    """Of the text that they agreed to: `CONSENT_VERSION` then."""

    time: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the recogniser had said."""

    state: str
    """`emotion` or `uncertain`."""

    emotion: str | None
    """None where it was uncertain."""

    probabilities: Mapping[str, float]
    """By label."""

    valence: float
    arousal: float

    speech_seconds: float
    """Heard until then."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The features that it had heard: what the student was given, which cannot be turned back into words."""

    front_end_sha256: str
    """Of everything that made them, see `front_end_sha256`."""

    n_features: int
    """Columns of a frame."""

    frames: str
    """Base64 of int8 (frames, n_features)."""

    def __post_init__(self) -> None:
        self.array()

    def array(self) -> NDArray[np.int8]:
        """Return int8 (frames, n_features)."""
        try:
            values = np.frombuffer(base64.b64decode(self.frames, validate=True), np.int8)
        except (binascii.Error, ValueError) as error:
            raise _bad("its features are not base64") from error
        if not 1 <= self.n_features <= MOST_FEATURES:
            raise _bad(f"it has {self.n_features} features a frame")
        if not len(values) or len(values) % self.n_features or len(values) > MOST_FRAMES * self.n_features:
            raise _bad("its features are no whole frames, or too many")
        return values.reshape(-1, self.n_features)


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody said that was wrong; the whole of a file.

    Raises
    ------
    FeedbackError
        Its parts do not fit together: above all, features without consent.
    """

    format: int
    """Of the file; `FORMAT`."""

    id: str
    """By time, with some letters at random."""

    time: str
    """Of the correction, UTC, ISO 8601."""

    label: str
    """What it should have been."""

    decided: Decided

    model: str
    """Name and version."""

    tflite_sha256: str
    """Of the network that decided."""

    consent: Consent | None = None
    """Without it there are no features."""

    heard: Heard | None = None

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise _bad(f"its format is {self.format} and this edge-ser reads {FORMAT}")
        if not ID.fullmatch(self.id):
            raise _bad("its id is none")
        if self.heard is not None and self.consent is None:
            raise _bad("it has features without consent")


def correct(utterance: KeptUtterance, label: str, model: Metadata, consent: Consent | None = None) -> Correction:
    """Return the correction of a decision.

    Parameters
    ----------
    utterance : KeptUtterance
        Of `Recognizer.last_utterance`.
    label : str
        What it should have been.
    model : Metadata
        Of the model that decided.
    consent : Consent, optional
        Without it the features are left out.

    Raises
    ------
    FeedbackError
        The model has no such label, or the consent was given to another text.
    """
    if label not in model.labels:
        raise FeedbackError(f"There is no label {label!r}", f"Choose one of {', '.join(model.labels)}")
    if consent is not None and consent.text_version != CONSENT_VERSION:
        raise FeedbackError(
            f"The consent is to version {consent.text_version} of its text, which is now {CONSENT_VERSION}",
            "Ask again with the present text",
        )
    event, heard = utterance.decision, None
    if consent is not None:
        frames = utterance.features
        text = base64.b64encode(frames.tobytes()).decode("ascii")
        heard = Heard(front_end_sha256(model.features), frames.shape[1], text)
    plain = event.to_dict()  # as it was told: rounded
    return Correction(
        format=FORMAT,
        id=f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        time=now(),
        label=label,
        decided=Decided(
            plain["state"], event.emotion, plain["probabilities"], plain["valence"], plain["arousal"],
            plain["speech_seconds"],
        ),
        model=f"{model.name} {model.version}",
        tflite_sha256=model.tflite_sha256,
        consent=consent,
        heard=heard,
    )  # fmt: skip


def now() -> str:
    """Return the time as a correction has it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def front_end_sha256(features: Features) -> str:
    """Return the digest of all that decides how sound becomes int8: front end, tables, statistics, steps, extras."""
    return hashlib.sha256(to_json(features).encode()).hexdigest()


def _bad(problem: str) -> FeedbackError:
    return FeedbackError(f"The correction contradicts itself: {problem}", "Delete it: `edge-ser feedback --delete ID`")
