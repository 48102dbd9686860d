"""Pooling is the weighted mean, whatever the size of the weights."""

from __future__ import annotations

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
    shares = [pooling.add(step, a) for step, a in zip(logits, attention, strict=True)]
    weights = np.exp(np.array(attention) - max(attention))
    np.testing.assert_allclose(pooling.mean(), weights @ logits / weights.sum(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(shares[-1], weights[-1] / weights.sum(), rtol=1e-9, atol=1e-300)
    assert all(0 <= share <= 1 for share in shares)
    assert pooling.steps == len(attention)


@pytest.mark.parametrize("shift", [-5000.0, -700.0, 0.0, 700.0, 5000.0])
def test_no_weight_overflows_or_vanishes(shift: float) -> None:
    pooling = Pooling(1)
    for value in (1.0, 2.0, 3.0):
        pooling.add(np.array([value]), shift)
    assert pooling.mean() == pytest.approx([2.0])


def test_one_step_that_counts_outweighs_many_that_do_not() -> None:
    pooling = Pooling(1)
    for _ in range(1000):
        pooling.add(np.array([-1.0]), -30.0)
    assert pooling.add(np.array([5.0]), 10.0) == pytest.approx(1.0)
    assert pooling.mean() == pytest.approx([5.0])


def test_nothing_heard_says_nothing() -> None:
    pooling = Pooling(4)
    np.testing.assert_array_equal(pooling.mean(), np.zeros(4))
    pooling.add(np.ones(4), 3.0)
    pooling.reset()
    np.testing.assert_array_equal(pooling.mean(), np.zeros(4))
    assert pooling.steps == 0
