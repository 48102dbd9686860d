"""Clips that a network is asked about, how right its answers are, and what can still be gained from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.balance import class_offsets
from convert.calibration import fit_temperature, threshold_for
from convert.conformal import conformal_sets, conformal_threshold
from convert.corpora import Clip
from convert.evaluate.measures import Measures, measure
from convert.examples import Examples
from convert.prepare import Prepared, examples_of

STATED = 0.8  # coverage of thresholds and of sets

Logits = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Clips that a network is asked about, as its utterances."""

    classes: Sequence[str]
    clips: list[Clip]
    examples: Examples

    place: NDArray[np.intp]
    """(utterances,): each one's place in `clips`."""

    @classmethod
    def of(cls, prepared: Prepared, part: NDArray[np.intp]) -> Judged:
        """Return a part of a split."""
        features = prepared.features
        rows = np.flatnonzero(np.isin(features.clip, part) & (features.variant == 0))
        clips = [prepared.recordings.clips[index] for index in part]
        examples = examples_of(prepared, part, variants=False)
        return cls(prepared.recipe.classes, clips, examples, np.searchsorted(part, features.clip[rows]))

    @property
    def spoken(self) -> NDArray[np.intp]:
        """Right classes (clips,)."""
        return np.array([self.classes.index(clip.emotion) for clip in self.clips], np.intp)

    @property
    def heard(self) -> NDArray[np.bool_]:
        """Clips in which there is an utterance, (clips,)."""
        return np.bincount(self.place, minlength=len(self.clips)) > 0

    def clip_logits(self, logits: NDArray[np.floating]) -> Logits:
        """Return the logits of clips: their utterances' mean, weighted by length; zeros where nothing is heard."""
        frames = self.examples.frames.astype(np.float64)
        total = np.zeros((len(self.clips), logits.shape[1]))
        np.add.at(total, self.place, logits * frames[:, None])
        length = np.bincount(self.place, frames, minlength=len(self.clips))
        return total / np.maximum(length, 1)[:, None]

    def figures(self, logits: Logits) -> Measures:
        """Return how right these are, of the classes themselves."""
        speakers, genders = [clip.speaker for clip in self.clips], [clip.gender for clip in self.clips]
        return measure(softmax(logits), self.spoken, self.classes, speakers, genders, self.heard)


def after_training(judged: Sequence[Judged], logits: Sequence[Logits]) -> dict[str, float]:
    """Return what is gained on held-out clips by what is fitted on validation clips, without training anything."""
    (chosen, tested), (fitted, raw) = judged, logits
    weight, identity = np.ones(len(chosen.clips)), np.arange(len(chosen.classes))
    offsets = class_offsets(fitted, chosen.spoken, identity, weight)
    temperature = fit_temperature(lambda t: softmax(fitted / t), chosen.spoken, weight)
    before, warm = tested.figures(raw), tested.figures(raw / temperature)
    shares, validated = softmax(raw / temperature), softmax(fitted / temperature)
    answered = shares.max(axis=1) >= threshold_for(validated.max(axis=1), STATED, weight)
    right = shares.argmax(axis=1) == tested.spoken
    sets = conformal_sets(shares, conformal_threshold(validated, chosen.spoken, STATED))
    return {
        "UAR as trained": before.uar,
        "UAR with offsets of the classes": tested.figures(raw + offsets).uar,
        "calibration error as trained": before.ece,
        "calibration error at the fitted temperature": warm.ece,
        f"share answered by the threshold for {STATED:.0%}": float(answered.mean()),
        "right among those": float(right[answered].mean()) if answered.any() else 0.0,
        f"conformal sets for {STATED:.0%} that hold the label": float(
            sets[np.arange(len(right)), tested.spoken].mean()
        ),
        "labels in a conformal set, mean": float(sets.sum(axis=1).mean()),
    }


def softmax(logits: Logits) -> Logits:
    """Return probabilities (n, n_classes)."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float64)
