"""Distance of the student's answer from its teachers', both softened (Hinton et al., arXiv:1503.02531, section 2)."""

from __future__ import annotations

import tensorflow as tf

from convert.losses.masked_cross_entropy import told_apart


def distillation(logits: tf.Tensor, soft: tf.Tensor, counts_as: tf.Tensor, temperature: float) -> tf.Tensor:
    """Return temperature^2 * KL(soft || softmax(logits / temperature)) of each clip, (batch,), in nats.

    The square keeps the gradient's size when the temperature changes.

    Parameters
    ----------
    logits : tensor (batch, n_classes)
        The student's.
    soft : tensor (batch, n_classes)
        The teachers' probabilities at this temperature, zero where a class does not count as itself.
    counts_as : int32 tensor (batch, n_classes)
        See `told_apart`.
    temperature : float
    """
    student = tf.nn.log_softmax(told_apart(logits / temperature, counts_as))
    teacher = tf.math.log(tf.maximum(soft, 1e-8))
    return temperature**2 * tf.reduce_sum(soft * (teacher - student), axis=1)
