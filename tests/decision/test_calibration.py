"""Probabilities by label, and valence and arousal of them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ser.decision.affect import AffectMap
from edge_ser.decision.calibration import Calibration
from edge_ser.student.metadata import Metadata
from edge_ser.student.model_file import ModelFile

METADATA = ModelFile.load_bundled().metadata
LOGITS = st.lists(st.floats(-1000, 1000), min_size=len(METADATA.classes), max_size=len(METADATA.classes))


def with_temperature(temperature: float) -> Metadata:
    return dataclasses.replace(METADATA, decision=dataclasses.replace(METADATA.decision, temperature=temperature))


@given(LOGITS, st.floats(0.05, 20))
def test_probabilities_sum_to_one(logits: list[float], temperature: float) -> None:
    probabilities = Calibration(with_temperature(temperature))(logits)
    assert len(probabilities) == len(METADATA.labels)
    assert math.fsum(probabilities) == pytest.approx(1.0)
    assert min(probabilities) >= 0


@given(LOGITS)
def test_a_label_has_the_sum_of_its_classes(logits: list[float]) -> None:
    probabilities = Calibration(with_temperature(2.0))(logits)
    weights = np.exp((np.array(logits) - max(logits)) / 2.0)
    for label, probability in zip(METADATA.labels, probabilities, strict=True):
        rows = [i for i, name in enumerate(METADATA.classes) if METADATA.label_of_class[name] == label]
        assert probability == pytest.approx(weights[rows].sum() / weights.sum())


def test_temperature_moves_confidence_towards_chance() -> None:
    logits = [float(place) for place in range(len(METADATA.classes))]
    confidence = [max(Calibration(with_temperature(t))(logits)) for t in (0.5, 1.0, 2.0, 1000.0)]
    assert confidence == sorted(confidence, reverse=True)
    assert confidence[-1] == pytest.approx(2 / len(METADATA.classes), abs=0.01)  # neutral has two classes


def test_nothing_heard_is_uniform() -> None:
    np.testing.assert_allclose(Calibration(METADATA).uniform(), 1 / len(METADATA.labels))


@pytest.mark.parametrize("label", METADATA.labels)
def test_certainty_lies_where_its_label_lies(label: str) -> None:
    probabilities = [float(name == label) for name in METADATA.labels]
    place = METADATA.affect[label]
    assert AffectMap(METADATA)(probabilities) == (place.valence, place.arousal)


@given(LOGITS)
def test_affect_stays_in_its_plane(logits: list[float]) -> None:
    valence, arousal = AffectMap(METADATA)(Calibration(METADATA)(logits))
    assert -1 <= valence <= 1
    assert -1 <= arousal <= 1


def test_between_two_labels_lies_between_their_places() -> None:
    probabilities = [0.5 * (name in ("happy", "sad")) for name in METADATA.labels]
    happy, sad = METADATA.affect["happy"], METADATA.affect["sad"]
    valence, arousal = AffectMap(METADATA)(probabilities)
    assert valence == pytest.approx((happy.valence + sad.valence) / 2)
    assert arousal == pytest.approx((happy.arousal + sad.arousal) / 2)
