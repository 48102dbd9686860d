"""`Pipeline`: int16 PCM at 16 kHz in, events out; everything between, in order.

It works in whole steps counted from the first sample, so what it says cannot depend on how the stream was cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.input_health import InputHealth
from edge_ser.capture.steps import Steps
from edge_ser.decision.answers import Answers
from edge_ser.decision.baseline import Baseline
from edge_ser.decision.ended import EndedUtterances, Utterance, drift_measures
from edge_ser.decision.presets import rules
from edge_ser.decision.recording import WholeRecording
from edge_ser.decision.utterance import PresentUtterance
from edge_ser.events import Event, Flags, Notice, Recognition
from edge_ser.features import build_detector
from edge_ser.kept import Keeper, KeptUtterance
from edge_ser.segmenter import QUIETEST_DBFS, Mask, Segmenter
from edge_ser.settings import Settings
from edge_ser.student.model_file import ModelFile
from edge_ser.student.stepper import Stepper

__all__ = ["Pipeline", "Utterance", "drift_measures"]


class Pipeline:
    """One stream of audio, from its samples to its events.

    Parameters
    ----------
    model : ModelFile
        The student.
    settings : Settings, optional
        Its `model` and `labels` are not looked at: the model is already here.
    mask : Mask, optional
        As `Segmenter` takes it.

    Raises
    ------
    BackendError, ModelFileError, SettingsError
        No TFLite runtime works or computes rightly here; the network does not fit its metadata; the voice activity that
        was asked for is not installed.

    Examples
    --------
    >>> pipeline = Pipeline(ModelFile.load_bundled())
    >>> events = pipeline.push(np.zeros(2000, np.int16)) + pipeline.flush()
    >>> [(event.time, event.state) for event in events]
    [(0.08, 'no_speech'), (0.125, 'no_speech')]
    """

    def __init__(self, model: ModelFile, settings: Settings | None = None, mask: Mask | None = None) -> None:
        settings = Settings() if settings is None else settings
        metadata = model.metadata
        self._step_seconds = metadata.features.step_seconds
        self._stepper = Stepper(model, settings.threads, settings.backend)
        self._stepper.self_test()
        self._segmenter = Segmenter(
            metadata.features, metadata.decision.hangover_seconds, build_detector(settings.voice_activity), mask
        )
        self._health = InputHealth(self._step_seconds)
        obeyed, answers = rules(settings, metadata.decision), Answers(metadata)
        self._utterance = PresentUtterance(metadata, obeyed, answers)
        self._recording = WholeRecording(metadata, obeyed, answers)
        self._ended = EndedUtterances(metadata, answers, _baseline(model, settings), settings.baseline)
        self._keeps = settings.feedback
        self._steps = Steps(self._segmenter.step_samples)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._steps.reset()
        self._stepper.reset()
        self._segmenter.reset()
        self._health.reset()
        self._utterance.reset()
        self._recording.reset()
        self._ended.reset()
        self._keeper = Keeper(self._step_seconds) if self._keeps else None
        self._shares: list[float] = []
        self._notices: tuple[Notice, ...] = ()  # to be told with the next event

    def erase(self) -> None:
        """Overwrite with zeros what was heard, samples and features, and start a new stream."""
        self._steps.erase()
        self._segmenter.erase()
        self._stepper.erase()
        self.reset()

    def push(self, pcm: NDArray[np.int16], lost: int = 0, notices: tuple[Notice, ...] = ()) -> list[Event]:
        """Add samples; return an event for each step that they complete.

        Parameters
        ----------
        pcm : int16 array (n,)
            16 kHz, mono; any number, also none.
        lost : int
            Samples at 16 kHz that were lost just before these. They count as time, and the next event has `gap`.
        notices : tuple of str
            To be told with the next event.

        Raises
        ------
        TypeError, ValueError
            Not a one-dimensional int16 array; a negative loss.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise TypeError(f"expected int16 samples (n,), got {pcm.dtype} {pcm.shape}")
        if lost < 0:
            raise ValueError(f"lost is {lost}")
        self._notices += notices
        return [self._step() for _ in self._steps.push(pcm, lost)]

    def away(self, lost: int, notices: tuple[Notice, ...] = ()) -> Event:
        """Return an event that says that there is no microphone.

        Parameters
        ----------
        lost : int
            Samples at 16 kHz that would have come since the last event of this kind, or since the last that did come.
            They count as time, and the next event with audio has `gap`.
        notices : tuple of str
            To be told with it.
        """
        self._steps.lost_since += lost
        utterance = self._utterance
        return Event(
            time=self._steps.seconds_passed,
            state="mic_lost",
            emotion=None,
            probabilities=utterance.probabilities,
            confidence=utterance.confidence,
            valence=utterance.valence,
            arousal=utterance.arousal,
            speech=False,
            speech_seconds=utterance.speech_seconds,
            attention=0.0,
            level_dbfs=QUIETEST_DBFS,
            flags=Flags(gap=lost > 0),
            candidates=utterance.candidates,
            notices=self._take_notices(notices),
        )

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares, 0 to 1, in the recording's decision so far of what the last step gave the student.

        None outside an utterance; at its onset that of the step before, then that of the step.
        """
        return tuple(self._shares)

    def flush(self) -> list[Event]:
        """End the stream: complete its last step with zeros and return that step's event, if there is one."""
        return [self._step() for _ in self._steps.flush()]

    def recognition(self, timeline: Sequence[Event] = ()) -> Recognition:
        """Return one decision over all utterances so far.

        Parameters
        ----------
        timeline : sequence of Event
            To be part of it; a pipeline keeps no events, for a stream may be endless.
        """
        steps = self._steps
        return self._recording.recognition(
            self._ended.enrolled_offset, steps.seconds_passed, steps.lost_since > 0, timeline
        )

    def pooled_logits(self) -> list[float] | None:
        """Return what `recognition` makes probabilities of, one logit a class; None before anything was heard."""
        return self._recording.logits()

    def _step(self) -> Event:
        """Work through the step that is complete."""
        steps, utterance = self._steps, self._utterance
        heard = self._segmenter(steps.pcm, steps.lost)
        if heard.voice is not None:
            self._notices += self._ended.add(utterance.ended(heard.voice))
        self._ended.forget_if_told()
        if heard.onset:
            self._stepper.reset()
            utterance.begin()
        share = 0.0
        self._shares.clear()
        for features in heard.features:
            answer, attention = self._stepper(features)
            logits = answer.tolist()
            share = utterance.add(logits, attention)
            self._shares.append(self._recording.add(logits, attention))
        flags = utterance.hear(heard, steps.lost > 0)
        self._recording.hear(heard.speech, flags)
        state, emotion = utterance.decide(self._ended.offset, steps.seconds)
        event = Event(
            time=steps.seconds,
            state=state,
            emotion=emotion,
            probabilities=utterance.probabilities,
            confidence=utterance.confidence,
            valence=utterance.valence,
            arousal=utterance.arousal,
            speech=heard.speech,
            speech_seconds=utterance.speech_seconds,
            attention=share,
            level_dbfs=heard.level_dbfs,
            flags=flags,
            candidates=utterance.candidates,
            notices=self._take_notices(self._health(steps.pcm, heard.sample_sum, heard.clipping)),
        )
        if self._keeper is not None:
            self._keeper.add(heard, event)
        return event

    @property
    def step_samples(self) -> int:
        """Samples at 16 kHz behind each event."""
        return len(self._steps.pcm)

    @property
    def last_utterance(self) -> KeptUtterance | None:
        """What was decided on last, from any thread; None before, and where the settings do not ask for it."""
        return None if self._keeper is None else self._keeper.last

    def take_ended(self) -> list[Utterance]:
        """Return the utterances that have ended since this was asked last, at most the last 16."""
        return self._ended.take()

    @property
    def drift(self) -> float:
        """How far the last utterances are from those in training; beyond 1 is drift, 0 where it is not known."""
        return self._ended.drift

    def forget_speaker(self) -> None:
        """Let the baseline go back to where it began, with the next step; from any thread."""
        self._ended.forget_speaker()

    def _take_notices(self, more: tuple[Notice, ...]) -> tuple[Notice, ...]:
        notices, self._notices = self._notices + more, ()
        return notices


def _baseline(model: ModelFile, settings: Settings) -> Baseline | None:
    """Return what the speaker is heard beside: that of somebody enrolled, or of nobody; None without one."""
    reference = model.metadata.baseline
    if settings.speaker is not None:
        from edge_ser.speakers import load_speaker

        return load_speaker(settings.speaker, model)
    return Baseline(reference, model.metadata.neutral_classes) if reference and settings.baseline else None
