"""How good a set of answers is: every figure that a table or a card prints, computed in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of the calibration error
RESAMPLES = 2000  # of the speakers
INTERVAL = (2.5, 97.5)  # percentiles: 95 %
COVERAGE = 0.8
LEAST_PROBABILITY = 1e-12

Probabilities = NDArray[np.float64]
"""(n, n_labels), each row sums to 1."""

Labels = NDArray[np.intp]
"""(n,): indices of labels."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one set of recordings; shares are from 0 to 1."""

    recordings: int
    speakers: int

    uar: float
    """Mean recall over the labels that occur (unweighted average recall)."""

    uar_low: float
    """Lower end of its 95 % interval, bootstrapped over speakers."""

    uar_high: float

    wa: float
    """Share of right answers (weighted accuracy)."""

    macro_f1: float
    """Mean F1 over the labels that occur."""

    recall: dict[str, float]
    """By label that occurs."""

    confusion: list[list[int]]
    """Rows: what was spoken; columns: what was answered."""

    labels: list[str]
    """Of the rows and columns."""

    ece: float
    """Expected calibration error over 15 equally wide bins of confidence."""

    nll: float
    """Mean negative log-likelihood, nats."""

    brier: float
    """Mean squared error of the probabilities, summed over labels."""

    wa_at_coverage: float
    """Share of right answers among the 80 % most confident."""

    speaker_median: float
    """Median over speakers of the share of right answers."""

    speaker_worst: float

    worst_speaker: str

    uar_by_gender: dict[str, list[float]]
    """`f` and `m`: UAR, and both ends of its interval."""

    silent: int
    """Recordings in which no speech was found; counted as wrong."""


def measure(
    probabilities: Probabilities,
    spoken: Labels,
    labels: Sequence[str],
    speakers: Sequence[str],
    genders: Sequence[str],
    heard: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> Measures:
    """Return all figures.

    Parameters
    ----------
    probabilities : float64 (n, n_labels)
    spoken : int (n,)
        Right labels.
    labels : sequence of str
    speakers, genders : sequence of str
        Of each recording.
    heard : bool (n,), optional
        Recordings in which speech was found; an answer without is wrong, whatever the probabilities.
    seed : int
        Of the bootstrap.
    """
    heard = np.ones(len(spoken), bool) if heard is None else heard
    answered, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = (answered == spoken) & heard
    by_speaker = {name: float(right[np.array(speakers) == name].mean()) for name in sorted(set(speakers))}
    worst = min(by_speaker, key=lambda name: by_speaker[name])
    low, high = uar_interval(right, spoken, speakers, seed)
    recall = recalls(right, spoken)
    return Measures(
        recordings=len(spoken),
        speakers=len(by_speaker),
        uar=float(np.mean(list(recall.values()))),
        uar_low=low,
        uar_high=high,
        wa=float(right.mean()),
        macro_f1=macro_f1(answered, spoken, heard),
        recall={labels[label]: value for label, value in recall.items()},
        confusion=confusion(answered, spoken, len(labels)).tolist(),
        labels=list(labels),
        ece=calibration_error(confidence, right),
        nll=nll(probabilities, spoken),
        brier=float(np.square(probabilities - np.eye(len(labels))[spoken]).sum(axis=1).mean()),
        wa_at_coverage=accuracy_at(confidence, right, COVERAGE),
        speaker_median=float(np.median(list(by_speaker.values()))),
        speaker_worst=by_speaker[worst],
        worst_speaker=worst,
        uar_by_gender=_by_gender(right, spoken, speakers, np.array(genders), seed),
        silent=int((~heard).sum()),
    )


def recalls(right: NDArray[np.bool_], spoken: Labels) -> dict[int, float]:
    """Return the share of right answers for each label that occurs.

    Examples
    --------
    >>> recalls(np.array([True, False, True]), np.array([0, 0, 2]))
    {0: 0.5, 2: 1.0}
    """
    return {int(label): float(right[spoken == label].mean()) for label in np.unique(spoken)}


def confusion(answered: Labels, spoken: Labels, count: int) -> NDArray[np.int64]:
    """Return how often each label (row) was answered with each (column): (count, count)."""
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (spoken, answered), 1)
    return matrix


def macro_f1(answered: Labels, spoken: Labels, heard: NDArray[np.bool_]) -> float:
    """Return the mean F1 over the labels that occur; recordings without speech are answered with none of them."""
    answered = np.where(heard, answered, -1)
    scores = []
    for label in np.unique(spoken):
        hits = np.sum((answered == label) & (spoken == label))
        scores.append(2 * hits / (np.sum(answered == label) + np.sum(spoken == label)))
    return float(np.mean(scores))


def nll(probabilities: Probabilities, spoken: Labels) -> float:
    """Return the mean negative log-likelihood in nats."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(spoken)), spoken], LEAST_PROBABILITY)).mean())


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return mean confidence, share of right answers and number of answers of each bin, (BINS,) each; 0 where empty."""
    place = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    safe = np.maximum(count, 1)
    stated = np.bincount(place, confidence, BINS) / safe
    return stated, np.bincount(place, right, BINS) / safe, count


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error (M. P. Naeini et al., AAAI 2015).

    Examples
    --------
    >>> calibration_error(np.array([0.9, 0.9]), np.array([True, False]))
    0.4
    """
    stated, found, count = reliability(confidence, right)
    return float(round(np.sum(count * np.abs(stated - found)) / count.sum(), 12))


def risk_coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of wrong answers among the 1, 2, ... n most confident: (n,)."""
    wrong = ~right[np.argsort(-confidence, kind="stable")]
    return np.cumsum(wrong) / np.arange(1, len(wrong) + 1)


def accuracy_at(confidence: NDArray[np.float64], right: NDArray[np.bool_], coverage: float) -> float:
    """Return the share of right answers among the most confident ones, as many as the coverage says."""
    return float(1 - risk_coverage(confidence, right)[max(1, round(coverage * len(right))) - 1])


def uar_interval(
    right: NDArray[np.bool_], spoken: Labels, speakers: Sequence[str], seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the UAR over other speakers like these: bootstrap over speakers.

    Draws in which a label does not occur leave it out of their mean.
    """
    low, high = np.percentile(uar_draws(right, spoken, speakers, seed), INTERVAL)
    return float(low), float(high)


def uar_draws(right: NDArray[np.bool_], spoken: Labels, speakers: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """Return the UAR of each draw of speakers (RESAMPLES,); the same seed draws the same speakers each time."""
    names, who = np.unique(speakers, return_inverse=True)
    labels, which = np.unique(spoken, return_inverse=True)
    hits, asked = np.zeros((len(names), len(labels))), np.zeros((len(names), len(labels)))
    np.add.at(hits, (who, which), right)
    np.add.at(asked, (who, which), 1)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    total = draws @ asked
    recall = (draws @ hits) / np.maximum(total, 1)
    present = total > 0
    uar: NDArray[np.float64] = np.where(present, recall, 0).sum(axis=1) / present.sum(axis=1)
    return uar


def _by_gender(
    right: NDArray[np.bool_], spoken: Labels, speakers: Sequence[str], genders: NDArray[np.str_], seed: int
) -> dict[str, list[float]]:
    found = {}
    for gender in ("f", "m"):
        chosen = genders == gender
        if chosen.any():
            uar = float(np.mean(list(recalls(right[chosen], spoken[chosen]).values())))
            names = np.array(speakers)[chosen].tolist()
            found[gender] = [uar, *uar_interval(right[chosen], spoken[chosen], names, seed)]
    return found
