"""From the soonest decision to the surest: named bundles of what decisions obey.

What each costs, in seconds until a decision and in false events an hour, is measured by `edge-ser-bench presets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edge_ser.errors import SettingsError
from edge_ser.settings import Settings
from edge_ser.student.metadata import Decision


@dataclass(frozen=True, slots=True)
class Preset:
    """A bundle; what depends on the student is said relative to its model file."""

    coverage: float
    """Share of recordings that get a decision: gives the threshold for `uncertain`."""

    hysteresis: float
    """Probability by which a new emotion must lead the present one."""

    minimum_dwell_seconds: float
    """That an emotion is kept at least."""

    warm_ups: float
    """Speech before the first decision on an utterance, in the model file's `warm_up_seconds`."""

    half_life_seconds: float
    """After so long a moment of speech weighs half of what it did."""


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "responsive": Preset(0.9, 0.02, 0.25, 0.5, half_life_seconds=1.5),
        "balanced": Preset(0.8, 0.05, 0.5, 1.0, half_life_seconds=4.0),
        "careful": Preset(0.4, 0.05, 1.0, 2.0, half_life_seconds=10.0),
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decisions obey: numbers, wherever each of them came from."""

    uncertain_below: float
    hysteresis: float
    minimum_dwell_seconds: float
    warm_up_seconds: float
    half_life_seconds: float

    candidates_from: float | None = None
    """Probability from which a label may be the right one; None where candidates are not asked for."""


def rules(settings: Settings, decision: Decision) -> Rules:
    """Return what holds: the settings' own fields, else the preset's, which the model file gives meaning.

    Raises
    ------
    SettingsError
        The model file does not know which labels are candidates for so large a share of recordings.

    Examples
    --------
    >>> decision = Decision(1.0, 0.5, 0.8, warm_up_seconds=0.8, hangover_seconds=0.5)
    >>> rules(Settings(preset="careful", hysteresis=0.2), decision).hysteresis
    0.2
    """
    preset = PRESETS[settings.preset]
    threshold = settings.uncertain_below
    if threshold is None:
        threshold = decision.threshold_at(_first(settings.coverage, preset.coverage))
    return Rules(
        threshold,
        _first(settings.hysteresis, preset.hysteresis),
        _first(settings.minimum_dwell_seconds, preset.minimum_dwell_seconds),
        _first(settings.warm_up_seconds, preset.warm_ups * decision.warm_up_seconds),
        _first(settings.half_life_seconds, preset.half_life_seconds),
        None if settings.candidates is None else _candidates_from(settings.candidates, decision),
    )


def _candidates_from(share: float, decision: Decision) -> float:
    at_least = decision.candidate_at(share)
    if at_least is None:
        known = ", ".join(f"{each.coverage:g}" for each in decision.candidates or ())
        cure = f"Ask for one of {known}" if known else "Leave it out, or make the model again with edge-ser-convert"
        raise SettingsError(f"The model file knows no candidates for {share:g} of recordings", cure)
    return at_least


def _first(asked: float | None, otherwise: float) -> float:
    return otherwise if asked is None else asked
