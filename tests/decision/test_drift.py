"""Drift is told when the last utterances are unlike the reference, once, and not before there are enough of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import demo

from edge_ser import Recognizer
from edge_ser.decision.drift import DECISIONS, Drift, stability_index
from edge_ser.errors import ModelFileError
from edge_ser.pipeline import Pipeline, drift_measures
from edge_ser.student.metadata import DriftReference, Histogram, Metadata
from edge_ser.student.model_file import ModelFile
from edge_ser.student.strict import from_json, to_json

MODEL = ModelFile.load_bundled()
LABELS = (*MODEL.metadata.labels, "uncertain")
SHARES = {label: 1 / len(LABELS) for label in LABELS}
WINDOW = 40
REFERENCE = DriftReference(
    {"snr_db": Histogram((10.0, 40.0), (0.02, 0.96, 0.02))}, SHARES, {"snr_db": 0.25, DECISIONS: 1.5}, 1000, WINDOW
)


def run(drift: Drift, values: np.ndarray, seed: int = 0) -> list[bool]:
    rng = np.random.default_rng(seed)
    return [drift.add({"snr_db": value}, LABELS[rng.integers(len(LABELS))]) for value in values]


def usual(count: int, seed: int = 0) -> np.ndarray:
    """Return values of which 4 of 100 are in the tails of the reference."""
    return np.random.default_rng(seed).normal(25, 15 / 2.054, count)


def test_more_of_the_same_is_no_drift() -> None:
    drift = Drift(REFERENCE)
    assert sum(run(drift, usual(8000))) < 6  # of 200 windows that have nothing in common
    # One person at one distance is no drift either.
    drift.reset()
    assert not any(run(drift, np.full(500, 17.0)))


def test_a_drift_is_told_once_and_again_when_it_comes_again() -> None:
    drift = Drift(REFERENCE)
    told = run(drift, np.concatenate([usual(100), usual(100) - 20, usual(100), usual(100) - 20]))
    begun = np.flatnonzero(told)
    assert len(begun) == 2
    assert 100 < begun[0] < 100 + WINDOW / 2
    assert 300 < begun[1] < 300 + WINDOW / 2


def test_what_is_decided_drifts_too() -> None:
    drift = Drift(REFERENCE)
    told = [drift.add({"snr_db": 25.0}, "angry") for _ in range(60)]
    assert np.flatnonzero(told).tolist() == [WINDOW - 1]
    assert drift.indices[DECISIONS] > 1 > drift.indices["snr_db"]


def test_nothing_is_told_before_the_window_is_full_and_a_new_stream_begins_anew() -> None:
    drift = Drift(REFERENCE)
    assert not any(run(drift, np.zeros(WINDOW - 1)))
    assert drift.score == 0
    drift.reset()
    assert not any(run(drift, np.zeros(WINDOW - 1)))
    assert any(run(drift, np.zeros(1)))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(-20, 60), st.sampled_from(LABELS)), min_size=WINDOW, max_size=120))
def test_the_indices_are_those_of_the_last_window_alone(said: list[tuple[float, str]]) -> None:
    drift, fresh = Drift(REFERENCE), Drift(REFERENCE)
    for value, decision in said:
        drift.add({"snr_db": value}, decision)
    for value, decision in said[-WINDOW:]:
        fresh.add({"snr_db": value}, decision)
    assert drift.indices == fresh.indices


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=9).filter(any), st.data())
def test_the_stability_index_is_never_negative_and_zero_for_the_same(counts: list[int], data: Any) -> None:
    weights = data.draw(st.lists(st.floats(0.01, 1), min_size=len(counts), max_size=len(counts)))
    shares = [weight / sum(weights) for weight in weights]
    assert stability_index(counts, shares) >= -1e-12
    same = [100_000 * weight for weight in shares]
    assert stability_index(same, shares) == pytest.approx(0, abs=1e-9)


def metadata_with(**changes: Any) -> Metadata:
    return dataclasses.replace(MODEL.metadata, drift=dataclasses.replace(REFERENCE, **changes))


def test_a_reference_is_part_of_the_metadata_and_a_file_without_it_stays_as_it_was() -> None:
    metadata = metadata_with()
    assert from_json(to_json(metadata), Metadata) == metadata
    assert "drift" not in to_json(dataclasses.replace(metadata, drift=None))


@pytest.mark.parametrize(
    "changes",
    [
        {"window": 0},
        {"limits": {"snr_db": 0.25}},
        {"limits": {"snr_db": -1.0, DECISIONS: 1.0}},
        {"decisions": {"happy": 1.0}},
        {"decisions": dict.fromkeys(LABELS, 1.0)},
    ],
)
def test_a_reference_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError):
        metadata_with(**changes)


@pytest.mark.parametrize(("edges", "shares"), [((2.0, 1.0), (0.5, 0.2, 0.3)), ((1.0,), (1.0, 0.0)), ((1.0,), (1.0,))])
def test_a_histogram_that_is_none_is_refused(edges: tuple[float, ...], shares: tuple[float, ...]) -> None:
    with pytest.raises(ModelFileError):
        Histogram(edges, shares)


@pytest.fixture(scope="module")
def model() -> ModelFile:
    """A model whose reference is the embedded recording as it is; six utterances are compared at a time."""
    pipeline = Pipeline(MODEL)
    heard = []
    for first in range(0, 3 * len(demo()), 1280):
        pipeline.push(np.take(demo(), np.arange(first, first + 1280), mode="wrap"))
        heard += pipeline.take_ended()
    rows = [drift_measures(each) for each in heard]
    measures = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        measures[name] = Histogram((min(values) - 0.5, max(values) + 0.5), (0.02, 0.96, 0.02))
    limits = {**dict.fromkeys(rows[0], 0.25), DECISIONS: 99.0}
    reference = DriftReference(measures, SHARES, limits, len(rows), window=6)
    return dataclasses.replace(MODEL, metadata=dataclasses.replace(MODEL.metadata, drift=reference))


@pytest.mark.parametrize("block", [333, 1600, 160_000])
def test_the_board_tells_a_quieter_microphone_and_not_the_same_one(model: ModelFile, block: int) -> None:
    """And counts what has ended; however the stream is cut."""
    pipeline = Pipeline(model)
    same = np.tile(demo(), 3)
    quieter = np.rint(np.tile(demo(), 3) / 10).astype(np.int16)
    events = []
    for pcm in (same, quieter):
        events.append([event for i in range(0, len(pcm), block) for event in pipeline.push(pcm[i : i + block])])
    assert not any("drift" in event.notices for event in events[0])
    assert [event.time for event in events[1] if "drift" in event.notices] == pytest.approx([45.04])
    assert pipeline.drift > 1


def test_the_recogniser_counts_utterances_alerts_and_fallbacks(model: ModelFile) -> None:
    recognizer = Recognizer(model)
    pcm = np.concatenate([np.tile(demo(), 2), np.rint(np.tile(demo(), 3) / 10).astype(np.int16)])
    pcm[: len(demo())] = np.clip(pcm[: len(demo())].astype(int) * 30, -32768, 32767)
    events = list(recognizer.listen(pcm, sample_rate=16000))
    stats = recognizer.stats()
    assert stats.drift_alerts == sum("drift" in event.notices for event in events) == 1
    assert stats.drift > 1
    assert stats.utterances >= 15
    assert 1 <= stats.degraded_utterances <= 5  # those that clip
    assert 0 <= stats.uncertain_utterances < stats.utterances


def test_without_a_reference_nothing_is_told_but_utterances_are_counted() -> None:
    recognizer = Recognizer()
    recognizer.recognize(np.tile(demo(), 3), sample_rate=16000)
    stats = recognizer.stats()
    assert (stats.drift, stats.drift_alerts) == (0, 0)
    assert stats.utterances > 5
