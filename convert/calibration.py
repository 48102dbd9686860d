"""Confidence that means what it says, and the thresholds under which the recogniser rather names nothing.

They are chosen with the int8 student on validation speakers: neither trained on nor tested on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.baseline import reference_of, voices_of
from convert.conformal import conformal_threshold
from convert.errors import RecipeError
from convert.evaluate.measures import LEAST_PROBABILITY
from convert.evaluate.students import ask, int8_student, probabilities
from convert.packing import INT8, student_features
from convert.prepare import Prepared
from convert.progress import track
from convert.stages import code_digest, run_stage
from edge_ser.student.metadata import BaselineReference, Candidacy, Decision, LabelSet, Threshold, threshold_at
from edge_ser.student.strict import from_json, to_json

DECISION, REFERENCE = "decision.json", "baseline.json"
TEMPERATURES = (0.05, 20.0)  # searched between
GOLDEN_RATIO = (5**0.5 - 1) / 2
SEARCH_STEPS = 40  # each narrows the range to 0.618 of it
HELD = (0.8, 0.9, 0.95)  # shares of recordings whose candidates hold the right label, likewise
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # whose thresholds the model file holds


def calibrate(prepared: Prepared, exported: Path, out: Path) -> Path:
    """Choose temperature and thresholds; return the stage's folder, which `read_decision` reads.

    Parameters
    ----------
    prepared : Prepared
    exported : Path
        Holds the int8 student.
    out : Path
        Folder of the run.

    Raises
    ------
    RecipeError
        There are no validation speakers.
    """
    recipe, recordings = prepared.recipe, prepared.recordings
    clips = prepared.split.validation
    if not len(clips):
        raise RecipeError("There are no validation speakers to calibrate on", "Name some in data.validation")
    inputs = {
        "exported": exported.name,
        "decision": asdict(recipe.decision),
        "labels": recipe.label_of_class,
        "clips": clips.tolist(),
        "code": code_digest(
            "convert/calibration.py",
            "convert/conformal.py",
            "convert/baseline.py",
            "convert/evaluate/students.py",
            "convert/segments.py",
        ),
    }

    def make(folder: Path) -> None:
        tflite = (exported / INT8).read_bytes()
        student = int8_student(tflite, student_features(prepared), recipe.segmentation)
        answers = ask(student, map(recordings.pcm, track("calibration", len(clips))(clips)), len(recipe.classes))
        heard = clips[answers.heard]
        spoken = [recordings.clips[clip].emotion for clip in heard]
        weight = corpus_weights([recordings.clips[clip].corpus for clip in heard])
        logits = answers.logits[answers.heard]
        decision = decide(prepared, logits, spoken, weight)
        (folder / DECISION).write_text(to_json(decision), encoding="utf-8")
        voices = voices_of([recordings.pcm(clip) for clip in heard], student_features(prepared), recipe.segmentation)
        classes = np.array([recipe.classes.index(name) for name in spoken])
        speakers = [recordings.clips[clip].speaker for clip in heard]
        reference = reference_of(logits, classes, voices.mean, speakers)
        (folder / REFERENCE).write_text(to_json(reference), encoding="utf-8")

    return run_stage(out, "calibration", inputs, make)


def read_reference(folder: Path) -> BaselineReference:
    """Return what speakers at large are like."""
    return from_json((folder / REFERENCE).read_text(encoding="utf-8"), BaselineReference)


def read_decision(folder: Path) -> Decision:
    """Return what `calibrate` chose."""
    return from_json((folder / DECISION).read_text(encoding="utf-8"), Decision)


def decide(prepared: Prepared, logits: NDArray[np.float64], spoken: list[str], weight: NDArray[np.float64]) -> Decision:
    """Return how the recogniser decides, from class logits (n, n_classes) and the classes (n,) that were spoken."""
    recipe = prepared.recipe
    label_of_class = {name: recipe.label_of_class.get(name, name) for name in recipe.classes}
    everything = calibrated(logits, [label_of_class[name] for name in spoken], label_of_class, weight)
    label_sets = {}
    for name, labels in recipe.decision.label_sets.items():
        among = [place for place, each in enumerate(spoken) if label_of_class[each] in labels]
        classes = [place for place, each in enumerate(recipe.classes) if label_of_class[each] in labels]
        label_sets[name] = calibrated(
            logits[np.ix_(among, classes)],
            [label_of_class[spoken[place]] for place in among],
            {recipe.classes[place]: label_of_class[recipe.classes[place]] for place in classes},
            weight[among],
        )
    coverage = recipe.decision.coverage
    return Decision(
        temperature=everything.temperature,
        uncertain_below=threshold_at(everything.thresholds, coverage),
        stated_coverage=coverage,
        warm_up_seconds=recipe.decision.warm_up_seconds,
        hangover_seconds=recipe.segmentation.hangover_steps * student_features(prepared).step_seconds,
        thresholds=everything.thresholds,
        candidates=everything.candidates,
        label_sets=label_sets or None,
    )


def calibrated(
    logits: NDArray[np.float64], spoken: Sequence[str], label_of_class: Mapping[str, str], weight: NDArray[np.float64]
) -> LabelSet:
    """Return temperature, thresholds and candidates for labels that are told apart from each other alone.

    Parameters
    ----------
    logits : float64 (n, n_classes)
        Of validation recordings, in the order of `label_of_class`.
    spoken : sequence of str
        Right labels (n,).
    label_of_class : mapping
    weight : float64 (n,)
        Of each recording.
    """
    classes = list(label_of_class)

    def at(temperature: float) -> tuple[NDArray[np.float64], list[str]]:
        return probabilities(logits, temperature, classes, dict(label_of_class))

    labels = at(1.0)[1]
    right = np.array([labels.index(each) for each in spoken], np.intp)
    temperature = fit_temperature(lambda t: at(t)[0], right, weight)
    shares = at(temperature)[0]
    confidence = shares.max(axis=1)
    return LabelSet(
        tuple(labels),
        temperature,
        tuple(Threshold(each, threshold_for(confidence, each, weight)) for each in COVERAGES),
        tuple(Candidacy(each, conformal_threshold(shares, right, each, weight)) for each in HELD),
    )


def corpus_weights(corpora: list[str]) -> NDArray[np.float64]:
    """Return a weight for each recording by which all corpora count alike, however large."""
    names, which, count = np.unique(corpora, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(names) * count[which]), np.float64)


def fit_temperature(
    answer: Callable[[float], NDArray[np.float64]], spoken: NDArray[np.intp], weight: NDArray[np.float64]
) -> float:
    """Return the temperature with the least negative log-likelihood (C. Guo et al., ICML 2017).

    Parameters
    ----------
    answer : callable
        Returns the probabilities (n, n_labels) at a temperature.
    spoken : int (n,)
        Right labels.
    weight : float64 (n,)
        Of each recording.

    Examples
    --------
    Right 8 times of 10 and not 9: a little too sure.

    >>> spoken = np.array([0] * 8 + [1] * 2)
    >>> def answer(temperature):
    ...     shares = np.array([[0.9, 0.1]] * 10) ** (1 / temperature)
    ...     return shares / shares.sum(axis=1, keepdims=True)
    >>> round(fit_temperature(answer, spoken, np.ones(10)), 3)
    1.585
    """

    def loss(log_temperature: float) -> float:
        right = answer(float(np.exp(log_temperature)))[np.arange(len(spoken)), spoken]
        return float(np.average(-np.log(np.maximum(right, LEAST_PROBABILITY)), weights=weight))

    low, high = np.log(TEMPERATURES)
    for _ in range(SEARCH_STEPS):
        span = GOLDEN_RATIO * (high - low)
        if loss(high - span) < loss(low + span):
            high = low + span
        else:
            low = high - span
    return float(np.exp((low + high) / 2))


def threshold_for(confidence: NDArray[np.float64], coverage: float, weight: NDArray[np.float64]) -> float:
    """Return the highest confidence that at least this share of the answers reaches.

    Examples
    --------
    >>> threshold_for(np.array([0.2, 0.4, 0.6, 0.8]), 0.75, np.ones(4))
    0.4
    """
    order = np.argsort(-confidence, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    place = int(np.searchsorted(reached, coverage - 1e-9))  # a sum of weights may fall short by rounding
    return float(confidence[order[min(place, len(order) - 1)]])
