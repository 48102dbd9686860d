"""What the teachers are built of: they hear whole recordings, so nothing here need be causal or exportable."""

from __future__ import annotations

import tensorflow as tf
from tensorflow_model_optimization.python.core.keras.compat import keras


def residual_block(x: tf.Tensor, filters: int, pool: int) -> tf.Tensor:
    """Add two 3 x 3 convolutions over (time, coefficient) with a short cut round the second, then pooling."""
    layers = keras.layers
    x = _convolve(x, filters)
    inner = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))
    x = layers.ReLU()(layers.Add()([x, inner]))
    return layers.MaxPooling2D(pool)(x) if pool > 1 else x


def by_step(x: tf.Tensor) -> tf.Tensor:
    """Return (batch, steps, features): what each step heard, all coefficients and channels together."""
    return keras.layers.Reshape((-1, x.shape[2] * x.shape[3]))(x)


def answers(x: tf.Tensor, n_classes: int, dropout: float) -> list[tf.Tensor]:
    """Return logits (batch, steps, n_classes) and log attention weights (batch, steps) of features by step."""
    layers = keras.layers
    x = layers.Dropout(dropout)(x)
    # In float32 whatever the layers before compute in: a softmax needs it.
    attention = layers.Dense(1, name="attention", dtype="float32")(x)
    logits = layers.Dense(n_classes, name="logits", dtype="float32")(x)
    return [logits, layers.Reshape((-1,), name="attention_by_step", dtype="float32")(attention)]


def mean_answers(x: tf.Tensor, n_classes: int, dropout: float) -> list[tf.Tensor]:
    """Return the same as `answers` where all steps count alike.

    A dense layer and a mean may change places, so this is a network's usual end: the mean over time, then logits.
    """
    layers = keras.layers
    x = layers.SpatialDropout1D(dropout)(x)
    logits = layers.Dense(n_classes, name="logits", dtype="float32")(x)
    return [logits, layers.Lambda(lambda values: values[..., 0] * 0.0, name="attention_by_step")(logits)]


def stacked(x: tf.Tensor, frames: int) -> tf.Tensor:
    """Return (batch, steps, frames * n_features) of (batch, frames of all, n_features, 1): `frames` a step."""
    whole = x[:, : tf.shape(x)[1] // frames * frames]  # frames that do not fill a step are left out
    return keras.layers.Reshape((-1, frames * x.shape[2]))(whole)


def _convolve(x: tf.Tensor, filters: int) -> tf.Tensor:
    layers = keras.layers
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))
