"""`Pipeline`: int16 PCM at 16 kHz in, events out; everything between, in order.

It works in whole steps counted from the first sample, so what it says cannot depend on how the stream was cut.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.input_health import InputHealth
from edge_ser.decision.affect import AffectMap
from edge_ser.decision.baseline import Baseline
from edge_ser.decision.calibration import Calibration
from edge_ser.decision.degradation import degrade
from edge_ser.decision.drift import LEAST_SECONDS, Drift, measures_of
from edge_ser.decision.hysteresis import Hysteresis
from edge_ser.decision.pooling import Pooling
from edge_ser.decision.presets import rules
from edge_ser.events import Event, Flags, Notice, Recognition, State
from edge_ser.features import build_detector
from edge_ser.kept import Keeper, KeptUtterance
from edge_ser.segmenter import QUIETEST_DBFS, Mask, Segmenter, Step
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.student.model_file import ModelFile
from edge_ser.student.stepper import Stepper

NOISE_MARGIN_DB = 10.0
"""An utterance that stands out from the background by less than this is flagged `noise`."""

REMEMBERED_UTTERANCES = 16  # until somebody asks for them
REMEMBERED_LEVELS = 500  # steps with speech, 40 s

CLEAN = Flags()


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


class Pipeline:
    """One stream of audio, from its samples to its events.

    Parameters
    ----------
    model : ModelFile
        The student.
    settings : Settings, optional
        Its `model` is not looked at: the model is already here.
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
        self._rules = rules(settings, metadata.decision)
        self._step_seconds = metadata.features.step_seconds
        self._level_known_seconds = metadata.decision.warm_up_seconds
        self._stepper = Stepper(model, settings.threads, settings.backend)
        self._stepper.self_test()
        self._segmenter = Segmenter(
            metadata.features, metadata.decision.hangover_seconds, build_detector(settings.voice_activity), mask
        )
        self._health = InputHealth(metadata.features.step_seconds)
        self._calibration = Calibration(metadata)
        self._baseline = _baseline(model, settings)
        self._enrolled_offset = [0.0] * len(metadata.classes) if self._baseline is None else self._baseline.offset
        self._learns = settings.baseline
        self._keeps = settings.feedback
        self._drift = None if metadata.drift is None else Drift(metadata.drift)
        self._affect = AffectMap(metadata)
        self._hysteresis = Hysteresis(
            self._rules.uncertain_below, self._rules.hysteresis, self._rules.minimum_dwell_seconds
        )
        self._utterance = Pooling(len(metadata.classes), self._rules.half_life_seconds / self._step_seconds)
        self._recording = Pooling(len(metadata.classes))
        self._pcm = np.zeros(self._segmenter.step_samples, np.int16)  # of the step that is being filled
        self._ended: deque[Utterance] = deque(maxlen=REMEMBERED_UTTERANCES)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._segmenter.reset()
        self._health.reset()
        self._keeper = Keeper(self._step_seconds) if self._keeps else None
        if self._baseline is not None:
            self._baseline.reset()
        self._forgets = False
        self._ended.clear()
        if self._drift is not None:
            self._drift.reset()
        self._recording.reset()
        self._filled = 0  # samples in self._pcm
        self._samples = 0  # of the stream so far, lost ones included
        self._lost_before = 0  # samples lost after the last one that was pushed
        self._lost = 0  # samples lost in the present step
        self._begin_utterance()
        self._in_utterance = False
        self._speech_steps = 0
        self._flags = CLEAN  # of the recording
        self._set_probabilities(self._calibration.uniform())
        self._shares: list[float] = []
        self._valence = self._arousal = 0.0
        self._notices: tuple[Notice, ...] = ()  # to be told with the next event

    def erase(self) -> None:
        """Overwrite with zeros what was heard, samples and features, and start a new stream."""
        self._pcm[:] = 0
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
        self._lost_before += lost
        self._notices += notices
        events = []
        start = 0
        while start < len(pcm):
            self._lost += self._lost_before
            self._samples += self._lost_before
            self._lost_before = 0
            taken = min(len(pcm) - start, len(self._pcm) - self._filled)
            self._pcm[self._filled : self._filled + taken] = pcm[start : start + taken]
            self._filled += taken
            self._samples += taken
            start += taken
            if self._filled == len(self._pcm):
                events.append(self._step())
        return events

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
        self._lost_before += lost
        return Event(
            time=(self._samples + self._lost_before) / SAMPLE_RATE,
            state="mic_lost",
            emotion=None,
            probabilities=self._probabilities,
            confidence=self._confidence,
            valence=self._valence,
            arousal=self._arousal,
            speech=False,
            speech_seconds=self._utterance_steps * self._step_seconds,
            attention=0.0,
            level_dbfs=QUIETEST_DBFS,
            flags=Flags(gap=lost > 0),
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
        if not self._filled:
            return []
        self._pcm[self._filled :] = 0
        return [self._step()]

    def recognition(self, timeline: Sequence[Event] = ()) -> Recognition:
        """Return one decision over all utterances so far.

        Parameters
        ----------
        timeline : sequence of Event
            To be part of it; a pipeline keeps no events, for a stream may be endless.
        """
        seconds = self._speech_steps * self._step_seconds
        flags = _either(self._flags, Flags(gap=self._lost_before > 0))
        probabilities = self._calibration.uniform()
        valence = arousal = 0.0
        if self._recording.steps:
            probabilities = self._answer(self._recording, self._enrolled_offset, flags)
            valence, arousal = self._affect(probabilities)
        confidence = max(probabilities)
        state: State = "emotion" if confidence >= self._rules.uncertain_below else "uncertain"
        if not self._speech_steps:
            state = "no_speech"
        elif seconds < self._rules.warm_up_seconds:
            state = "warming_up"
        best = self._calibration.labels[probabilities.index(confidence)]
        return Recognition(
            state=state,
            emotion=best if state == "emotion" else None,
            probabilities=dict(zip(self._calibration.labels, probabilities, strict=True)),
            confidence=confidence,
            valence=valence,
            arousal=arousal,
            duration=(self._samples + self._lost_before) / SAMPLE_RATE,
            speech_seconds=seconds,
            flags=flags,
            timeline=tuple(timeline),
        )

    def pooled_logits(self) -> list[float] | None:
        """Return what `recognition` makes probabilities of, one logit a class; None before anything was heard."""
        return self._recording.mean() if self._recording.steps else None

    def _step(self) -> Event:
        """Work through the step that is complete."""
        heard = self._segmenter(self._pcm, self._lost)
        if heard.voice is not None:
            self._end_utterance(heard.voice)
        if self._forgets and self._baseline is not None:
            self._forgets = False
            self._baseline.reset()
        share = 0.0
        self._shares.clear()
        if heard.onset:
            self._begin_utterance()
        self._in_utterance = bool(heard.features)
        for features in heard.features:
            answer, attention = self._stepper(features)
            logits = answer.tolist()
            share = self._utterance.add(logits, attention)
            self._shares.append(self._recording.add(logits, attention))
        if heard.speech:
            self._utterance_steps += 1
            self._speech_steps += 1
            self._utterance_power += 10 ** (heard.level_dbfs / 10)
            self._utterance_levels.append(heard.level_dbfs)
            self._noise_floor_dbfs = heard.noise_floor_dbfs
        flags = self._flags_of(heard)
        state, emotion = self._decide()
        if self._in_utterance:
            self._decision = emotion or state
        event = Event(
            time=self._samples / SAMPLE_RATE,
            state=state,
            emotion=emotion,
            probabilities=self._probabilities,
            confidence=self._confidence,
            valence=self._valence,
            arousal=self._arousal,
            speech=heard.speech,
            speech_seconds=self._utterance_steps * self._step_seconds,
            attention=share,
            level_dbfs=heard.level_dbfs,
            flags=flags,
            notices=self._take_notices(self._health(self._pcm, heard.sample_sum, heard.clipping)),
        )
        if self._keeper is not None:
            self._keeper.add(heard, event)
        self._filled = 0
        self._lost = 0
        return event

    @property
    def step_samples(self) -> int:
        """Samples at 16 kHz behind each event."""
        return len(self._pcm)

    @property
    def last_utterance(self) -> KeptUtterance | None:
        """What was decided on last, from any thread; None before, and where the settings do not ask for it."""
        return None if self._keeper is None else self._keeper.last

    def take_ended(self) -> list[Utterance]:
        """Return the utterances that have ended since this was asked last, at most the last 16."""
        ended = list(self._ended)
        self._ended.clear()
        return ended

    @property
    def drift(self) -> float:
        """How far the last utterances are from those in training; beyond 1 is drift, 0 where it is not known."""
        return 0.0 if self._drift is None else self._drift.score

    def forget_speaker(self) -> None:
        """Let the baseline go back to where it began, with the next step; from any thread."""
        self._forgets = True

    def _end_utterance(self, voice: NDArray[np.float64]) -> None:
        """Let the baseline learn from the utterance that has ended."""
        ended = Utterance(
            self._utterance.mean(),
            voice,
            self._utterance_steps * self._step_seconds,
            self._decision,
            self._confidence,
            10 * math.log10(self._utterance_power / self._utterance_steps),
            deviation(self._utterance_levels),
            self._noise_floor_dbfs,
            self._utterance_flags,
        )
        self._ended.append(ended)
        if (
            self._drift is not None
            and ended.speech_seconds >= LEAST_SECONDS
            and self._drift.add(drift_measures(ended), ended.decision)
        ):
            self._notices += ("drift",)
        if self._baseline is not None and self._learns:
            shares = self._calibration.by_class(_without(ended.logits, self._baseline.offset))
            self._baseline.learn(ended.logits, shares, voice, ended.speech_seconds)

    def _begin_utterance(self) -> None:
        self._stepper.reset()
        self._utterance.reset()
        self._hysteresis.reset()
        self._utterance_flags = CLEAN
        self._utterance_steps = 0  # with speech
        self._utterance_power = 0.0  # sum over those steps, relative to full scale
        self._utterance_levels: deque[float] = deque(maxlen=REMEMBERED_LEVELS)  # dBFS, of the last of those steps
        self._noise_floor_dbfs = QUIETEST_DBFS  # at the last of them
        self._decision = "warming_up"

    def _flags_of(self, heard: Step) -> Flags:
        """Return what was wrong with the step's audio, and remember it for the utterance and the recording."""
        noise = False
        # Before, the utterance's level is a matter of its first sound.
        if self._in_utterance and self._utterance_steps * self._step_seconds >= self._level_known_seconds:
            level = 10 * math.log10(self._utterance_power / self._utterance_steps)
            noise = level - heard.noise_floor_dbfs < NOISE_MARGIN_DB
        if not (self._lost or heard.clipping or noise):
            flags = CLEAN
        else:
            flags = Flags(self._lost > 0, heard.clipping, noise)
            self._flags = _either(self._flags, flags)
        before = self._utterance_flags
        if self._in_utterance and (flags is not CLEAN or before.noise):
            # Noise is judged over the whole utterance each time, so the last word on it holds.
            self._utterance_flags = Flags(before.gap or flags.gap, before.clipping or flags.clipping, noise)
        return flags

    def _decide(self) -> tuple[State, str | None]:
        """Return what to say now; within an utterance, bring probabilities and affect up to date."""
        if not self._in_utterance:
            return "no_speech", None
        offset = self._enrolled_offset if self._baseline is None else self._baseline.offset
        probabilities = self._answer(self._utterance, offset, self._utterance_flags)
        self._set_probabilities(probabilities)
        self._valence, self._arousal = self._affect(probabilities)
        if self._utterance_steps * self._step_seconds < self._rules.warm_up_seconds:
            return "warming_up", None
        named = self._hysteresis(probabilities, self._samples / SAMPLE_RATE)
        return ("uncertain", None) if named is None else ("emotion", self._calibration.labels[named])

    def _answer(self, pooling: Pooling, offset: list[float], flags: Flags) -> list[float]:
        """Return the probability of each label from what was heard, by whom, and what was wrong with it."""
        return degrade(self._calibration(_without(pooling.mean(), offset)), flags)

    def _take_notices(self, more: tuple[Notice, ...]) -> tuple[Notice, ...]:
        notices, self._notices = self._notices + more, ()
        return notices

    def _set_probabilities(self, probabilities: list[float]) -> None:
        self._probabilities = dict(zip(self._calibration.labels, probabilities, strict=True))
        self._confidence = max(probabilities)


def _baseline(model: ModelFile, settings: Settings) -> Baseline | None:
    """Return what the speaker is heard beside: that of somebody enrolled, or of nobody; None without one."""
    reference = model.metadata.baseline
    if settings.speaker is not None:
        from edge_ser.speakers import load_speaker

        return load_speaker(settings.speaker, model)
    return Baseline(reference, model.metadata.neutral_classes) if reference and settings.baseline else None


def deviation(values: Collection[float]) -> float:
    """Return the standard deviation of at least one value."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _without(logits: list[float], offset: list[float]) -> list[float]:
    return [logit - own for logit, own in zip(logits, offset, strict=True)]


def _either(one: Flags, other: Flags) -> Flags:
    """Return what was wrong with one or the other."""
    return Flags(one.gap or other.gap, one.clipping or other.clipping, one.noise or other.noise)
