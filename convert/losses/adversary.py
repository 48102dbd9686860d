"""An adversary that guesses who speaks; the network learns to leave it nothing to go by.

Gradient reversal (Ganin and Lempitsky, arXiv:1409.7495): the adversary descends its loss, what lies before climbs it.
"""

from __future__ import annotations

import tensorflow as tf


@tf.custom_gradient
def reverse(features: tf.Tensor) -> tuple[tf.Tensor, object]:
    """Return the features as they are; their gradient comes back with its sign turned."""
    return tf.identity(features), lambda gradient: -gradient


class Adversary(tf.Module):
    """A linear guess at one of `count` identities.

    Parameters
    ----------
    count : int
    seed : int
    """

    def __init__(self, count: int, seed: int) -> None:
        super().__init__()
        self._count, self._seed = count, seed
        self._kernel: tf.Variable | None = None

    def build(self, width: int) -> None:
        """Make the weights for features (batch, width)."""
        start = tf.random.stateless_normal((width, self._count), [self._seed, self._count], stddev=width**-0.5)
        self._kernel = tf.Variable(start, name="adversary")
        self._bias = tf.Variable(tf.zeros(self._count), name="adversary_bias")

    def __call__(self, features: tf.Tensor, who: tf.Tensor) -> tf.Tensor:
        """Return the cross-entropy of its guess for each clip, (batch,), in nats.

        Parameters
        ----------
        features : tensor (batch, width)
        who : int tensor (batch,)
            Below 0 where it is not known: 0.
        """
        guess = tf.matmul(reverse(features), self._kernel) + self._bias
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(who, 0), logits=guess)
        return tf.where(who >= 0, loss, 0.0)
