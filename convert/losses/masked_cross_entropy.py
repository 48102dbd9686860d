"""Cross-entropy over the classes that a clip's corpus has.

A corpus of happy and sad clips says nothing about anger. With the softmax over all classes its clips would teach 'this
sound of a recording is never angry'; over its own two they only teach happy against sad.
"""

from __future__ import annotations

import tensorflow as tf

OUT = -1e4  # a logit that ends as probability 0 and still has a finite logarithm


def only_allowed(logits: tf.Tensor, allowed: tf.Tensor) -> tf.Tensor:
    """Return the logits (batch, n_classes) with those that are not `allowed` (bool, same shape) out of the softmax."""
    return tf.where(allowed, logits, OUT)


def masked_cross_entropy(logits: tf.Tensor, targets: tf.Tensor, allowed: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of each clip, (batch,), in nats.

    Parameters
    ----------
    logits : tensor (batch, n_classes)
    targets : tensor (batch, n_classes)
        Probabilities, zero where a class is not allowed.
    allowed : bool tensor (batch, n_classes)
        Classes that the clip's corpus has.
    """
    return -tf.reduce_sum(targets * tf.nn.log_softmax(only_allowed(logits, allowed)), axis=1)
