"""Cross-entropy over the classes that a clip's corpus tells apart.

A corpus of happy and sad clips says nothing about anger. With the softmax over all classes its clips would teach 'this
sound of a recording is never angry'; over its own two they only teach happy against sad.

A corpus that has `neutral` and does not tell `calm` from it is another matter: its neutral clips may be calm, and its
others are not. There `calm` counts as `neutral`: the two share one place in the softmax.
"""

from __future__ import annotations

import tensorflow as tf

OUT = -1e4  # a logit that ends as probability 0 and still has a finite logarithm


def told_apart(logits: tf.Tensor, counts_as: tf.Tensor) -> tf.Tensor:
    """Return logits among which a clip's label decides: joined, or out of the softmax.

    Parameters
    ----------
    logits : tensor (batch, n_classes)
    counts_as : int32 tensor (batch, n_classes)
        For each class the one that it counts as in the clip's corpus: itself, one that it is not told apart from, or
        -1 for none.

    Returns
    -------
    tensor (batch, n_classes)
        log(sum(exp(logits))) over the classes that count as each.
    """
    members = counts_as[:, None, :] == tf.range(tf.shape(logits)[1])[None, :, None]  # (batch, as, class)
    return tf.reduce_logsumexp(tf.where(members, logits[:, None, :], OUT), axis=2)


def masked_cross_entropy(logits: tf.Tensor, targets: tf.Tensor, counts_as: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of each clip, (batch,), in nats.

    Parameters
    ----------
    logits : tensor (batch, n_classes)
    targets : tensor (batch, n_classes)
        Probabilities, zero where a class does not count as itself.
    counts_as : int32 tensor (batch, n_classes)
        See `told_apart`.
    """
    return -tf.reduce_sum(targets * tf.nn.log_softmax(told_apart(logits, counts_as)), axis=1)
