"""What a network says of utterances, and how int8 features are given to it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import pool
from convert.examples import Examples, batches_in_order

PREDICTION_BATCH = 128

Predictions = NDArray[np.float32]


def predict(model: keras.Model, examples: Examples, *, lsb_per_std: float, frames_per_step: int) -> Predictions:
    """Return the logits of each stretch, float32 (n, n_classes)."""
    answers = np.zeros(examples.counts_as.shape, np.float32)

    @tf.function(reduce_retracing=True)
    def answer(features: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        answers = model(network_input(features, lsb_per_std), training=False)
        logits, attention = (tf.cast(each, tf.float32) for each in answers)
        mask = tf.sequence_mask(steps_heard(frames, frames_per_step), tf.shape(attention)[1])
        return pool(logits, attention, mask)

    for batch in batches_in_order(examples, PREDICTION_BATCH):
        answers[batch.index] = answer(tf.constant(batch.features), tf.constant(batch.frames)).numpy()
    return answers


def network_input(features: tf.Tensor, lsb_per_std: float) -> tf.Tensor:
    """Return int8 features (batch, frames, n_features) as the network hears them: float32, in standard deviations."""
    return tf.cast(features, tf.float32)[..., None] / lsb_per_std


def steps_heard(frames: tf.Tensor, frames_per_step: int) -> tf.Tensor:
    """Return how many steps of each clip count: at least one, which its padding completes."""
    return tf.maximum(frames // frames_per_step, 1)
