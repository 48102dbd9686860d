"""Training: losses teach what they should and no more, and an interrupted run ends where an unbroken one does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures import architecture
from convert.distill import soft_targets
from convert.errors import TrainingError
from convert.examples import Batch, Examples, epoch_batches
from convert.loss_options import Losses
from convert.losses import distillation, masked_cross_entropy
from convert.predict import predict
from convert.recipe import Distillation, Training
from convert.train import WEIGHTS, train

N_MFCC, N_CLASSES, LSB_PER_STD = 8, 3, 24.0
ARCHITECTURE = architecture(
    "streaming_cnn", n_mfcc=N_MFCC, n_classes=N_CLASSES, channels=[4, 6], pools=[4, 2], embedding=8, dilations=[1]
)
TRAINING = Training(
    epochs=6, batch_size=16, learning_rate=0.02, averaging=0.8, max_frames=80, time_mask_frames=8, coefficient_mask=1
)

PATTERNS = np.array([[1] * N_MFCC, [-1] * N_MFCC, [1, -1] * (N_MFCC // 2)])

logits_of = st.lists(st.floats(-20, 20), min_size=N_CLASSES, max_size=N_CLASSES)
masks = st.lists(st.booleans(), min_size=N_CLASSES, max_size=N_CLASSES).filter(any)


@pytest.fixture(scope="module")
def examples() -> Examples:
    """96 stretches of noise, each upon the pattern of its class."""
    rng = np.random.default_rng(0)
    frames = rng.integers(5, 11, 96) * 8  # at most 80: one shape, one graph
    target = rng.integers(0, N_CLASSES, 96)
    features = rng.normal(0, LSB_PER_STD / 2, (frames.sum(), N_MFCC))
    features += 2 * LSB_PER_STD * PATTERNS[np.repeat(target, frames)]
    return Examples(
        features=np.clip(np.rint(features), -128, 127).astype(np.int8),
        start=np.cumsum([0, *frames[:-1]]),
        frames=frames,
        corpus=np.full(96, "one"),
        target=target,
        counts_as=np.tile(np.arange(N_CLASSES, dtype=np.int32), (96, 1)),
        weight=np.ones(96, np.float32),
        probability=np.full(96, 1 / 96),
        draws=96,
    )


def network() -> keras.Model:
    tf.keras.utils.set_random_seed(0)
    return ARCHITECTURE.build()


def run(examples: Examples, folder: Path, training: Training = TRAINING, **options) -> keras.Model:
    model = network()
    folder.mkdir(exist_ok=True)
    frames_per_step = ARCHITECTURE.frames_per_step
    train(
        model, examples, training, folder, lsb_per_std=LSB_PER_STD, frames_per_step=frames_per_step, seed=1, **options
    )
    return model


def answers(model: keras.Model, examples: Examples) -> np.ndarray:
    return predict(model, examples, lsb_per_std=LSB_PER_STD, frames_per_step=ARCHITECTURE.frames_per_step)


@pytest.fixture(scope="module")
def trained(examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    folder = tmp_path_factory.mktemp("trained")
    return run(examples, folder), folder


def counts_of(allowed: list[bool]) -> np.ndarray:
    """Return what the classes of one clip count as where each of these counts as itself and the others as nothing."""
    return np.where(allowed, np.arange(len(allowed)), -1).astype(np.int32)[None]


@settings(deadline=None, max_examples=50)
@given(logits_of, masks, st.floats(-20, 20))
def test_classes_that_a_corpus_does_not_have_teach_nothing(logits, allowed, other: float) -> None:
    target = np.array(allowed, float) / sum(allowed)
    moved = [value if known else other for value, known in zip(logits, allowed, strict=True)]
    losses = []
    for values in (logits, moved):
        variable = tf.Variable([values])
        with tf.GradientTape() as tape:
            loss = masked_cross_entropy(variable, tf.constant([target], tf.float32), tf.constant(counts_of(allowed)))
        gradient = tape.gradient(loss, variable).numpy()[0]
        losses.append(float(loss[0]))
        assert not gradient[~np.array(allowed)].any()
        assert np.isfinite(gradient).all()
    assert losses[0] == losses[1]


@settings(deadline=None, max_examples=50)
@given(logits_of, logits_of, masks, st.floats(1, 8))
def test_distillation_is_zero_for_the_teachers_own_answer_and_never_less(
    student, teacher, allowed, temperature
) -> None:
    mask, counts_as = np.array([allowed]), counts_of(allowed)
    soft = soft_targets([np.array([teacher], np.float32)], counts_as, temperature)
    assert soft.sum() == pytest.approx(1, abs=1e-5)
    assert not soft[~mask].any()
    losses = [
        float(distillation(tf.constant([values]), tf.constant(soft), tf.constant(counts_as), temperature)[0])
        for values in (teacher, student)
    ]
    assert losses[0] == pytest.approx(0, abs=1e-3)
    assert losses[1] >= -1e-3


@settings(deadline=None, max_examples=50)
@given(logits_of, logits_of)
def test_a_class_that_is_not_told_apart_counts_as_its_mate(logits, teacher) -> None:
    counts_as = np.arange(len(logits), dtype=np.int32)[None]
    counts_as[0, 1] = 0
    shares = np.exp(np.array(logits, np.float64))
    right = np.eye(len(logits), dtype=np.float32)[:1]
    loss = float(masked_cross_entropy(tf.constant([logits]), tf.constant(right), tf.constant(counts_as))[0])
    assert loss == pytest.approx(-np.log((shares[0] + shares[1]) / shares.sum()), abs=1e-4)
    soft = soft_targets([np.array([teacher], np.float32)], counts_as, 1.0)[0]
    odds = np.exp(np.array(teacher, np.float64))
    assert soft[0] == pytest.approx((odds[0] + odds[1]) / odds.sum(), abs=1e-5)
    assert soft[1] == 0


def test_several_teachers_count_alike() -> None:
    one, other = np.array([[5.0, 0.0]], np.float32), np.array([[0.0, 5.0]], np.float32)
    np.testing.assert_allclose(soft_targets([one, other], counts_of([True, True]), 2.0), [[0.5, 0.5]], atol=1e-6)


def test_what_can_be_learnt_is_learnt(trained, examples: Examples) -> None:
    logits = answers(trained[0], examples)
    assert np.mean(logits.argmax(axis=1) == examples.target) > 0.9
    losses = [float(line.split(",")[1]) for line in (trained[1] / "epochs.csv").read_text().splitlines()]
    assert len(losses) == TRAINING.epochs
    assert losses[-1] < losses[0] / 2


def test_an_interrupted_run_ends_with_the_weights_of_an_unbroken_one(
    trained, examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0

    def interrupted(*arguments: Any) -> Iterator[Batch]:
        nonlocal steps
        for batch in epoch_batches(*arguments):
            steps += 1
            if steps == 6 * 3 + 2:  # in the fourth epoch of six steps
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr("convert.train.epoch_batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(examples, tmp_path)
    monkeypatch.undo()
    assert not (tmp_path / WEIGHTS).exists()
    for resumed, unbroken in zip(run(examples, tmp_path).get_weights(), trained[0].get_weights(), strict=True):
        np.testing.assert_allclose(resumed, unbroken, rtol=1e-4, atol=1e-5)


def test_the_written_weights_are_those_of_the_returned_model(trained, examples: Examples) -> None:
    model = network()
    model.load_weights(trained[1] / WEIGHTS)
    np.testing.assert_array_equal(answers(model, examples), answers(trained[0], examples))


def test_an_answer_does_not_depend_on_the_batch_it_is_in(trained, examples: Examples) -> None:
    alone = np.concatenate([answers(trained[0], only(examples, index)) for index in range(4)])
    np.testing.assert_allclose(alone, answers(trained[0], examples)[:4], atol=1e-4)


def only(examples: Examples, index: int) -> Examples:
    part = slice(index, index + 1)
    return Examples(
        examples.features,
        *(getattr(examples, name)[part] for name in ("start", "frames", "corpus", "target", "counts_as", "weight")),
        probability=np.ones(1),
        draws=1,
    )


def test_a_student_learns_from_teachers_alone(examples: Examples, tmp_path: Path) -> None:
    wrong = (examples.target + 1) % N_CLASSES  # what the teachers say, against the labels
    soft = np.eye(N_CLASSES, dtype=np.float32)[wrong]
    model = run(examples.with_soft(soft), tmp_path, distil=Distillation(temperature=2.0, alpha=1.0))
    assert np.mean(answers(model, examples).argmax(axis=1) == wrong) > 0.8


def test_a_loss_that_is_no_number_stops_the_run(
    examples: Examples, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    tf.config.run_functions_eagerly(True)  # tracing a graph would take longer than the one step
    request.addfinalizer(lambda: tf.config.run_functions_eagerly(False))
    broken = replace(only(examples, 0), weight=np.full(1, np.nan, np.float32))
    with pytest.raises(TrainingError, match="loss") as caught:
        run(broken, tmp_path, Training(epochs=1, batch_size=1, averaging=0.0))
    assert caught.value.cure


def test_all_terms_together_still_learn(examples: Examples, tmp_path: Path) -> None:
    terms = Losses(
        focal=1.0,
        calibration=0.1,
        affect=0.1,
        hierarchy=0.1,
        contrastive=0.1,
        speaker_adversary=0.05,
        gender_adversary=0.05,
    )
    everything = replace(TRAINING, epochs=4, mixup=0.2, curriculum=0.5, losses=terms)
    rows = np.arange(len(examples.target))
    taught = replace(
        examples,
        soft=np.eye(N_CLASSES, dtype=np.float32)[examples.target],
        labelled=rows % 4 > 0,
        speaker=rows % 5,
        gender=rows % 3 - 1,
    )
    places = np.array([[0, 0], [0.8, 0.5], [-0.5, 0.6]], np.float32)
    model = run(taught, tmp_path, everything, distil=Distillation(temperature=1.0, alpha=0.5), places=places)
    assert np.mean(answers(model, examples).argmax(axis=1) == examples.target) > 0.7
