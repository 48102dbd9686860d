"""`PresentUtterance`: what is known of the utterance that is being heard, and what is said of it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_ser.decision.answers import Answers
from edge_ser.decision.candidates import candidates
from edge_ser.decision.ended import Utterance
from edge_ser.decision.hysteresis import Hysteresis
from edge_ser.decision.pooling import Pooling
from edge_ser.decision.presets import Rules
from edge_ser.events import CLEAN, Flags, State
from edge_ser.segmenter import QUIETEST_DBFS, Step
from edge_ser.student.metadata import Metadata

NOISE_MARGIN_DB = 10.0
"""An utterance that stands out from the background by less than this is flagged `noise`."""

REMEMBERED_LEVELS = 500  # steps with speech, 40 s


class PresentUtterance:
    """The utterance that is being heard; between two of them, the last.

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
        self._level_known_seconds = metadata.decision.warm_up_seconds
        self._warm_up_seconds = rules.warm_up_seconds
        self._candidates_from = rules.candidates_from
        self._answers = answers
        self._pooling = Pooling(len(metadata.classes), rules.half_life_seconds / self._step_seconds)
        self._hysteresis = Hysteresis(rules.uncertain_below, rules.hysteresis, rules.minimum_dwell_seconds)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self.begin()
        self._is_going_on = False
        self._set_probabilities(self._answers.uniform())
        self.valence = self.arousal = 0.0

    def begin(self) -> None:
        """Start another utterance; until something is decided, the last one's probabilities hold."""
        self._pooling.reset()
        self._hysteresis.reset()
        self._flags = CLEAN
        self._speech_steps = 0
        self._power = 0.0  # sum over those steps, relative to full scale
        self._levels: deque[float] = deque(maxlen=REMEMBERED_LEVELS)  # dBFS, of the last of those steps
        self._noise_floor_dbfs = QUIETEST_DBFS  # at the last of them
        self._decision = "warming_up"

    @property
    def speech_seconds(self) -> float:
        """How much of it was heard."""
        return self._speech_steps * self._step_seconds

    def add(self, logits: Sequence[float], attention: float) -> float:
        """Take in what the student says of a step; return the step's share in the utterance, 0 to 1."""
        return self._pooling.add(logits, attention)

    def hear(self, heard: Step, lost: bool) -> Flags:
        """Take in how a step sounds; return what was wrong with its audio.

        Parameters
        ----------
        heard : Step
        lost : bool
            Samples were lost in it or just before.
        """
        self._is_going_on = bool(heard.features)
        if heard.speech:
            self._speech_steps += 1
            self._power += 10 ** (heard.level_dbfs / 10)
            self._levels.append(heard.level_dbfs)
            self._noise_floor_dbfs = heard.noise_floor_dbfs
        # Before, the utterance's level is a matter of its first sound.
        noise = (
            self._is_going_on
            and self.speech_seconds >= self._level_known_seconds
            and self._level_dbfs() - heard.noise_floor_dbfs < NOISE_MARGIN_DB
        )
        flags = Flags(lost, heard.clipping, noise) if lost or heard.clipping or noise else CLEAN
        before = self._flags
        if self._is_going_on and (flags is not CLEAN or before.noise):
            # Noise is judged over the whole utterance each time, so the last word on it holds.
            self._flags = Flags(before.gap or flags.gap, before.clipping or flags.clipping, noise)
        return flags

    def decide(self, offset: Sequence[float], time: float) -> tuple[State, str | None]:
        """Return what to say now; within an utterance, bring probabilities and affect up to date.

        Parameters
        ----------
        offset : sequence of float
            The voice's own, one a class.
        time : float
            Seconds from the start of the stream.
        """
        if not self._is_going_on:
            return "no_speech", None
        probabilities = self._answers.by_label(self._pooling, offset, self._flags)
        self._set_probabilities(probabilities)
        self.valence, self.arousal = self._answers.affect(probabilities)
        state: State = "warming_up"
        emotion = None
        if self.speech_seconds >= self._warm_up_seconds:
            named = self._hysteresis(probabilities, time)
            state = "uncertain" if named is None else "emotion"
            emotion = None if named is None else self._answers.labels[named]
        self._decision = emotion or state
        return state, emotion

    def ended(self, voice: NDArray[np.float64]) -> Utterance:
        """Return what was heard of it, now that it has ended.

        Parameters
        ----------
        voice : float64 array (n_mfcc,)
            Its mean cepstra, in int8 steps.
        """
        return Utterance(
            self._pooling.mean(),
            voice,
            self.speech_seconds,
            self._decision,
            self.confidence,
            self._level_dbfs(),
            deviation(self._levels),
            self._noise_floor_dbfs,
            self._flags,
        )

    def _level_dbfs(self) -> float:
        return 10 * math.log10(self._power / self._speech_steps)

    def _set_probabilities(self, probabilities: list[float]) -> None:
        self.probabilities = dict(zip(self._answers.labels, probabilities, strict=True))
        self.confidence = max(probabilities)
        self.candidates = candidates(self.probabilities, self._candidates_from)


def deviation(values: Collection[float]) -> float:
    """Return the standard deviation of at least one value."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
