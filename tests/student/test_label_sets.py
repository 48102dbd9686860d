"""A set of the labels, from the same file: the others cannot occur, and confidence is calibrated for the set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from edge_ser.decision.calibration import Calibration
from edge_ser.errors import ModelFileError, SettingsError
from edge_ser.student.metadata import Candidacy, LabelSet, Threshold
from edge_ser.student.model_file import ModelFile

FOUR = ("neutral", "happy", "sad", "angry")
SET = LabelSet(FOUR, 0.5, (Threshold(0.5, 0.9), Threshold(1.0, 0.4)), (Candidacy(0.8, 0.3), Candidacy(0.9, 0.1)))


def holding(model: ModelFile, sets: Mapping[str, LabelSet] | None) -> ModelFile:
    """Return the model with these sets of labels."""
    decision = replace(model.metadata.decision, label_sets=sets)
    return replace(model, metadata=replace(model.metadata, decision=decision))


def test_all_that_is_said_is_of_the_set(model: ModelFile) -> None:
    metadata = holding(model, {"four": SET}).among("four").metadata
    assert metadata.labels == FOUR == tuple(metadata.affect)
    assert set(metadata.label_of_class) == {*FOUR, "calm"}
    assert metadata.decision.temperature == 0.5
    assert metadata.decision.threshold_at(0.75) == pytest.approx(0.65)
    assert metadata.neutral_classes == model.metadata.neutral_classes


def test_a_label_is_as_probable_as_if_the_others_had_never_been(model: ModelFile) -> None:
    whole = Calibration(model.metadata)
    temperature = model.metadata.decision.temperature
    part = Calibration(holding(model, {"four": replace(SET, temperature=temperature)}).among("four").metadata)
    logits = [0.3, -0.2, 1.0, 0.1, -1.0, 3.0, 2.0, 0.5]
    shares = dict(zip(whole.labels, whole(logits), strict=True))
    total = sum(shares[label] for label in FOUR)
    assert part(logits) == pytest.approx([shares[label] / total for label in FOUR])
    assert part.uniform() == [0.25] * 4


def test_without_a_name_nothing_changes(model: ModelFile) -> None:
    assert model.among(None) is model


def test_a_set_that_is_not_there_is_named_with_those_that_are(model: ModelFile) -> None:
    with pytest.raises(SettingsError, match=r"no set of labels 'five'.*Choose one of four"):
        holding(model, {"four": SET}).among("five")
    with pytest.raises(SettingsError, match="this model has none"):
        holding(model, None).among("four")


def test_a_set_survives_the_file(model: ModelFile) -> None:
    changed = holding(model, {"four": SET})
    assert ModelFile.from_bytes(changed.to_bytes()).metadata.decision == changed.metadata.decision


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"labels": ("happy",)}, "fewer than two"),
        ({"labels": ("happy", "happy")}, "one twice"),
        ({"temperature": 0.0}, "temperature"),
        ({"thresholds": ()}, "no thresholds"),
        ({"thresholds": (Threshold(0.5, 0.4), Threshold(1.0, 0.9))}, "covers more"),
        ({"candidates": (Candidacy(0.9, 0.1), Candidacy(0.8, 0.3))}, "order"),
        ({"candidates": (Candidacy(0.8, 0.1), Candidacy(0.9, 0.3))}, "cover less"),
    ],
)
def test_a_set_that_contradicts_itself_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ModelFileError, match=problem):
        replace(SET, **changes)  # type: ignore[arg-type]


def test_a_set_with_labels_of_its_own_is_refused(model: ModelFile) -> None:
    with pytest.raises(ModelFileError, match="'moods' has others"):
        holding(model, {"moods": replace(SET, labels=("happy", "grumpy"))})


@pytest.mark.parametrize(("coverage", "at_least"), [(0.5, 0.3), (0.8, 0.3), (0.85, 0.1), (0.9, 0.1), (0.95, None)])
def test_candidates_hold_at_least_the_share_that_was_asked_for(
    model: ModelFile, coverage: float, at_least: float | None
) -> None:
    decision = model.metadata.decision.among(SET)
    assert decision.candidate_at(coverage) == at_least
