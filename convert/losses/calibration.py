"""Maximum mean calibration error: confidence as often right as it says (Kumar et al., MMCE, ICML 2018, section 3)."""

from __future__ import annotations

import tensorflow as tf

from convert.losses.masked_cross_entropy import told_apart

WIDTH = 0.4  # of the Laplacian kernel over confidences, as in the paper


def calibration(logits: tf.Tensor, targets: tf.Tensor, counts_as: tf.Tensor) -> tf.Tensor:
    """Return each clip's part of the batch's squared error, (batch,); their mean is MMCE^2.

    Parameters
    ----------
    logits : tensor (batch, n_classes)
    targets : tensor (batch, n_classes)
        Probabilities; the likeliest is right.
    counts_as : int32 tensor (batch, n_classes)
        See `told_apart`.
    """
    shares = tf.nn.softmax(told_apart(logits, counts_as))
    confidence = tf.reduce_max(shares, axis=1)
    right = tf.cast(tf.argmax(shares, axis=1) == tf.argmax(targets, axis=1), confidence.dtype)
    error = right - confidence
    kernel = tf.exp(-tf.abs(confidence[:, None] - confidence[None, :]) / WIDTH)
    return error * tf.reduce_mean(kernel * error[None, :], axis=1)
