"""Teachers together: nobody who heard a voice answers for it, and the machine above them finds out whom to believe."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.distill import soft_targets
from convert.ensemble import cross_fitted, speaker_folds, stack, stacked_logits, teacher_weights
from convert.errors import TrainingError

N_CLASSES, CLIPS = 3, 240


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=20, max_size=60), st.integers(2, 4))
def test_no_speaker_is_in_two_folds_and_every_row_in_one(speakers: list[int], count: int) -> None:
    names = np.array(speakers)
    if len(set(speakers)) < count:
        with pytest.raises(TrainingError, match="folds"):
            speaker_folds(names, count)
        return
    fold = speaker_folds(names, count)
    for speaker in set(speakers):
        assert len(set(fold[names == speaker])) == 1
    assert set(fold) == set(range(count))


@pytest.fixture
def clips() -> dict[str, np.ndarray]:
    """Two teachers: one knows class 0 from the rest, the other 1 from 2; each is as sure where it guesses."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, N_CLASSES, CLIPS)
    guess = rng.integers(1, N_CLASSES, CLIPS)
    first = np.where(target == 0, 0, guess)
    second = np.where(target == 0, guess, target)
    return {
        "target": target,
        "speakers": rng.integers(0, 8, CLIPS),
        "counts_as": np.tile(np.arange(N_CLASSES, dtype=np.int32), (CLIPS, 1)),
        "first": (3 * np.eye(N_CLASSES)[first] + rng.normal(0, 0.3, (CLIPS, N_CLASSES))).astype(np.float32),
        "second": (3 * np.eye(N_CLASSES)[second] + rng.normal(0, 0.3, (CLIPS, N_CLASSES))).astype(np.float32),
    }


def test_a_stack_knows_more_than_its_teachers_and_their_mean(clips) -> None:
    logits = [clips["first"], clips["second"]]
    fold = speaker_folds(clips["speakers"], 4)
    answers = cross_fitted(logits, clips["target"], clips["counts_as"], clips["speakers"], fold)

    def right(said: np.ndarray) -> float:
        return float(np.mean(said.argmax(axis=1) == clips["target"]))

    mean = right(soft_targets(logits, clips["counts_as"], 1.0))
    assert right(answers) > max(mean, right(clips["first"]), right(clips["second"])) + 0.03
    np.testing.assert_allclose(np.exp(answers).sum(axis=1), 1, atol=1e-3)


def test_a_fold_is_answered_without_having_been_learnt_from(clips) -> None:
    """Labels of a fold may be anything: its own answers do not change."""
    logits = [clips["first"], clips["second"]]
    fold = speaker_folds(clips["speakers"], 4)
    others = (logits, clips["counts_as"], clips["speakers"], fold)
    scrambled = np.where(fold == 2, (clips["target"] + 1) % N_CLASSES, clips["target"])
    before, after = (cross_fitted(others[0], target, *others[1:])[fold == 2] for target in (clips["target"], scrambled))
    np.testing.assert_array_equal(before, after)


def test_classes_that_a_corpus_does_not_have_get_no_share(clips) -> None:
    counts_as = clips["counts_as"].copy()
    counts_as[:10, 2] = -1
    logits = [clips["first"], clips["second"]]
    machine = stack(logits, clips["target"], counts_as, clips["speakers"])
    answers = stacked_logits(machine, logits, counts_as)
    shares = soft_targets([answers], counts_as, 2.0)
    assert (shares[:10, 2] == 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


def test_weights_favour_who_is_right(clips) -> None:
    known = np.log(0.8 * np.eye(N_CLASSES)[clips["target"]] + 0.1).astype(np.float32)
    weights = teacher_weights([clips["first"], known], clips["target"], clips["counts_as"], np.ones(CLIPS))
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > 0.7
    mixed = soft_targets([clips["first"], known], clips["counts_as"], 1.0, weights)
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=1e-5)
