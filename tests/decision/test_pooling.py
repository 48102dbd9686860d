"""Pooling is the weighted mean, whatever the size of the weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_ser.decision.pooling import Pooling

STEPS = st.integers(1, 40).flatmap(
    lambda steps: st.tuples(
        arrays(np.float32, (steps, 3), elements=st.floats(-20, 20, width=32)),
        st.lists(st.floats(-50, 50), min_size=steps, max_size=steps),
    )
)


@given(STEPS)
def test_pooling_is_the_weighted_mean(steps: tuple[np.ndarray, list[float]]) -> None:
    logits, attention = steps
    pooling = Pooling(3)
    shares = [pooling.add(step, a) for step, a in zip(logits.tolist(), attention, strict=True)]
    weights = np.exp(np.array(attention) - max(attention))
    np.testing.assert_allclose(pooling.mean(), weights @ logits / weights.sum(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(shares[-1], weights[-1] / weights.sum(), rtol=1e-9, atol=1e-300)
    assert all(0 <= share <= 1 for share in shares)
    assert pooling.steps == len(attention)


@given(STEPS, st.floats(0.1, 100))
def test_what_is_one_half_life_old_weighs_half(steps: tuple[np.ndarray, list[float]], half_life: float) -> None:
    logits, attention = steps
    pooling = Pooling(3, half_life)
    shares = [pooling.add(step, a) for step, a in zip(logits.tolist(), attention, strict=True)]
    age = np.arange(len(attention))[::-1]
    log_weights = np.array(attention) - np.log(2) * age / half_life
    weights = np.exp(log_weights - log_weights.max())
    np.testing.assert_allclose(pooling.mean(), weights @ logits / weights.sum(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(shares[-1], weights[-1] / weights.sum(), rtol=1e-9, atol=1e-300)


def test_a_change_is_followed_after_however_long() -> None:
    pooling = Pooling(2, half_life_steps=10)
    for _ in range(100_000):  # more than two hours of 80 ms
        pooling.add([1.0, 0.0], 5.0)
    for _ in range(50):
        pooling.add([0.0, 1.0], 5.0)
    old = 2**-5
    assert pooling.mean() == pytest.approx([old, 1 - old])


def test_without_a_half_life_nothing_is_forgotten() -> None:
    forgetting, remembering = Pooling(1, math.inf), Pooling(1)
    for value in range(1000):
        forgetting.add([float(value)], 1.0)
        remembering.add([float(value)], 1.0)
    assert forgetting.mean() == remembering.mean() == [499.5]


@pytest.mark.parametrize("shift", [-5000.0, -700.0, 0.0, 700.0, 5000.0])
def test_no_weight_overflows_or_vanishes(shift: float) -> None:
    pooling = Pooling(1)
    for value in (1.0, 2.0, 3.0):
        pooling.add([value], shift)
    assert pooling.mean() == pytest.approx([2.0])


def test_one_step_that_counts_outweighs_many_that_do_not() -> None:
    pooling = Pooling(1)
    for _ in range(1000):
        pooling.add([-1.0], -30.0)
    assert pooling.add([5.0], 10.0) == pytest.approx(1.0)
    assert pooling.mean() == pytest.approx([5.0])


def test_nothing_heard_says_nothing() -> None:
    pooling = Pooling(4)
    assert pooling.mean() == [0.0] * 4
    pooling.add([1.0] * 4, 3.0)
    pooling.reset()
    assert pooling.mean() == [0.0] * 4
    assert pooling.steps == 0
