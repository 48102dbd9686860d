"""The one training loop: teachers, student, pruning and quantisation-aware training all pass through it."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from rich.progress import Progress
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert import distribution, watch
from convert.architectures.streaming_cnn import pool, running_pool
from convert.curriculum import easy_ones
from convert.errors import TrainingError
from convert.examples import Batch, Examples, batches_in_order, epoch_batches
from convert.losses import Objective, Targets
from convert.losses.objective import with_features
from convert.mixup import mix
from convert.recipe import Distillation, Training

WEIGHTS = "weights.h5"
GRADIENT_NORM = 2.0  # at most
LEAST_LEARNING_RATE = 0.02  # of the peak, where the cosine ends
FIRST_ANSWER_STEPS = 6  # the earliest answer that is asked for, about half a second
PREDICTION_BATCH = 128

log = logging.getLogger(__name__)

# Layers then draw from generators that can be seeded anew; Keras 2's default cannot.
keras.backend.experimental.enable_tf_random_generator()

Predictions = NDArray[np.float32]


def train(
    model: keras.Model,
    examples: Examples,
    training: Training,
    folder: Path,
    *,
    lsb_per_std: float,
    frames_per_step: int,
    seed: int,
    distil: Distillation | None = None,
    validate: Callable[[keras.Model], float] | None = None,
    places: NDArray[np.float32] | None = None,
) -> None:
    """Train a network, going on from the last whole epoch that `folder` holds, and write `weights.h5` there.

    Parameters
    ----------
    model : keras.Model
        Changed in place; ends with the weights that are written.
    examples : Examples
        What to learn from; with `soft` targets where `distil` is given.
    training : Training
        Epochs, rates and so on.
    folder : Path
        For checkpoints, the log of epochs and the weights.
    lsb_per_std : float
        Of the int8 features.
    frames_per_step : int
        Of the network's output.
    seed : int
        Of the order of clips, masks and dropout.
    distil : Distillation, optional
        How much the teachers count.
    validate : callable, optional
        From the model to a figure that is logged every few epochs; nothing is chosen by it.
    places : float array (n_classes, 2), optional
        Valence and arousal of the classes, for the losses that need them.

    Raises
    ------
    TrainingError
        The loss is not a number.
    """
    tf.keras.utils.set_random_seed(seed)
    steps = max(1, examples.draws // training.batch_size) * training.epochs
    averaged = keras.models.clone_model(model) if training.averaging else model
    averaged.set_weights(model.get_weights())
    optimizer = keras.optimizers.Adam(global_clipnorm=GRADIENT_NORM)
    objective = _objective(examples, training, distil, places, seed)
    step = _make_step(model, averaged, optimizer, objective, training, lsb_per_std, frames_per_step, seed)
    epoch_done = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(
        model=model, averaged=averaged, optimizer=optimizer, epoch=epoch_done, objective=objective
    )
    # Of several machines one may be an epoch ahead when another is lost, so each keeps the epoch before as well.
    kept = 2 if distribution.replicas() > 1 else 1
    manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), max_to_keep=kept)
    if resumed := _restore(checkpoint, manager):
        log.info("goes on after epoch %d", resumed)
    board = watch.writer(folder)
    with Progress(transient=True) as progress, distribution.reporting():
        bar = progress.add_task(folder.name, total=steps, completed=resumed * (steps // training.epochs))
        for epoch in range(resumed, training.epochs):
            # Seeded anew each epoch, so that a run that was interrupted draws what it would have drawn.
            generator = np.random.default_rng([seed, epoch])
            reseed_dropout(model, seed, epoch)
            losses = []
            drawn = (
                easy_ones(examples, epoch, training.curriculum * training.epochs) if training.curriculum else examples
            )
            batches = epoch_batches(drawn, training.batch_size, training.max_frames, generator)
            for nth, batch in enumerate(batches, epoch * (steps // training.epochs)):
                learning_rate = _learning_rate(training, nth, steps)
                optimizer.learning_rate.assign(learning_rate)
                tensors = distribution.shares(_tensors(examples, batch, training))
                loss = step(*tensors, tf.constant(learning_rate, tf.float32), tf.constant(nth, tf.float32))
                losses.append(float(loss))
                progress.advance(bar)
            mean_loss = float(np.mean(losses))
            if not math.isfinite(mean_loss):
                raise TrainingError(f"the loss in epoch {epoch + 1} is {mean_loss}", "lower training.learning_rate")
            epoch_done.assign(epoch + 1)
            manager.save(checkpoint_number=epoch + 1)
            last = epoch + 1 == training.epochs
            figure = validate(averaged) if validate is not None and (last or epoch % 5 == 4) else math.nan
            report = "%s: epoch %d of %d, loss %.4f, validation %.3f"
            log.info(report, folder.name, epoch + 1, training.epochs, mean_loss, figure)
            watch.write(board, epoch + 1, {"loss": mean_loss, "validation UAR": figure, "learning rate": learning_rate})
            with (folder / "epochs.csv").open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([epoch + 1, f"{mean_loss:.5f}", f"{figure:.4f}"])
        model.set_weights(averaged.get_weights())
        model.save_weights(folder / WEIGHTS)
    board.close()


def predict(model: keras.Model, examples: Examples, *, lsb_per_std: float, frames_per_step: int) -> Predictions:
    """Return the logits of each stretch, float32 (n, n_classes)."""
    answers = np.zeros(examples.counts_as.shape, np.float32)

    @tf.function(reduce_retracing=True)
    def answer(features: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        answers = model(_network_input(features, lsb_per_std), training=False)
        logits, attention = (tf.cast(each, tf.float32) for each in answers)
        mask = tf.sequence_mask(_steps(frames, frames_per_step), tf.shape(attention)[1])
        return pool(logits, attention, mask)

    for batch in batches_in_order(examples, PREDICTION_BATCH):
        answers[batch.index] = answer(tf.constant(batch.features), tf.constant(batch.frames)).numpy()
    return answers


def reseed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Make the dropout of an epoch depend on nothing but seed and epoch."""
    for number, layer in enumerate(model.submodules):
        generator = getattr(getattr(layer, "_random_generator", None), "_generator", None)
        if generator is not None:
            generator.reset_from_seed(seed * 1_000_003 + epoch * 1009 + number)


