"""What a model file says about its student: frozen, complete, and checked when it is made."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import ModelFileError, SettingsError
from edge_ser.features.tables import TABLES_SHA256, FrontEnd

FORMAT = 1
"""Version of the model file's format."""

NEUTRAL = "neutral"
"""The label of ordinary speech, where a model has one."""

MAX_CLASSES = 64
MAX_FRAMES_PER_STEP = 100  # 1 s
MAX_WINDOW = 10_000  # utterances


@dataclass(frozen=True, slots=True)
class Features:
    """How PCM becomes the student's int8 input."""

    front_end: FrontEnd
    """What the MFCC are made of."""

    tables_sha256: str
    """Of the tables that the student was trained with."""

    mean: tuple[float, ...]
    """Of each column in training: coefficients in natural-log units, then those of the extras in theirs."""

    std: tuple[float, ...]
    """Of each column in training."""

    lsb_per_std: float
    """int8 steps per standard deviation."""

    running_mean_prior_frames: int
    """Frames of the training mean that the running mean starts with."""

    frames_per_step: int
    """That the student takes at once."""

    extras: tuple[str, ...] = ()
    """What it hears beside the MFCC: names from `edge_ser.features.extras.EXTRAS`, in the order of their columns."""

    def __post_init__(self) -> None:
        n = self.n_features
        _check(len(self.mean) == n == len(self.std), f"mean and std have not {n} values each")
        _check(min(self.std) > 0, "a standard deviation is not positive")
        _check(self.lsb_per_std > 0, "lsb_per_std is not positive")
        _check(self.running_mean_prior_frames >= 0, "running_mean_prior_frames is negative")
        _check(1 <= self.frames_per_step <= MAX_FRAMES_PER_STEP, "frames_per_step is out of range")
        if self.tables_sha256 != TABLES_SHA256:
            raise ModelFileError(
                f"The model is for another front end (tables {self.tables_sha256[:12]}, here {TABLES_SHA256[:12]})",
                "Use the edge-ser version that it was made with, or make it again with edge-ser-convert",
            )

    @property
    def n_features(self) -> int:
        """Columns of a frame: the coefficients, then the extras'."""
        if not self.extras:
            return self.front_end.n_mfcc
        from edge_ser.features.extras import count_columns  # knows of pitch and more, which most students do without

        return self.front_end.n_mfcc + count_columns(self.extras)

    @property
    def step_seconds(self) -> float:
        """Duration of a step."""
        return self.frames_per_step * self.front_end.hop_length / self.front_end.sample_rate


@dataclass(frozen=True, slots=True)
class Threshold:
    """A confidence, and how many reach it."""

    coverage: float
    """Share of the validation speakers' recordings that were at least that confident."""

    uncertain_below: float
    """The confidence."""

    def __post_init__(self) -> None:
        _check(0 <= self.coverage <= 1, "the coverage of a threshold is not between 0 and 1")
        _check(0 <= self.uncertain_below <= 1, "a threshold is not between 0 and 1")


def threshold_at(thresholds: Sequence[Threshold], coverage: float) -> float:
    """Return the confidence that this share of recordings reaches: on a line between the thresholds beside it."""
    before = after = thresholds[0]
    for after in thresholds:
        if after.coverage >= coverage:
            break
        before = after
    span = after.coverage - before.coverage
    part = (coverage - before.coverage) / span if span else 0.0
    return before.uncertain_below + part * (after.uncertain_below - before.uncertain_below)


