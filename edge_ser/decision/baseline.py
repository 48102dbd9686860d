"""`Baseline`: what is this voice's own, learnt while it speaks, and taken off its logits.

Some people always sound a little sad to the student, some always angry. With z an utterance's pooled logits, m_c their
mean for class c over many speakers, and s the speaker's own offset,

    z = m_c + s + noise

Each utterance that ends tells of s. With c its most likely class (s so far taken off) it should have had the logits
a m_c, where a is how plainly it was spoken, from 0 to 1. The residual z - a m_c is the voice's own, and counts the more
the surer c is. The offset is the mean of the residuals, shrunk towards none by `PRIOR_UTTERANCES`. In this `neutral` is
favoured: people mostly speak neutrally, and a voice that is never heard so is more likely misheard than never neutral.
(A random effect for each speaker in a mixture of classes, estimated online.)

It keeps sums, never audio. It fades with every utterance, and at once where the voice changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_ser.student.metadata import BaselineReference

PRIOR_UTTERANCES = 3.0  # without an offset, counted in from the start
KEPT_PER_UTTERANCE = 0.98  # of what was learnt: half is gone after 34 utterances
NEUTRAL_ODDS = 8.0  # by which an utterance is rather neutral than any other class, before it is heard
FULL_SECONDS = 1.5  # of speech, from which an utterance counts as one
SURENESS = 2.0  # exponent: how much less an unsure utterance teaches
KEPT_WHEN_CHANGED = 0.3  # of what was learnt from what seems to be another voice
VOICE_COEFFICIENTS = slice(1, 20)  # of the mean cepstra: without loudness, without the finest detail
TINY = 1e-9
KNOWN_VOICE_UTTERANCES = 3.0  # heard before a change of voice can be told


@dataclass(frozen=True, slots=True)
class BaselineState:
    """All that a baseline knows: sums over utterances, enough to go on from, and nothing that could be heard."""

    residuals: tuple[float, ...]
    """(n_classes,): sum of residuals."""

    weight: float
    """Utterances behind them."""

    voice: tuple[float, ...]
    """(n_mfcc,): sum of the utterances' mean cepstra, in int8 steps."""

    voice_weight: float
    """Utterances behind that."""


class Baseline:
    """The present speaker's offset.

    Parameters
    ----------
    reference : BaselineReference
        What the model file says of speakers at large.
    neutral : sequence of int
        Classes that are neutral speech.
    known : BaselineState, optional
        Of an enrolled speaker, to begin with and to return to at `reset`.

    Examples
    --------
    A voice that sounds one unit too much like the second class, whatever it says.

    >>> baseline = Baseline(BaselineReference(((1.0, -1.0), (-1.0, 1.0)), (1.0,) * 40, 9.0), neutral=[0])
    >>> for _ in range(50):
    ...     _ = baseline.learn([-0.5, 0.5], [0.3, 0.7], np.zeros(40), 2.0)
    >>> [round(value, 2) for value in baseline.offset]
    [-0.43, 0.43]
    """

    def __init__(
        self, reference: BaselineReference, neutral: Sequence[int], known: BaselineState | None = None
    ) -> None:
        self._means = np.array(reference.logits)
        self._means -= self._means.mean(axis=1, keepdims=True)
        self._odds = np.ones(len(self._means))
        self._odds[list(neutral)] = NEUTRAL_ODDS
        self._deviation = np.array(reference.voice_deviation)
        self._changed_above = reference.changed_above
        n_classes = len(self._means)
        self._known = known or BaselineState((0.0,) * n_classes, 0.0, (0.0,) * len(self._deviation), 0.0)
        self.reset()

    def reset(self) -> None:
        """Go back to the enrolled speaker, or to knowing nobody."""
        known = self._known
        self._residuals, self._weight = np.array(known.residuals), known.weight
        self._voice, self._voice_weight = np.array(known.voice), known.voice_weight
        self._set_offset()

    @property
    def share(self) -> float:
        """How far the speaker's own utterances outweigh the prior, 0 (nothing known) to 1."""
        return self._weight / (self._weight + PRIOR_UTTERANCES)

    def state(self) -> BaselineState:
        """Return what is known."""
        return BaselineState(
            tuple(self._residuals.tolist()), self._weight, tuple(self._voice.tolist()), self._voice_weight
        )

    def learn(
        self, logits: Sequence[float], shares: Sequence[float], voice: NDArray[np.float64], seconds: float
    ) -> bool:
        """Take in an utterance that has ended.

        Parameters
        ----------
        logits : sequence of float
            Its pooled logits, one a class, as the student gave them.
        shares : sequence of float
            Probability of each class once the offset was taken off; in an enrolment 1 for the one that is known.
        voice : float64 array (n_mfcc,)
            Mean of its cepstra, in int8 steps.
        seconds : float
            Of speech in it.

        Returns
        -------
        bool
            Whether it seemed to be another voice, so that most of what was known is forgotten.
        """
        changed = self._sounds_changed(voice)
        kept = KEPT_WHEN_CHANGED if changed else KEPT_PER_UTTERANCE
        duration = min(1.0, seconds / FULL_SECONDS)
        odds = self._odds * shares
        named = int(odds.argmax())
        weight = duration * float(odds[named] / odds.sum()) ** SURENESS
        self._residuals = kept * self._residuals + weight * self._residual(np.asarray(logits, np.float64), named)
        self._weight = kept * self._weight + weight
        self._voice = kept * self._voice + duration * voice
        self._voice_weight = kept * self._voice_weight + duration
        self._set_offset()
        return changed

    def _residual(self, logits: NDArray[np.float64], named: int) -> NDArray[np.float64]:
        """Return what the logits have beyond those of a class that was spoken as plainly as they say."""
        own, mean = logits - logits.mean(), self._means[named]
        plainness = float(np.clip(own @ mean / max(mean @ mean, TINY), 0.0, 1.0))
        residual: NDArray[np.float64] = own - plainness * mean
        return residual

    def _sounds_changed(self, voice: NDArray[np.float64]) -> bool:
        if self._voice_weight < KNOWN_VOICE_UTTERANCES:
            return False
        distance = (voice - self._voice / self._voice_weight) / self._deviation
        return float(np.mean(np.square(distance[VOICE_COEFFICIENTS]))) > self._changed_above

    def _set_offset(self) -> None:
        self.offset: list[float] = (self._residuals / (self._weight + PRIOR_UTTERANCES)).tolist()
        """To be subtracted from pooled logits, one a class."""
