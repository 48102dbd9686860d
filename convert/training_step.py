"""One step of a training: a batch to gradients, weights, weight decay and the moving average over weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert import distribution
from convert.architectures.streaming_cnn import pool, running_pool
from convert.dice import Dice
from convert.examples import Batch, Examples
from convert.losses import Objective, Targets
from convert.losses.objective import with_features
from convert.mixup import mix
from convert.predict import network_input, steps_heard
from convert.recipe import Training
from convert.spec_augment import masked

FIRST_ANSWER_STEPS = 6  # the earliest answer that is asked for, about half a second


def make_step(
    model: keras.Model,
    averaged: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    objective: Objective,
    training: Training,
    lsb_per_std: float,
    frames_per_step: int,
    seed: int,
) -> Callable[..., tf.Tensor]:
    """Return the step, as a graph: from `batch_tensors`, the learning rate and the step's number to the mean loss.

    Parameters
    ----------
    model, averaged, optimizer, objective
        What it changes; `averaged` holds the moving average over the weights of `model`.
    training, lsb_per_std, frames_per_step, seed
        As in `convert.train.train`.
    """
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
        dice = Dice(seed, nth)
        targets = Targets(classes, soft, counts_as, labelled, speaker, gender)
        inputs = network_input(features, lsb_per_std)
        if training.mixup:
            inputs, targets = mix(inputs, targets, training.mixup, dice.seed())
        inputs = masked(inputs, training, dice)
        steps = steps_heard(frames, frames_per_step)
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


def _random_step(steps: tf.Tensor, dice: Dice) -> tf.Tensor:
    """Return for each clip a random step, not before the first answer and not after its last one."""
    span = tf.cast(tf.maximum(steps - FIRST_ANSWER_STEPS, 0), tf.float32)
    later = tf.cast(dice.uniform(tf.shape(steps)) * (span + 1), tf.int32)
    return tf.minimum(FIRST_ANSWER_STEPS - 1 + later, steps - 1)


def batch_tensors(examples: Examples, batch: Batch, training: Training) -> tuple[tf.Tensor, ...]:
    """Return what a step needs to know of a batch, clip by clip: features and frames, targets, weights."""
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