@dataclass(frozen=True, slots=True)
class Candidacy:
    """From which probability a label may be the right one (split conformal prediction)."""

    coverage: float
    """Share of the validation speakers' recordings whose right label was at least that probable."""

    at_least: float
    """The probability."""

    def __post_init__(self) -> None:
        _check(0 < self.coverage < 1, "the coverage of candidates is not between 0 and 1")
        _check(0 <= self.at_least <= 1, "the probability of a candidate is not between 0 and 1")


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Some of the labels, told apart from each other alone: what `Decision` says of all of them, for these."""

    labels: tuple[str, ...]
    temperature: float
    thresholds: tuple[Threshold, ...]
    candidates: tuple[Candidacy, ...] = ()

    def __post_init__(self) -> None:
        _check(len(set(self.labels)) == len(self.labels) > 1, "a set of labels has fewer than two, or one twice")
        _check(self.temperature > 0, "the temperature of a set of labels is not positive")
        _check(len(self.thresholds) > 0, "a set of labels has no thresholds")
        _check_order(self.thresholds, self.candidates)


@dataclass(frozen=True, slots=True)
class Decision:
    """How logits become decisions; chosen on speakers that were kept for it."""

    temperature: float
    """By which pooled logits are divided before the softmax."""

    uncertain_below: float
    """Confidence under which the state is `uncertain`."""

    stated_coverage: float
    """Share of recordings that were at least that confident when it was chosen."""

    warm_up_seconds: float
    """Speech before the first decision."""

    hangover_seconds: float
    """Without speech, until the utterance is over."""

    thresholds: tuple[Threshold, ...] | None = None
    """By rising coverage; None in older files, where `uncertain_below` is all there is."""

    candidates: tuple[Candidacy, ...] | None = None
    """By rising coverage; None in older files."""

    label_sets: Mapping[str, LabelSet] | None = None
    """By name: some of the labels, where the others cannot occur; None in older files."""

    def __post_init__(self) -> None:
        _check(self.temperature > 0, "temperature is not positive")
        _check(0 <= self.uncertain_below <= 1, "uncertain_below is not between 0 and 1")
        _check(0 <= self.stated_coverage <= 1, "stated_coverage is not between 0 and 1")
        _check(self.warm_up_seconds >= 0, "warm_up_seconds is negative")
        _check(self.hangover_seconds >= 0, "hangover_seconds is negative")
        _check_order(self.thresholds or (), self.candidates or ())

    def threshold_at(self, coverage: float) -> float:
        """Return the confidence that this share of recordings reaches, as `threshold_at`.

        Without thresholds it is `uncertain_below`, whatever the coverage.
        """
        if not self.thresholds:
            return self.uncertain_below
        return threshold_at(self.thresholds, coverage)

    def candidate_at(self, coverage: float) -> float | None:
        """Return the probability from which labels are candidates, so that so many recordings' right one is among them.

        It is that of the next coverage from this one up; None where there is none.
        """
        return next((each.at_least for each in self.candidates or () if each.coverage >= coverage), None)

    def among(self, label_set: LabelSet) -> Decision:
        """Return how to decide where only these labels can occur."""
        return replace(
            self,
            temperature=label_set.temperature,
            thresholds=label_set.thresholds,
            candidates=label_set.candidates,
            label_sets=None,
        )


@dataclass(frozen=True, slots=True)
class BaselineReference:
    """What the speakers that were kept for choosing are like, beside whom a new one is heard."""

    logits: tuple[tuple[float, ...], ...]
    """(n_classes, n_classes): for each class the mean of its recordings' pooled logits."""

    voice_deviation: tuple[float, ...]
    """(n_mfcc,): how far the mean cepstra of one speaker's utterances lie from each other, in int8 steps."""

    changed_above: float
    """Mean squared distance in those deviations from which a voice is taken for another."""

    def __post_init__(self) -> None:
        _check(all(len(row) == len(self.logits) for row in self.logits), "the baseline's logits are not square")
        _check(min(self.voice_deviation, default=0.0) > 0, "a voice deviation is not positive")
        _check(self.changed_above > 0, "changed_above is not positive")


@dataclass(frozen=True, slots=True)
class Histogram:
    """How something measured of each utterance was distributed."""

    edges: tuple[float, ...]
    """Between the bins, rising; the first and the last bin are open."""

    shares: tuple[float, ...]
    """Of the utterances in each bin, one more than edges; none is 0."""

    def __post_init__(self) -> None:
        _check(all(one < other for one, other in pairwise(self.edges)), "the edges of a histogram do not rise")
        _check(len(self.shares) == len(self.edges) + 1, "a histogram has not one share for each bin")
        _check_shares(self.shares)


