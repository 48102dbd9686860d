"""Bad audio makes an answer less certain and never another one."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ser.decision.degradation import degrade, factor
from edge_ser.events import Flags

ALL_FLAGS = [Flags(*values) for values in itertools.product((False, True), repeat=3)]
PROBABILITIES = st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(any).map(lambda w: [x / sum(w) for x in w])


@given(PROBABILITIES, st.sampled_from(ALL_FLAGS))
def test_confidence_falls_and_the_order_stays(probabilities: list[float], flags: Flags) -> None:
    degraded = degrade(probabilities, flags)
    assert math.fsum(degraded) == pytest.approx(1.0)
    assert max(degraded) <= max(probabilities) + 1e-12
    assert degraded[probabilities.index(max(probabilities))] == max(degraded)


def test_clean_audio_is_left_as_it_is() -> None:
    assert degrade([0.7, 0.2, 0.1], Flags()) == [0.7, 0.2, 0.1]


@pytest.mark.parametrize("flags", ALL_FLAGS[1:], ids=str)
def test_it_is_what_a_higher_temperature_would_be(flags: Flags) -> None:
    logits = [2.0, 1.0, -1.0]

    def softmax(temperature: float) -> list[float]:
        weights = [math.exp(logit / temperature) for logit in logits]
        return [weight / sum(weights) for weight in weights]

    assert degrade(softmax(0.5), flags) == pytest.approx(softmax(0.5 * factor(flags)))
    assert factor(flags) > 1


def test_each_further_fault_costs_further_confidence() -> None:
    for flags in ALL_FLAGS:
        for name in ("gap", "clipping", "noise"):
            if not getattr(flags, name):
                worse = Flags(**{each: each == name or getattr(flags, each) for each in ("gap", "clipping", "noise")})
                assert factor(worse) > factor(flags)
