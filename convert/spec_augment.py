"""SpecAugment: random stretches of time and of coefficients are silenced (Park et al., arXiv:1904.08779)."""

from __future__ import annotations

import tensorflow as tf

from convert.dice import Dice
from convert.recipe import Training


def masked(inputs: tf.Tensor, training: Training, dice: Dice) -> tf.Tensor:
    """Silence random stretches of time and of coefficients (SpecAugment, Park et al., arXiv:1904.08779)."""
    batch, frames, coefficients = tf.shape(inputs)[0], tf.shape(inputs)[1], tf.shape(inputs)[2]
    keep = tf.ones((batch, frames, coefficients))
    for _ in range(2):
        keep *= _stripes(batch, frames, training.time_mask_frames, dice)[:, :, None]
        keep *= _stripes(batch, coefficients, training.coefficient_mask, dice)[:, None, :]
    return inputs * keep[..., None]


def _stripes(batch: tf.Tensor, length: tf.Tensor, widest: int, dice: Dice) -> tf.Tensor:
    """Return ones (batch, length) with a stretch of zeros of random place and width in each row."""
    width = tf.floor(dice.uniform((batch, 1)) * (widest + 1))
    first = tf.floor(dice.uniform((batch, 1)) * tf.cast(length, tf.float32))
    place = tf.range(length, dtype=tf.float32)[None]
    return 1.0 - tf.cast((place >= first) & (place < first + width), tf.float32)
