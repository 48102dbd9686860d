r"""Late fusion: what was heard, together with what another modality (words, a face) says about the same moment.

A logarithmic opinion pool in which each modality's prior is divided out::

    log p(c) = log prior(c) + sum over m of w_m (log p_m(c) - log prior_m(c)) + constant
    w_m = reliability_m * 0.5 ** (age_m / half_life_m)

What a modality adds is the ratio of what it says now to what it says of nobody in particular. With all weights at 1
this is Bayes' rule for modalities that are independent given the emotion; a weight below 1 flattens one that is less to
be trusted, repeats what another has said already, or is old; at 0, or missing, it has no say, and without any the prior
is left. Confidence needs no weight of its own: probabilities near the prior move little by themselves.

Sources: Genest and Zidek, "Combining probability distributions" (Statistical Science 1, 1986), for the pool; Kittler et
al., "On combining classifiers" (IEEE PAMI 20, 1998), for the product rule with the priors divided out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge_ser.errors import EdgeSerError
from edge_ser.events import Event, Recognition

FLOOR = 0.001
"""Least probability that a modality may give: a zero would be a veto, and few models know anything so surely."""

HALF_LIFE_SECONDS = 4.0
SUM_TOLERANCE = 0.01  # of probabilities that were rounded on their way

Probabilities = Mapping[str, float]


class FusionError(EdgeSerError):
    """Modalities cannot be combined as they are."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one modality says.

    Raises
    ------
    FusionError
        No probabilities, a reliability beyond 0 to 1, a negative age, a half-life that is none.
    """

    name: str
    """Of the modality, for errors and for `Fused.weights`."""

    probabilities: Probabilities | None
    """Calibrated probability by label, summing to 1; None where the modality is missing."""

    reliability: float = 1.0
    """Weight of fresh evidence, 0 to 1: choose it on data where both modalities are known (docs/fusion.md)."""

    age_seconds: float = 0.0
    """Since the moment that it speaks of."""

    half_life_seconds: float = HALF_LIFE_SECONDS
    """After so long it weighs half; inf for what does not age."""

    prior: Probabilities | None = None
    """What it says on average, where it was trained; uniform where it is None."""

    def __post_init__(self) -> None:
        for probabilities in (self.probabilities, self.prior):
            if probabilities is not None:
                _check(self.name, probabilities)
        if not 0 <= self.reliability <= 1:
            raise FusionError(f"{self.name}: the reliability is {self.reliability}", "Give 0 to 1")
        if not self.age_seconds >= 0:
            raise FusionError(f"{self.name}: the age is {self.age_seconds} s", "Give seconds, 0 or more")
        if not self.half_life_seconds > 0:
            raise FusionError(f"{self.name}: the half-life is {self.half_life_seconds} s", "Give more than 0, or inf")

    @property
    def weight(self) -> float:
        """Of this evidence in the pool, 0 to 1; 0 where it is missing."""
        if self.probabilities is None:
            return 0.0
        return float(self.reliability * 0.5 ** (self.age_seconds / self.half_life_seconds))


@dataclass(frozen=True, slots=True)
class Fused:
    """What all modalities say together."""

    probabilities: Probabilities
    """Sum to 1; the prior where no modality had a say."""

    emotion: str | None
    """The most likely label; None where it is not likely enough, or no modality had a say."""

    confidence: float
    """Probability of the most likely label."""

    weights: Mapping[str, float]
    """By modality; 0 for one that is missing."""


def heard(event: Event | Recognition, **options: Any) -> Evidence:
    """Return what was heard as evidence; missing where nobody spoke, or too little was said, or there is no microphone.

    Parameters
    ----------
    event : Event or Recognition
    **options
        Fields of `Evidence`: `reliability`, `age_seconds`, `half_life_seconds`, `prior`.
    """
    said = event.state in ("emotion", "uncertain")
    return Evidence("voice", event.probabilities if said else None, **options)


def renamed(probabilities: Probabilities, names: Mapping[str, str]) -> dict[str, float]:
    """Return probabilities under other labels; those that get one name are added up.

    Parameters
    ----------
    probabilities : mapping of str to float
    names : mapping of str to str
        Label here to label there; those that are not in it keep their name.

    Examples
    --------
    >>> renamed({"joy": 0.5, "love": 0.25, "sad": 0.25}, {"joy": "happy", "love": "happy"})
    {'happy': 0.75, 'sad': 0.25}
    """
    summed: dict[str, float] = {}
    for label, share in probabilities.items():
        name = names.get(label, label)
        summed[name] = summed.get(name, 0.0) + share
    return summed


def fuse(evidence: Sequence[Evidence], *, prior: Probabilities | None = None, uncertain_below: float = 0.0) -> Fused:
    """Return what all modalities say together.

    Parameters
    ----------
    evidence : sequence of Evidence
        One a modality, in any order; missing ones may be in it or not.
    prior : mapping of str to float, optional
        How often each emotion is met where this is used; uniform where it is not given.
    uncertain_below : float
        Confidence, 0 to 1, under which there is no emotion.

    Raises
    ------
    FusionError
        Label sets differ, two modalities have one name, nothing says which labels there are, or the threshold is none.

    Examples
    --------
    >>> voice = Evidence("voice", {"happy": 0.6, "sad": 0.4})
    >>> text = Evidence("text", {"happy": 0.8, "sad": 0.2}, reliability=0.5)
    >>> together = fuse([voice, text])
    >>> together.emotion, round(together.confidence, 3)  # 0.6 * 0.8**0.5 : 0.4 * 0.2**0.5
    ('happy', 0.75)
    """
    if not 0 <= uncertain_below <= 1:
        raise FusionError(f"uncertain_below is {uncertain_below}", "Give a probability from 0 to 1")
    weights = {each.name: each.weight for each in evidence}
    if len(weights) < len(evidence):
        raise FusionError("Two modalities have one name", "Give each a name of its own")
    labels = _labels(evidence, prior)
    prior = _uniform(labels) if prior is None else prior
    scores = {label: math.log(max(prior[label], FLOOR)) for label in labels}
    for each in evidence:
        if each.probabilities is None:
            continue
        usual = _floored(_uniform(labels) if each.prior is None else each.prior)
        for label, share in _floored(each.probabilities).items():
            scores[label] += weights[each.name] * (math.log(share) - math.log(usual[label]))
    probabilities = _normalised(scores)
    best = max(labels, key=probabilities.__getitem__)
    confidence = probabilities[best]
    decided = any(weights.values()) and confidence >= uncertain_below
    return Fused(probabilities, best if decided else None, confidence, weights)


def _labels(evidence: Sequence[Evidence], prior: Probabilities | None) -> list[str]:
    """Return the labels that all agree on, in the order of the first."""
    given = {each.name: each.probabilities for each in evidence if each.probabilities is not None}
    given |= {f"the prior of {each.name}": each.prior for each in evidence if each.prior is not None}
    if prior is not None:
        _check("the prior", prior)
        given["the prior"] = prior
    if not given:
        raise FusionError("No modality is there, and no prior says what the labels are", "Give a prior")
    (first, shares), *others = given.items()
    for name, other in others:
        if other.keys() != shares.keys():
            missing = [
                f"{', '.join(sorted(more))} only in {where}"
                for where, more in ((first, shares.keys() - other.keys()), (name, other.keys() - shares.keys()))
                if more
            ]
            cure = "Give all of them the same labels, with `renamed` where they only have other names"
            raise FusionError(f"The labels differ: {'; '.join(missing)}", cure)
    return list(shares)


def _check(name: str, probabilities: Probabilities) -> None:
    if len(probabilities) < 2 or not all(0 <= share <= 1 for share in probabilities.values()):
        raise FusionError(f"{name}: these are no probabilities: {dict(probabilities)}", "Give two or more, from 0 to 1")
    total = math.fsum(probabilities.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise FusionError(f"{name}: the probabilities sum to {total:.3g}", "Give some that sum to 1")


def _uniform(labels: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(labels, 1 / len(labels))


def _floored(probabilities: Probabilities) -> dict[str, float]:
    return {label: max(share, FLOOR) for label, share in probabilities.items()}


def _normalised(scores: Mapping[str, float]) -> dict[str, float]:
    """Return probabilities in proportion to exp(score)."""
    greatest = max(scores.values())
    shares = {label: math.exp(score - greatest) for label, score in scores.items()}
    total = math.fsum(shares.values())
    return {label: share / total for label, share in shares.items()}
