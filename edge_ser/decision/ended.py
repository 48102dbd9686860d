"""What follows from an utterance that has ended: a voice is learnt from it, drift is told, who asks is given it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_ser.decision.answers import Answers
from edge_ser.decision.baseline import Baseline
from edge_ser.decision.drift import LEAST_SECONDS, Drift, measures_of
from edge_ser.events import Flags, Notice
from edge_ser.student.metadata import Metadata

REMEMBERED_UTTERANCES = 16  # until somebody asks for them


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was heard of an utterance that has ended."""

    logits: list[float]
    """Pooled, one a class, as the student gave them."""

    voice: NDArray[np.float64]
    """(n_mfcc,): mean cepstra, in int8 steps."""

    speech_seconds: float

    decision: str
    """Label that it ended with, or `uncertain`, or `warming_up` where there was too little of it."""

    confidence: float
    """Probability of its most likely label."""

    level_dbfs: float
    """RMS of its steps with speech, relative to full scale."""

    level_deviation_db: float
    """Standard deviation of the level of those steps: loud noise and long reverberation leave little."""

    noise_floor_dbfs: float
    """Level of the background at its end."""

    flags: Flags
    """What was wrong with its audio."""


def drift_measures(heard: Utterance) -> dict[str, float]:
    """Return what is compared of an utterance to tell drift."""
    return measures_of(
        heard.level_dbfs, heard.level_deviation_db, heard.noise_floor_dbfs, heard.voice.tolist(), heard.confidence
    )


class EndedUtterances:
    """Those of one stream.

    Parameters
    ----------
    metadata : Metadata
        Of the student.
    answers : Answers
        What makes probabilities of logits.
    baseline : Baseline or None
        What the speaker is heard beside: that of somebody enrolled, or of nobody.
    learns : bool
        It learns from every utterance.
    """

    def __init__(self, metadata: Metadata, answers: Answers, baseline: Baseline | None, learns: bool) -> None:
        self._answers = answers
        self._baseline = baseline
        self._learns = learns
        self._no_offset = [0.0] * len(metadata.classes)
        self.enrolled_offset = self.offset
        """The voice's own before anything was heard of it, one a class."""
        self._drift = None if metadata.drift is None else Drift(metadata.drift)
        self._waiting: deque[Utterance] = deque(maxlen=REMEMBERED_UTTERANCES)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        if self._baseline is not None:
            self._baseline.reset()
        self._forgets = False
        if self._drift is not None:
            self._drift.reset()
        self._waiting.clear()

    @property
    def offset(self) -> list[float]:
        """The voice's own as it is known now, one a class, to be taken off the logits."""
        return self._no_offset if self._baseline is None else self._baseline.offset

    @property
    def drift(self) -> float:
        """How far the last of them are from those in training; beyond 1 is drift, 0 where it is not known."""
        return 0.0 if self._drift is None else self._drift.score

    def add(self, ended: Utterance) -> tuple[Notice, ...]:
        """Take in another one; return what is to be told of it."""
        self._waiting.append(ended)
        if self._baseline is not None and self._learns:
            shares = self._answers.by_class(ended.logits, self._baseline.offset)
            self._baseline.learn(ended.logits, shares, ended.voice, ended.speech_seconds)
        if self._drift is None or ended.speech_seconds < LEAST_SECONDS:
            return ()
        return ("drift",) if self._drift.add(drift_measures(ended), ended.decision) else ()

    def take(self) -> list[Utterance]:
        """Return those that have ended since this was asked last, at most the last 16."""
        ended = list(self._waiting)
        self._waiting.clear()
        return ended

    def forget_speaker(self) -> None:
        """Let the baseline go back to where it began, with the next step; from any thread."""
        self._forgets = True

    def forget_if_told(self) -> None:
        """Do so now, in the thread of the stream."""
        if self._forgets:
            self._forgets = False
            if self._baseline is not None:
                self._baseline.reset()
