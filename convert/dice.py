"""Random numbers of a training step, which an interrupted run draws again."""

from __future__ import annotations

import tensorflow as tf

from convert import distribution


class Dice:
    """Random numbers that depend on nothing but the seed, the step and how many were drawn before in it."""

    def __init__(self, seed: int, nth: tf.Tensor) -> None:
        self._seed, self._nth, self._drawn = seed, tf.cast(nth, tf.int32), 0
        if distribution.replicas() > 1:  # each has dice of its own
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            self._nth += 1_000_003 * tf.cast(replica, tf.int32)

    def seed(self) -> tf.Tensor:
        """Return a seed (2,) for draws of another kind."""
        self._drawn += 1
        return tf.stack([tf.constant(self._seed * 100 + self._drawn), self._nth])

    def uniform(self, shape: tf.Tensor | tuple[tf.Tensor | int, ...]) -> tf.Tensor:
        """Return float32 numbers from 0 to below 1."""
        return tf.random.stateless_uniform(shape, self.seed())
