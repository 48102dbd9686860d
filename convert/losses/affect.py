"""Classes have an order: it is worse to take anger for boredom than for fear.

Both terms use the classes' places in the plane of valence and arousal, from -1 to 1.
"""

from __future__ import annotations

import tensorflow as tf

from convert.losses.masked_cross_entropy import told_apart

HIGH_AROUSAL, PLEASANT = 0.1, 0.1  # where the coarse groups part: neutral is low and not pleasant


def affect_distance(logits: tf.Tensor, targets: tf.Tensor, counts_as: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Return the squared distance of the answer's expected place from the label's, (batch,).

    Parameters
    ----------
    logits, targets : tensor (batch, n_classes)
    counts_as : int32 tensor (batch, n_classes)
        See `told_apart`.
    places : tensor (n_classes, 2)
        Valence and arousal.
    """
    shares = tf.nn.softmax(told_apart(logits, counts_as))
    return tf.reduce_sum(tf.square(tf.matmul(shares - targets, places)), axis=1)


def hierarchy(logits: tf.Tensor, targets: tf.Tensor, counts_as: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Return the mean cross-entropy of two coarse questions, (batch,), in nats; parameters as above.

    Each is answered by the sum of the probabilities of the classes on one side: pleasant or not, high or low arousal.
    """
    shares = tf.nn.softmax(told_apart(logits, counts_as))
    sides = tf.cast(places > tf.constant([PLEASANT, HIGH_AROUSAL]), tf.float32)  # (n_classes, 2)
    said, meant = (tf.matmul(each, sides) for each in (shares, targets))
    said = tf.clip_by_value(said, 1e-6, 1 - 1e-6)
    return -tf.reduce_mean(meant * tf.math.log(said) + (1 - meant) * tf.math.log(1 - said), axis=1)