@dataclass(frozen=True, slots=True)
class DriftReference:
    """What utterances were like in training, beside which those on the board are counted: `edge_ser.decision.drift`."""

    measures: Mapping[str, Histogram]
    """By name: what `edge_ser.decision.drift.measures_of` tells of an utterance."""

    decisions: Mapping[str, float]
    """Share of utterances that ended with each label, and with `uncertain`; none is 0."""

    limits: Mapping[str, float]
    """Stability index, of each measure and of `decisions`, that nearly no single speaker of the reference exceeds."""

    utterances: int
    """Behind the histograms."""

    window: int
    """Utterances that are compared at a time; the limits are for so many."""

    def __post_init__(self) -> None:
        _check(set(self.limits) == {*self.measures, "decisions"}, "the drift reference has not a limit for each index")
        _check(min(self.limits.values()) > 0, "a limit of drift is not positive")
        _check(1 <= self.window <= MAX_WINDOW, "the window of the drift reference is out of range")
        _check_shares(tuple(self.decisions.values()))


@dataclass(frozen=True, slots=True)
class Affect:
    """Where a label lies in the plane of valence and arousal, each from -1 to 1."""

    valence: float
    arousal: float

    def __post_init__(self) -> None:
        _check(-1 <= self.valence <= 1 and -1 <= self.arousal <= 1, "valence or arousal is not between -1 and 1")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recordings that the student was trained on."""

    name: str
    licence: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the student comes from."""

    corpora: tuple[Corpus, ...]

    held_out: tuple[str, ...]
    """Speakers that it never heard, `corpus/speaker`."""

    recipe: str
    """Name of the recipe, or what was done instead."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A few steps of input, and what the student answered when it was made: any machine can compare."""

    features: str
    """Base64 of int8 (steps, frames_per_step, n_features)."""

    logits: str
    """Base64 of int8 (steps, n_classes), before scale and zero point."""

    attention: str
    """Base64 of int8 (steps,)."""

    @classmethod
    def of(cls, features: NDArray[np.int8], logits: NDArray[np.int8], attention: NDArray[np.int8]) -> Golden:
        """Pack three int8 arrays."""
        return cls(*(base64.b64encode(array.tobytes()).decode("ascii") for array in (features, logits, attention)))

    def arrays(
        self, frames_per_step: int, n_features: int, n_classes: int
    ) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]]:
        """Return features (steps, frames_per_step, n_features), logits (steps, n_classes), attention (steps,)."""
        try:
            raw = [base64.b64decode(text, validate=True) for text in (self.features, self.logits, self.attention)]
        except (binascii.Error, ValueError) as error:
            raise _bad("the golden vector is not base64") from error
        features, logits, attention = (np.frombuffer(part, np.int8) for part in raw)
        steps = len(attention)
        fits = len(features) == steps * frames_per_step * n_features and len(logits) == steps * n_classes
        _check(steps > 0 and fits, "the golden vector is incomplete")
        return features.reshape(steps, frames_per_step, n_features), logits.reshape(steps, n_classes), attention


