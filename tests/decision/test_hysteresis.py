"""A decision is kept until another has led for long enough, and by enough."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ser.decision.hysteresis import Hysteresis

THRESHOLD, MARGIN, DWELL = 0.5, 0.1, 1.0
STEP = 0.25  # seconds


def decide(steps: Sequence[tuple[float, ...]]) -> list[int | None]:
    hysteresis = Hysteresis(THRESHOLD, MARGIN, DWELL)
    return [hysteresis(step, STEP * i) for i, step in enumerate(steps)]


def test_nothing_is_named_below_the_threshold() -> None:
    assert decide([(0.49, 0.3), (0.3, 0.49)]) == [None, None]


def test_threshold_itself_is_enough() -> None:
    assert decide([(0.5, 0.3)]) == [0]


def test_first_emotion_is_kept_for_its_dwell() -> None:
    assert decide([(0.6, 0.4)] + [(0.1, 0.9)] * 4) == [0, 0, 0, 0, 1]


def test_small_lead_changes_nothing() -> None:
    assert decide([(0.6, 0.4)] * 5 + [(0.46, 0.54)] * 5) == [0] * 10


def test_lead_without_confidence_changes_nothing() -> None:
    # The other leads by far, and is not likely enough to be named; the named one is not so unlikely as to be dropped.
    assert decide([(0.6, 0.4)] * 5 + [(0.2, 0.45)] * 5) == [0] * 10


def test_confidence_that_hovers_at_the_threshold_does_not_flicker() -> None:
    assert decide([(0.6, 0.4)] * 5 + [(0.45, 0.3), (0.52, 0.3)] * 5) == [0] * 15


def test_lost_confidence_becomes_uncertain_and_may_return() -> None:
    assert decide([(0.6, 0.4)] * 5 + [(0.39, 0.3), (0.6, 0.4)]) == [0] * 5 + [None, 0]


def test_reset_names_nothing() -> None:
    hysteresis = Hysteresis(THRESHOLD, MARGIN, DWELL)
    assert hysteresis([0.9, 0.1], 0.0) == 0
    hysteresis.reset()
    assert hysteresis([0.4, 0.4], 0.1) is None
    assert hysteresis([0.2, 0.8], 0.2) == 1  # at once: the dwell was forgotten too


@given(
    st.lists(st.floats(0, 1).map(lambda p: (p, 1 - p)), min_size=1, max_size=60),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 3),
)
def test_no_emotion_is_shorter_than_its_dwell(
    steps: list[tuple[float, float]], threshold: float, margin: float, dwell: float
) -> None:
    hysteresis = Hysteresis(threshold, margin, dwell)
    named = [hysteresis(step, STEP * i) for i, step in enumerate(steps)]
    start = 0
    for i in range(1, len(named)):
        if named[i] != named[i - 1]:
            if named[i - 1] is not None:
                assert STEP * (i - start) >= dwell
            start = i


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.6, 1.0])
def test_without_hysteresis_it_is_the_most_likely(probability: float) -> None:
    hysteresis = Hysteresis(0.0, 0.0, 0.0)
    assert hysteresis([probability, 1 - probability], 0.0) == int(probability < 0.5)
