"""Temperature and threshold mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.calibration import TEMPERATURES, corpus_weights, fit_temperature, threshold_for
from convert.evaluate.measures import calibration_error
from convert.evaluate.students import probabilities

CLASSES = ["neutral", "calm", "happy", "sad"]
LABELS = {"calm": "neutral"}


def spoken_as_stated(temperature: float, n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and labels drawn with just the probabilities that these logits have at this temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, len(CLASSES))) * 3
    shares, _ = probabilities(logits, temperature, CLASSES, LABELS)
    drawn = (rng.random(n)[:, None] > np.cumsum(shares, axis=1)).sum(axis=1)
    return logits, drawn


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_behind_the_labels_is_found_and_calibrates(temperature: float) -> None:
    logits, spoken = spoken_as_stated(temperature)
    found = fit_temperature(lambda t: probabilities(logits, t, CLASSES, LABELS)[0], spoken, np.ones(len(spoken)))
    assert found == pytest.approx(temperature, rel=0.08)
    shares, _ = probabilities(logits, found, CLASSES, LABELS)
    assert calibration_error(shares.max(axis=1), shares.argmax(axis=1) == spoken) < 0.02


def test_a_student_that_is_always_right_gets_the_lowest_temperature_and_no_error() -> None:
    logits = 5 * np.eye(4)[[0, 2, 3, 2]]
    spoken = np.array([0, 1, 2, 1])
    found = fit_temperature(lambda t: probabilities(logits, t, CLASSES, LABELS)[0], spoken, np.ones(4))
    assert TEMPERATURES[0] <= found < 0.5


def test_weights_count() -> None:
    logits, spoken = spoken_as_stated(1.0, 400)
    other = np.roll(spoken, 1)  # as good as random: a higher temperature suits it
    both = np.concatenate([logits, logits]), np.concatenate([spoken, other])

    def fit(weight: np.ndarray) -> float:
        return fit_temperature(lambda t: probabilities(both[0], t, CLASSES, LABELS)[0], both[1], weight)

    assert fit(np.repeat([1.0, 0.0], 400)) < fit(np.ones(800)) < fit(np.repeat([0.1, 1.0], 400))


def test_corpora_count_alike_however_large() -> None:
    weight = corpus_weights(["a"] * 30 + ["b"] * 10)
    assert weight[:30].sum() == pytest.approx(0.5)
    assert weight[30:].sum() == pytest.approx(0.5)


@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=50, unique=True),
    st.floats(0.05, 1.0),
)
def test_the_threshold_is_the_highest_that_keeps_the_coverage(confidence: list[float], coverage: float) -> None:
    values = np.array(confidence)
    threshold = threshold_for(values, coverage, np.ones(len(values)))
    assert (values >= threshold).mean() >= coverage - 1e-9
    assert (values > threshold).mean() < coverage


def test_probabilities_of_labels_are_sums_of_their_classes() -> None:
    logits = np.log([[0.1, 0.2, 0.3, 0.4]])
    shares, labels = probabilities(logits, 1.0, CLASSES, LABELS)
    assert labels == ["neutral", "happy", "sad"]
    assert shares[0] == pytest.approx([0.3, 0.3, 0.4])


def test_a_class_that_is_not_told_apart_gets_nothing() -> None:
    shares, _ = probabilities(np.array([[1.0, -np.inf, 1.0, -np.inf]]), 2.0, CLASSES, {})
    assert shares[0] == pytest.approx([0.5, 0, 0.5, 0])