@dataclass(frozen=True, slots=True)
class Metadata:
    """All that a model file says; `metadata.json` in its ZIP.

    Raises
    ------
    ModelFileError
        The parts do not fit together, or were made for another front end.
    """

    format: int
    """Of the file; `FORMAT`."""

    name: str
    version: str

    classes: tuple[str, ...]
    """What the network tells apart, in the order of its logits."""

    labels: tuple[str, ...]
    """What the recogniser says."""

    label_of_class: Mapping[str, str]
    """For each class; a label's probability is the sum of its classes'. A class that is missing is never said."""

    features: Features
    decision: Decision

    affect: Mapping[str, Affect]
    """For each label."""

    provenance: Provenance

    licence: str
    """Of the weights; an SPDX identifier."""

    metrics: Mapping[str, float]
    """Of this very int8 file, by name."""

    golden: Golden

    tflite_sha256: str
    """Of the network's part of the file."""

    baseline: BaselineReference | None = None
    """Beside which a speaker's own way of sounding is learnt; without it nobody's is."""

    drift: DriftReference | None = None
    """Beside which it is told when what is heard is no longer what the student was made for; without it never."""

    def __post_init__(self) -> None:
        _check(self.format == FORMAT, f"its format is {self.format} and this edge-ser reads {FORMAT}")
        _check(0 < len(self.classes) <= MAX_CLASSES, f"it has {len(self.classes)} classes")
        for name, values in (("class", self.classes), ("label", self.labels)):
            _check(len(set(values)) == len(values), f"a {name} is named twice")
        _check(set(self.label_of_class) <= set(self.classes), "label_of_class names a class that it has not")
        _check(set(self.label_of_class.values()) == set(self.labels), "label_of_class does not use each label")
        _check(set(self.affect) == set(self.labels), "affect does not name each label")
        for name, label_set in (self.decision.label_sets or {}).items():
            _check(set(label_set.labels) <= set(self.labels), f"the set of labels {name!r} has others")
        if self.baseline is not None:
            _check(len(self.baseline.logits) == len(self.classes), "the baseline is for other classes")
            n_mfcc = self.features.front_end.n_mfcc
            _check(len(self.baseline.voice_deviation) == n_mfcc, f"the baseline has not {n_mfcc} voice deviations")
        if self.drift is not None:
            _check(set(self.drift.decisions) == {*self.labels, "uncertain"}, "the drift reference is for other labels")
        self.golden_arrays()

    def among(self, name: str) -> Metadata:
        """Return what holds where only a set of labels can occur; drift is then not told.

        Raises
        ------
        SettingsError
            There is no set of this name.
        """
        sets = self.decision.label_sets or {}
        if name not in sets:
            cure = f"Choose one of {', '.join(sets)}, or leave it out" if sets else "Leave it out: this model has none"
            raise SettingsError(f"{self.name} has no set of labels {name!r}", cure)
        labels = sets[name].labels
        return replace(
            self,
            labels=labels,
            label_of_class={each: label for each, label in self.label_of_class.items() if label in labels},
            decision=self.decision.among(sets[name]),
            affect={label: self.affect[label] for label in labels},
            drift=None,
        )

    @property
    def neutral_classes(self) -> tuple[int, ...]:
        """Indices of the classes that are neutral speech."""
        return tuple(place for place, name in enumerate(self.classes) if self.label_of_class.get(name) == NEUTRAL)

    def golden_arrays(self) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]]:
        """Return the golden vector as `Golden.arrays`."""
        spec = self.features
        return self.golden.arrays(spec.frames_per_step, spec.n_features, len(self.classes))


def _check_order(thresholds: tuple[Threshold, ...], candidates: tuple[Candidacy, ...]) -> None:
    for one, other in pairwise(thresholds):
        _check(one.coverage < other.coverage, "thresholds are not in the order of their coverage")
        _check(one.uncertain_below >= other.uncertain_below, "a higher threshold covers more than a lower one")
    for first, second in pairwise(candidates):
        _check(first.coverage < second.coverage, "candidates are not in the order of their coverage")
        _check(first.at_least >= second.at_least, "less probable candidates cover less than more probable ones")


def _check_shares(shares: tuple[float, ...]) -> None:
    _check(min(shares, default=0.0) > 0 and abs(sum(shares) - 1) < 1e-3, "shares are not positive, or not 1 in sum")


def _check(condition: bool, problem: str) -> None:
    if not condition:
        raise _bad(problem)


def _bad(problem: str) -> ModelFileError:
    return ModelFileError(f"The model file contradicts itself: {problem}", "Make it again with edge-ser-convert")
