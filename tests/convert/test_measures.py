"""The figures are those that scikit-learn gives, and what it has none for holds by definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from convert.evaluate.measures import (
    accuracy_at,
    calibration_error,
    measure,
    reliability,
    risk_coverage,
    uar_interval,
)

LABELS = ("neutral", "happy", "sad", "angry")


def some_answers(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    rng = np.random.default_rng(seed)
    spoken = rng.integers(0, len(LABELS), n)
    logits = rng.normal(size=(n, len(LABELS))) + 1.2 * np.eye(len(LABELS))[spoken]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    speakers = [f"own/{number}" for number in rng.integers(0, 6, n)]
    return shares, spoken, speakers, ["f" if int(name[-1]) % 2 else "m" for name in speakers]


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    shares, spoken, speakers, genders = some_answers(seed)
    found = measure(shares, spoken, LABELS, speakers, genders)
    answered = shares.argmax(axis=1)
    assert found.uar == pytest.approx(metrics.recall_score(spoken, answered, average="macro"))
    assert found.wa == pytest.approx(metrics.accuracy_score(spoken, answered))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(spoken, answered, average="macro"))
    assert found.nll == pytest.approx(metrics.log_loss(spoken, shares))
    assert found.confusion == metrics.confusion_matrix(spoken, answered).tolist()
    assert list(found.recall.values()) == pytest.approx(metrics.recall_score(spoken, answered, average=None).tolist())


def test_a_label_nobody_spoke_is_no_part_of_the_mean_even_where_it_was_answered() -> None:
    shares = np.array([[0.1, 0.9, 0.0], [0.0, 0.1, 0.9]])
    found = measure(shares, np.array([1, 1]), ("a", "b", "c"), ["s", "s"], ["f", "f"])
    assert found.uar == 0.5
    assert set(found.recall) == {"b"}
    assert found.macro_f1 == pytest.approx(2 / 3)


def test_silence_is_wrong_even_where_its_uniform_answer_happens_to_fit() -> None:
    shares = np.full((4, 2), 0.5)  # argmax says the first label
    spoken = np.array([0, 0, 1, 1])
    found = measure(shares, spoken, ("a", "b"), ["s"] * 4, [""] * 4, heard=np.array([False, True, False, True]))
    assert (found.silent, found.wa, found.recall) == (2, 0.25, {"a": 0.5, "b": 0.0})
    assert found.uar_by_gender == {}


def test_worst_speaker_is_named() -> None:
    shares, spoken, _, _ = some_answers(0, 60)
    speakers = np.repeat(["own/a", "own/b", "own/c"], 20)
    shares[speakers == "own/b"] = np.roll(np.eye(len(LABELS))[spoken[speakers == "own/b"]], 1, axis=1)
    found = measure(shares, spoken, LABELS, speakers.tolist(), ["f"] * 60)
    assert (found.worst_speaker, found.speaker_worst) == ("own/b", 0.0)
    assert found.speaker_worst <= found.speaker_median


@given(st.integers(0, 10_000))
def test_reliability_keeps_every_answer_and_its_confidence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence, right = rng.random(50), rng.random(50) < 0.5
    stated, found, count = reliability(confidence, right)
    assert count.sum() == 50
    assert (stated * count).sum() == pytest.approx(confidence.sum())
    assert (found * count).sum() == pytest.approx(right.sum())
    assert 0 <= calibration_error(confidence, right) <= 1


def test_confidence_that_means_what_it_says_has_no_calibration_error() -> None:
    confidence = np.repeat([0.25, 0.75], 400)
    right = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    assert calibration_error(confidence, right) == pytest.approx(0.0)
    assert calibration_error(np.ones(10), np.zeros(10, bool)) == pytest.approx(1.0)


def test_confidence_of_exactly_one_has_a_bin() -> None:
    assert reliability(np.array([1.0]), np.array([True]))[2][-1] == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_risk_at_full_coverage_is_the_error(answers: list[tuple[float, bool]]) -> None:
    confidence, right = (np.array(column) for column in zip(*answers, strict=True))
    risk = risk_coverage(confidence, right)
    assert risk[-1] == pytest.approx(1 - right.mean())
    assert accuracy_at(confidence, right, 1.0) == pytest.approx(right.mean())


def test_leaving_out_the_least_sure_leaves_out_these() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, True, True, False])
    assert accuracy_at(confidence, right, 0.8) == 1.0


def test_interval_holds_the_figure_and_widens_where_speakers_differ() -> None:
    spoken = np.tile([0, 1], 100)
    speakers = np.repeat([f"own/{n}" for n in range(10)], 20)
    alike = np.tile([True, False, True, True], 50)
    unlike = np.repeat(np.arange(10) < 5, 20)
    low, high = uar_interval(alike, spoken, speakers.tolist())
    low_unlike, high_unlike = uar_interval(unlike, spoken, speakers.tolist())
    assert low <= 0.75 <= high
    assert low_unlike < 0.5 < high_unlike
    assert high_unlike - low_unlike > 5 * (high - low)


def test_interval_depends_on_the_seed_alone() -> None:
    shares, spoken, speakers, genders = some_answers(1)
    assert measure(shares, spoken, LABELS, speakers, genders) == measure(shares, spoken, LABELS, speakers, genders)
