"""Losses beside the cross-entropy: each is what its paper says, and pulls where it should."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.curriculum import easy_ones
from convert.errors import TrainingError
from convert.examples import Examples
from convert.loss_options import Losses
from convert.losses import Objective, Targets, masked_cross_entropy
from convert.losses.adversary import Adversary
from convert.losses.affect import affect_distance, hierarchy
from convert.losses.calibration import WIDTH, calibration
from convert.losses.contrastive import TEMPERATURE, contrastive
from convert.losses.focal import focal
from convert.mixup import mix

N = 3
PLACES = np.array([[0, 0], [0.8, 0.5], [-0.5, 0.6]], np.float32)  # neutral, happy, angry

logits_of = st.lists(st.floats(-8, 8, width=32), min_size=N, max_size=N)


def counts(batch: int) -> tf.Tensor:
    return tf.tile(tf.range(N)[None], (batch, 1))


def one_hot(*classes: int) -> tf.Tensor:
    return tf.one_hot(classes, N)


@settings(deadline=None, max_examples=30)
@given(logits_of, st.integers(0, N - 1), st.floats(0, 4))
def test_focal_loss_is_the_cross_entropy_times_what_was_not_believed(logits, target: int, gamma: float) -> None:
    given_ = (tf.constant([logits]), one_hot(target), counts(1))
    plain = float(masked_cross_entropy(*given_)[0])
    expected = max(1 - np.exp(-plain), 1e-6) ** gamma * plain
    assert float(focal(*given_, gamma)[0]) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_the_calibration_error_is_that_of_its_formula_and_nothing_where_confidence_is_right() -> None:
    logits, classes = np.array([[2, 0, 0], [0, 1, 0], [0, 0, 3]], np.float32), [0, 0, 2]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    error = (shares.argmax(1) == classes) - shares.max(1)
    kernel = np.exp(-np.abs(shares.max(1)[:, None] - shares.max(1)) / WIDTH)
    found = calibration(tf.constant(logits), one_hot(*classes), counts(3)).numpy()
    assert found.mean() == pytest.approx((error[:, None] * error * kernel).mean(), rel=1e-4)
    sure = calibration(tf.constant(40 * np.eye(3, dtype=np.float32)), one_hot(0, 1, 2), counts(3)).numpy()
    np.testing.assert_allclose(sure, 0, atol=1e-6)


def test_a_near_emotion_costs_less_than_a_far_one() -> None:
    def sure_of(said: int) -> tf.Tensor:
        return 20 * one_hot(said)

    targets = (one_hot(2), counts(1), tf.constant(PLACES))  # angry
    for loss in (affect_distance, hierarchy):
        right, neutral, happy = (float(loss(sure_of(said), *targets)[0]) for said in (2, 0, 1))
        assert right == pytest.approx(0, abs=1e-4)
        assert happy > 0.5
        assert neutral > 0.5
    assert float(affect_distance(sure_of(1), *targets)[0]) == pytest.approx(1.3**2 + 0.1**2, rel=1e-3)
    # Both sides of arousal are asked: taking anger for joy is wrong in valence alone, for neutral in arousal alone.


def test_contrast_is_that_of_its_formula_and_only_mates_draw_near() -> None:
    features = tf.Variable([[1.0, 0.2], [0.1, 1.0], [0.7, 0.7], [-1.0, 0.0]])
    classes, known = tf.constant([0, 0, 1, 0]), tf.constant([1.0, 1.0, 1.0, 0.0])
    with tf.GradientTape() as tape:
        loss = contrastive(features, classes, known)
    unit = features.numpy() / np.linalg.norm(features.numpy(), axis=1, keepdims=True)
    alike = np.exp(unit @ unit.T / TEMPERATURE)
    expected = -np.log(alike[0, 1] / (alike[0].sum() - alike[0, 0]))
    assert float(loss[0]) == pytest.approx(expected, rel=1e-4)
    assert loss.numpy()[2:].tolist() == [0, 0], "a class of one, and one that nobody knows, have no mates"
    moved = features.numpy() - 0.01 * tape.gradient(loss, features).numpy()
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    assert moved[0] @ moved[1] > unit[0] @ unit[1]


def test_the_adversary_learns_who_speaks_and_the_network_to_hide_it() -> None:
    adversary = Adversary(2, seed=0)
    adversary.build(2)
    features, who = tf.Variable([[1.0, 0.0], [-1.0, 0.0], [0.5, 3.0]]), tf.constant([0, 1, -1])
    with tf.GradientTape(persistent=True) as tape:
        loss = adversary(features, who)
        total = tf.reduce_sum(loss)
    assert float(loss[2]) == 0, "of somebody unknown nothing is learnt"

    def after(rate: float, variables: list[tf.Variable]) -> float:
        before = [variable.numpy() for variable in variables]
        for variable, gradient in zip(variables, tape.gradient(total, variables), strict=True):
            variable.assign_sub(rate * gradient)
        found = float(tf.reduce_sum(adversary(features, who)))
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        return found

    assert after(0.1, list(adversary.trainable_variables)) < float(total)
    assert after(0.1, [features]) > float(total)


def targets_of(classes: tf.Tensor, labelled: list[float] | None = None, soft: tf.Tensor | None = None) -> Targets:
    batch = int(classes.shape[0])
    return Targets(
        classes,
        classes if soft is None else soft,
        counts(batch),
        tf.constant(labelled or [1.0] * batch),
        tf.range(batch),
        tf.zeros(batch, tf.int32),
    )


def test_without_a_label_the_teachers_alone_count() -> None:
    objective = Objective(Losses(), 0.5, 1.0, None, 0, 0)
    logits, soft = tf.constant([[1.0, 0.0, 0.0]] * 2), one_hot(1, 1)
    losses = [
        objective.of_answers(logits, targets_of(one_hot(label, label), [1.0, 0.0], soft)).numpy() for label in range(N)
    ]
    assert losses[0][0] != losses[1][0]
    assert losses[0][1] == losses[1][1] == losses[2][1]
    assert losses[0][1] == pytest.approx(float(masked_cross_entropy(logits, soft, counts(2))[1]), rel=1e-4)


def test_terms_add_up_and_what_is_missing_is_said() -> None:
    logits, targets = tf.constant([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]]), targets_of(one_hot(0, 1))
    plain = Objective(Losses(), 0.0, 1.0, None, 0, 0).of_answers(logits, targets)
    more = Objective(Losses(affect=0.5), 0.0, 1.0, PLACES, 0, 0).of_answers(logits, targets)
    term = affect_distance(logits, targets.classes, targets.counts_as, tf.constant(PLACES))
    np.testing.assert_allclose(more - plain, 0.5 * term, rtol=1e-4)
    with pytest.raises(TrainingError, match="valence"):
        Objective(Losses(hierarchy=1.0), 0.0, 1.0, None, 0, 0)


def test_mixup_mixes_sound_and_label_in_the_same_share_and_only_within_what_is_told_apart() -> None:
    batch = 16
    classes = tf.one_hot(np.arange(batch) % N, N)
    inputs = tf.tile(classes[:, None, :, None], (1, 4, 1, 1))  # what is heard is what is meant
    targets = targets_of(classes)
    strange = np.tile(np.arange(N, dtype=np.int32), (batch, 1))
    strange[3, 2] = -1  # of another corpus
    targets = Targets(classes, classes, tf.constant(strange), targets.labelled, targets.speaker, targets.gender)
    heard, meant = mix(inputs, targets, 0.4, tf.constant([1, 2]))
    np.testing.assert_allclose(heard[:, 0, :, 0], meant.classes, atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(meant.classes, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(meant.classes[3], classes[3])
    assert (tf.reduce_max(meant.classes, axis=1).numpy() < 0.99).any()
    assert (tf.argmax(meant.classes, axis=1).numpy() == np.arange(batch) % N).all(), "the larger share is its own"
    again, _ = mix(inputs, targets, 0.4, tf.constant([1, 2]))
    np.testing.assert_array_equal(again, heard)


def test_a_curriculum_begins_with_what_the_teachers_believe_and_ends_with_all() -> None:
    belief = np.linspace(0, 1, 20, dtype=np.float32)
    examples = Examples(
        np.zeros((20, 1), np.int8), np.arange(20), np.ones(20, np.int64), np.full(20, "a"), np.zeros(20, np.int64),
        np.zeros((20, 2), np.int32), np.ones(20, np.float32), np.full(20, 0.05), 20,
    )  # fmt: skip
    with pytest.raises(TrainingError, match="teachers"):
        easy_ones(examples, 0, 10)
    taught = examples.with_soft(np.stack([belief, 1 - belief], axis=1))
    drawn = [np.flatnonzero(easy_ones(taught, epoch, 10).probability) for epoch in range(11)]
    assert drawn[0].tolist() == [15, 16, 17, 18, 19]
    assert all(set(before) <= set(after) for before, after in pairwise(drawn))
    assert len(drawn[10]) == 20
