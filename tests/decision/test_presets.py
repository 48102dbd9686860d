"""Presets are ordered, single settings go before them, and the model file gives coverage its threshold."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ser.decision.presets import PRESETS, rules
from edge_ser.errors import ModelFileError
from edge_ser.settings import PRESET_NAMES, Settings
from edge_ser.student.metadata import Decision, Threshold
from edge_ser.student.strict import from_json, to_json

OLD = Decision(1.0, 0.44, 0.8, warm_up_seconds=0.8, hangover_seconds=0.5)
TABLE = (Threshold(0.2, 0.9), Threshold(0.6, 0.5), Threshold(0.8, 0.44), Threshold(1.0, 0.2))
NEW = dataclasses.replace(OLD, thresholds=TABLE)


def test_every_name_has_its_preset_in_the_order_of_care() -> None:
    assert tuple(PRESETS) == PRESET_NAMES
    for hasty, careful in pairwise(rules(Settings(preset=name), NEW) for name in PRESETS):
        assert hasty.uncertain_below < careful.uncertain_below
        assert hasty.hysteresis <= careful.hysteresis
        assert hasty.minimum_dwell_seconds < careful.minimum_dwell_seconds
        assert hasty.warm_up_seconds < careful.warm_up_seconds
        assert hasty.half_life_seconds < careful.half_life_seconds


def test_the_default_is_what_the_model_file_was_made_for() -> None:
    found = rules(Settings(), OLD)
    assert (found.uncertain_below, found.warm_up_seconds) == (OLD.uncertain_below, OLD.warm_up_seconds)
    assert PRESETS[Settings().preset].coverage == OLD.stated_coverage


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_each_setting_goes_before_its_preset(preset: str) -> None:
    for name, value in (
        ("uncertain_below", 0.33),
        ("hysteresis", 0.0),
        ("minimum_dwell_seconds", 0.0),
        ("warm_up_seconds", 0.0),
        ("half_life_seconds", math.inf),
    ):
        before = rules(Settings(preset=preset), NEW)
        assert rules(Settings(preset=preset, **{name: value}), NEW) == dataclasses.replace(before, **{name: value})


def test_any_coverage_can_be_asked_for() -> None:
    asked = {
        coverage: rules(Settings(coverage=coverage), NEW).uncertain_below for coverage in (0.0, 0.2, 0.4, 0.8, 1.0)
    }
    assert asked == {0.0: 0.9, 0.2: 0.9, 0.4: pytest.approx(0.7), 0.8: 0.44, 1.0: 0.2}


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_coverage_never_asks_for_more_confidence(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert NEW.threshold_at(low) >= NEW.threshold_at(high)


@pytest.mark.parametrize("coverage", [0.0, 0.5, 1.0])
def test_an_older_file_has_one_threshold_for_all(coverage: float) -> None:
    assert OLD.threshold_at(coverage) == OLD.uncertain_below


def test_the_table_survives_the_model_file_and_may_be_missing_from_it() -> None:
    assert from_json(to_json(NEW), Decision) == NEW
    assert "thresholds" not in to_json(OLD)
    assert from_json(to_json(OLD), Decision) == OLD


@pytest.mark.parametrize(
    "table",
    [
        (Threshold(0.8, 0.4), Threshold(0.6, 0.5)),
        (Threshold(0.6, 0.5), Threshold(0.6, 0.4)),
        (Threshold(0.6, 0.4), Threshold(0.8, 0.5)),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(table: tuple[Threshold, ...]) -> None:
    with pytest.raises(ModelFileError, match="threshold"):
        dataclasses.replace(OLD, thresholds=table)
