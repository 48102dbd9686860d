"""Candidates hold the right label as often as they say, of recordings like those they were calibrated on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.calibration import HELD, calibrated
from convert.conformal import conformal_threshold
from convert.corpora.manifest import Clip
from convert.evaluate.candidates import judge_candidates
from convert.evaluate.students import Answers
from edge_ser.student.metadata import Metadata
from edge_ser.student.model_file import ModelFile

N = 3000
FOUR = ("neutral", "happy", "sad", "angry")


def heard(seed: int) -> tuple[NDArray[np.float64], list[str], Metadata]:
    """Return logits of a student that is right more often than not, and the classes that were spoken."""
    metadata = ModelFile.load_bundled().metadata
    rng = np.random.default_rng(seed)
    spoken = rng.integers(len(metadata.classes), size=N)
    logits = rng.normal(size=(N, len(metadata.classes)))
    logits[np.arange(N), spoken] += 1.5
    return logits, [metadata.classes[place] for place in spoken], metadata


def calibrated_metadata(logits: NDArray[np.float64], spoken: list[str], metadata: Metadata) -> Metadata:
    naming = dict(metadata.label_of_class)
    weight = np.ones(N)
    everything = calibrated(logits, [naming[each] for each in spoken], naming, weight)
    among = [place for place, each in enumerate(spoken) if naming[each] in FOUR]
    kept = {name: label for name, label in naming.items() if label in FOUR}
    classes = [metadata.classes.index(name) for name in kept]
    four = calibrated(logits[np.ix_(among, classes)], [naming[spoken[place]] for place in among], kept, weight[among])
    decision = replace(
        metadata.decision,
        temperature=everything.temperature,
        thresholds=everything.thresholds,
        candidates=everything.candidates,
        label_sets={"four": four},
    )
    return replace(metadata, decision=decision)


def test_candidates_of_all_labels_and_of_a_set_hold_what_they_promise() -> None:
    metadata = calibrated_metadata(*heard(0))
    logits, spoken, _ = heard(1)
    clips = [Clip("one", str(i), "one/a", "f", name, "", "", "en", "") for i, name in enumerate(spoken)]
    found = judge_candidates(metadata, Answers(logits, np.ones(N, bool)), clips)
    assert [(each.name, each.coverage) for each in found] == [
        (name, coverage) for name in ("all 7", "four") for coverage in HELD
    ]
    for each in found:
        assert each.held == pytest.approx(each.coverage, abs=0.025)
        assert 1 <= each.labels < (7 if each.name == "all 7" else 4)


def test_the_right_labels_left_out_of_a_set_do_not_count() -> None:
    metadata = calibrated_metadata(*heard(0))
    clip = Clip("one", "1", "one/a", "f", "fearful", "", "", "en", "")
    found = judge_candidates(metadata, Answers(np.zeros((1, 8)), np.ones(1, bool)), [clip])
    assert {each.name for each in found} == {"all 7"}


def test_weights_of_recordings_count_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.ones(3), size=50)
    spoken = rng.integers(3, size=50)
    twice = np.concatenate([np.arange(50), np.arange(25)])
    weight = np.where(np.arange(50) < 25, 2.0, 1.0)
    weighted = conformal_threshold(shares, spoken, 0.8, weight)
    repeated = conformal_threshold(shares[twice], spoken[twice], 0.8)
    assert weighted == pytest.approx(repeated, abs=0.03)  # but for the recording to come, one of 51 or of 76


def test_so_many_are_promised_only_where_enough_were_heard() -> None:
    shares = np.array([[0.9, 0.1], [0.8, 0.2]])
    assert conformal_threshold(shares, np.array([0, 0]), 0.95) == 0.0
