"""Focal loss: what is answered right already counts less (Lin et al., arXiv:1708.02002, equation 4).

It keeps confidence down as well (Mukhoti et al., arXiv:2002.09437). Masked like the cross-entropy, which it is at
gamma 0.
"""

from __future__ import annotations

import tensorflow as tf

from convert.losses.masked_cross_entropy import told_apart


def focal(logits: tf.Tensor, targets: tf.Tensor, counts_as: tf.Tensor, gamma: float) -> tf.Tensor:
    """Return -sum(targets * (1 - p)^gamma * log p) of each clip, (batch,), in nats.

    Parameters
    ----------
    logits : tensor (batch, n_classes)
    targets : tensor (batch, n_classes)
        Probabilities, zero where a class does not count as itself.
    counts_as : int32 tensor (batch, n_classes)
        See `told_apart`.
    gamma : float
    """
    log_p = tf.nn.log_softmax(told_apart(logits, counts_as))
    # The power's gradient at 0 would be infinite for gamma below 1.
    rest = tf.maximum(1.0 - tf.exp(log_p), 1e-6)
    return -tf.reduce_sum(targets * rest**gamma * log_p, axis=1)
