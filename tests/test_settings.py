"""Impossible settings are refused where they are made."""

from __future__ import annotations

import pytest

from edge_ser.errors import SettingsError
from edge_ser.settings import Settings


def test_defaults_are_possible() -> None:
    assert Settings().model is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 0),
        ("threads", 1.5),
        ("threads", True),
        ("uncertain_below", -0.1),
        ("uncertain_below", 1.1),
        ("uncertain_below", float("nan")),
        ("hysteresis", 2.0),
        ("minimum_dwell_seconds", -1.0),
        ("minimum_dwell_seconds", float("inf")),
        ("minimum_dwell_seconds", float("nan")),
        ("warm_up_seconds", -0.1),
        ("half_life_seconds", 0.0),
        ("half_life_seconds", float("nan")),
        ("coverage", 1.1),
        ("preset", "hasty"),
    ],
)
def test_impossible_values_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(**{name: value})  # type: ignore[arg-type]
    assert name in str(caught.value)


def test_a_threshold_and_the_coverage_that_decides_it_are_not_both_given() -> None:
    with pytest.raises(SettingsError, match="coverage and uncertain_below"):
        Settings(coverage=0.8, uncertain_below=0.5)
