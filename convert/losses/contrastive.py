"""Supervised contrast: clips of one class near each other, the others far (Khosla et al., arXiv:2004.11362, eq. 2)."""

from __future__ import annotations

import tensorflow as tf

TEMPERATURE = 0.1


def contrastive(features: tf.Tensor, classes: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """Return the loss of each clip, (batch,), in nats; 0 for one without a mate in the batch.

    Parameters
    ----------
    features : tensor (batch, n)
        What the network heard in each clip.
    classes : int tensor (batch,)
    known : tensor (batch,)
        1 where the class is known, else 0: such a clip is nobody's mate.
    """
    unit = tf.math.l2_normalize(features, axis=1)
    alike = tf.matmul(unit, unit, transpose_b=True) / TEMPERATURE
    others = 1.0 - tf.eye(tf.shape(features)[0])
    mates = tf.cast(classes[:, None] == classes[None, :], tf.float32) * others * known[:, None] * known[None, :]
    log_share = alike - tf.reduce_logsumexp(tf.where(others > 0, alike, -1e9), axis=1, keepdims=True)
    count = tf.reduce_sum(mates, axis=1)
    return -tf.reduce_sum(mates * log_share, axis=1) / tf.maximum(count, 1.0)
