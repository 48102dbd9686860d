"""`WholeRecording`: one decision over all utterances of a stream."""

from __future__ import annotations

from collections.abc import Sequence

from edge_ser.decision.answers import Answers
from edge_ser.decision.candidates import candidates
from edge_ser.decision.pooling import Pooling
from edge_ser.decision.presets import Rules
from edge_ser.events import CLEAN, Event, Flags, Recognition, State
from edge_ser.student.metadata import Metadata


class WholeRecording:
    """What was heard of a stream so far, none of it forgotten.

    Parameters
    ----------
    metadata : Metadata
        Of the student.
    rules : Rules
        What decisions obey.
    answers : Answers
        What makes probabilities of logits.
    """

    def __init__(self, metadata: Metadata, rules: Rules, answers: Answers) -> None:
        self._step_seconds = metadata.features.step_seconds
        self._rules = rules
        self._answers = answers
        self._pooling = Pooling(len(metadata.classes))
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._pooling.reset()
        self._flags = CLEAN
        self._speech_steps = 0

    def add(self, logits: Sequence[float], attention: float) -> float:
        """Take in what the student says of a step; return the step's share in the recording so far, 0 to 1."""
        return self._pooling.add(logits, attention)

    def hear(self, speech: bool, flags: Flags) -> None:
        """Take in whether somebody spoke in a step, and what was wrong with its audio."""
        self._speech_steps += speech
        if flags is not CLEAN:
            self._flags |= flags

    def logits(self) -> list[float] | None:
        """Return what the decision makes probabilities of, one logit a class; None before anything was heard."""
        return self._pooling.mean() if self._pooling.steps else None

    def recognition(
        self, offset: Sequence[float], seconds: float, lost: bool, timeline: Sequence[Event]
    ) -> Recognition:
        """Return the decision.

        Parameters
        ----------
        offset : sequence of float
            The voice's own, one a class.
        seconds : float
            Of audio.
        lost : bool
            Samples were lost after the last step.
        timeline : sequence of Event
            To be part of it.
        """
        labels = self._answers.labels
        speech_seconds = self._speech_steps * self._step_seconds
        flags = self._flags | Flags(gap=lost)
        probabilities = self._answers.uniform()
        valence = arousal = 0.0
        if self._pooling.steps:
            probabilities = self._answers.by_label(self._pooling, offset, flags)
            valence, arousal = self._answers.affect(probabilities)
        confidence = max(probabilities)
        state: State = "emotion" if confidence >= self._rules.uncertain_below else "uncertain"
        if not self._speech_steps:
            state = "no_speech"
        elif speech_seconds < self._rules.warm_up_seconds:
            state = "warming_up"
        by_label = dict(zip(labels, probabilities, strict=True))
        return Recognition(
            state=state,
            emotion=labels[probabilities.index(confidence)] if state == "emotion" else None,
            probabilities=by_label,
            confidence=confidence,
            valence=valence,
            arousal=arousal,
            duration=seconds,
            speech_seconds=speech_seconds,
            flags=flags,
            candidates=candidates(by_label, self._rules.candidates_from),
            timeline=tuple(timeline),
        )