def _make_step(
    model: keras.Model,
    averaged: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    objective: Objective,
    training: Training,
    lsb_per_std: float,
    frames_per_step: int,
    seed: int,
) -> Callable[..., tf.Tensor]:
    decayed = [each for each in model.trainable_variables if "kernel" in each.name]
    network = with_features(model) if training.losses.on_features else model
    if training.losses.on_features:
        objective.build(network.outputs[2].shape[-1])
    variables = [*model.trainable_variables, *objective.trainable_variables]

    def step(
        features: tf.Tensor, frames: tf.Tensor, classes: tf.Tensor, soft: tf.Tensor, counts_as: tf.Tensor,
        labelled: tf.Tensor, speaker: tf.Tensor, gender: tf.Tensor,
        weight: tf.Tensor, learning_rate: tf.Tensor, nth: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        dice = _Dice(seed, nth)
        targets = Targets(classes, soft, counts_as, labelled, speaker, gender)
        inputs = _network_input(features, lsb_per_std)
        if training.mixup:
            inputs, targets = mix(inputs, targets, training.mixup, dice.seed())
        inputs = _masked(inputs, training, dice)
        steps = _steps(frames, frames_per_step)
        with tf.GradientTape() as tape:
            logits, attention, *heard = (tf.cast(each, tf.float32) for each in network(inputs, training=True))
            attention = tf.where(tf.sequence_mask(steps, tf.shape(attention)[1]), attention, -1e9)
            loss = objective.of_answers(pool(logits, attention), targets)
            if training.early_answers:
                early = tf.gather(running_pool(logits, attention), _random_step(steps, dice), axis=1, batch_dims=1)
                loss += training.early_answers * objective.of_answers(early, targets)
            if heard:
                loss += objective.of_features(pool(heard[0], attention), targets)
            loss = tf.reduce_mean(loss * weight)
            if distribution.replicas() > 1:  # the optimiser adds up what each has learnt
                loss /= distribution.replicas()
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        tf.distribute.get_replica_context().merge_call(settle, args=(learning_rate, nth))
        return loss

    def settle(_: tf.distribute.Strategy, learning_rate: tf.Tensor, nth: tf.Tensor) -> None:
        for variable in decayed:
            variable.assign(variable * (1 - learning_rate * training.weight_decay))
        if training.averaging:
            momentum = tf.minimum(training.averaging, (nth + 1) / (nth + 10))
            for mean, variable in zip(averaged.weights, model.weights, strict=True):
                mean.assign(mean * momentum + variable * (1 - momentum))

    return distribution.shared(step)


def _restore(checkpoint: tf.train.Checkpoint, manager: tf.train.CheckpointManager) -> int:
    """Go back to the last epoch that is done, on all machines; return its number, 0 where there is none."""
    own = {int(path.rsplit("-", 1)[1]): path for path in manager.checkpoints}
    last = max(own, default=0)
    if distribution.replicas() > 1:
        last = min(distribution.everywhere(last))
        if last and last not in own:
            raise TrainingError(
                f"{manager.directory} has no checkpoint of epoch {last}", "Delete that folder on every machine"
            )
    if last:
        checkpoint.restore(own[last])
    return last


def _objective(
    examples: Examples, training: Training, distil: Distillation | None, places: NDArray[np.float32] | None, seed: int
) -> Objective:
    n_speakers = 0 if examples.speaker is None else int(examples.speaker.max()) + 1
    alpha, temperature = (0.0, 1.0) if distil is None else (distil.alpha, distil.temperature)
    return Objective(training.losses, alpha, temperature, places, n_speakers, seed)


def _tensors(examples: Examples, batch: Batch, training: Training) -> tuple[tf.Tensor, ...]:
    allowed = examples.allowed[batch.index]
    smooth = training.label_smoothing * allowed / allowed.sum(axis=1, keepdims=True)
    targets = np.eye(allowed.shape[1])[examples.target[batch.index]] * (1 - training.label_smoothing) + smooth
    soft = np.zeros_like(targets) if examples.soft is None else examples.soft[batch.index]
    unknown = np.full(len(batch.index), -1)
    speaker = unknown if examples.speaker is None else examples.speaker[batch.index]
    gender = unknown if examples.gender is None else examples.gender[batch.index]
    labelled = np.ones(len(unknown)) if examples.labelled is None else examples.labelled[batch.index]
    return (
        tf.constant(batch.features),
        tf.constant(batch.frames),
        tf.constant(targets, tf.float32),
        tf.constant(soft, tf.float32),
        tf.constant(examples.counts_as[batch.index]),
        tf.constant(labelled, tf.float32),
        tf.constant(speaker, tf.int32),
        tf.constant(np.where(gender > 1, -1, gender), tf.int32),
        tf.constant(examples.weight[batch.index], tf.float32),
    )


def _learning_rate(training: Training, nth: int, steps: int) -> float:
    """Return the rate at step `nth`: a linear warm-up, then half a cosine."""
    warm = min(1.0, (nth + 1) / max(1.0, training.warm_up * steps))
    cosine = 0.5 * (1 + math.cos(math.pi * nth / steps))
    return training.learning_rate * warm * (LEAST_LEARNING_RATE + (1 - LEAST_LEARNING_RATE) * cosine)


def _steps(frames: tf.Tensor, frames_per_step: int) -> tf.Tensor:
    """Return how many steps of each clip count: at least one, which its padding completes."""
    return tf.maximum(frames // frames_per_step, 1)


def _network_input(features: tf.Tensor, lsb_per_std: float) -> tf.Tensor:
    return tf.cast(features, tf.float32)[..., None] / lsb_per_std


class _Dice:
    """Random numbers that depend on nothing but the seed, the step and how many were drawn before in it."""

    def __init__(self, seed: int, nth: tf.Tensor) -> None:
        self._seed, self._nth, self._drawn = seed, tf.cast(nth, tf.int32), 0
        if distribution.replicas() > 1:  # each has dice of its own
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            self._nth += 1_000_003 * tf.cast(replica, tf.int32)

    def seed(self) -> tf.Tensor:
        """Return a seed (2,) for draws of another kind."""
        self._drawn += 1
        return tf.stack([tf.constant(self._seed * 100 + self._drawn), self._nth])

    def uniform(self, shape: tf.Tensor | tuple[tf.Tensor | int, ...]) -> tf.Tensor:
        """Return float32 numbers from 0 to below 1."""
        return tf.random.stateless_uniform(shape, self.seed())


def _masked(inputs: tf.Tensor, training: Training, dice: _Dice) -> tf.Tensor:
    """Silence random stretches of time and of coefficients (SpecAugment, Park et al., arXiv:1904.08779)."""
    batch, frames, coefficients = tf.shape(inputs)[0], tf.shape(inputs)[1], tf.shape(inputs)[2]
    keep = tf.ones((batch, frames, coefficients))
    for _ in range(2):
        keep *= _stripes(batch, frames, training.time_mask_frames, dice)[:, :, None]
        keep *= _stripes(batch, coefficients, training.coefficient_mask, dice)[:, None, :]
    return inputs * keep[..., None]


def _stripes(batch: tf.Tensor, length: tf.Tensor, widest: int, dice: _Dice) -> tf.Tensor:
    """Return ones (batch, length) with a stretch of zeros of random place and width in each row."""
    width = tf.floor(dice.uniform((batch, 1)) * (widest + 1))
    first = tf.floor(dice.uniform((batch, 1)) * tf.cast(length, tf.float32))
    place = tf.range(length, dtype=tf.float32)[None]
    return 1.0 - tf.cast((place >= first) & (place < first + width), tf.float32)


def _random_step(steps: tf.Tensor, dice: _Dice) -> tf.Tensor:
    """Return for each clip a random step, not before the first answer and not after its last one."""
    span = tf.cast(tf.maximum(steps - FIRST_ANSWER_STEPS, 0), tf.float32)
    later = tf.cast(dice.uniform(tf.shape(steps)) * (span + 1), tf.int32)
    return tf.minimum(FIRST_ANSWER_STEPS - 1 + later, steps - 1)
