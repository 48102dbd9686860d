"""Mixup: two clips and their labels added in random shares (Zhang et al., arXiv:1710.09412)."""

from __future__ import annotations

from dataclasses import replace

import tensorflow as tf

from convert.losses import Targets


def mix(inputs: tf.Tensor, targets: Targets, concentration: float, seed: tf.Tensor) -> tuple[tf.Tensor, Targets]:
    """Return a batch in which each clip has something of another.

    Parameters
    ----------
    inputs : tensor (batch, frames, n_features, 1)
    targets : Targets
        Only clips whose labels decide among the same classes are mixed: a share of `calm` is nothing to a corpus that
        does not know it. Who speaks is not mixed: it stays the one with the larger share.
    concentration : float
        Of the Beta distribution of the shares; small ones leave most clips nearly as they are.
    seed : int32 tensor (2,)
        The same seed mixes the same.
    """
    batch = tf.shape(inputs)[0]
    order = tf.argsort(tf.random.stateless_uniform((batch,), seed))
    draws = tf.random.stateless_gamma((2, batch), seed + 1, alpha=concentration)
    share = draws[0] / tf.maximum(draws[0] + draws[1], 1e-12)
    share = tf.maximum(share, 1.0 - share)  # the clip itself has the larger one
    alike = tf.reduce_all(targets.counts_as == tf.gather(targets.counts_as, order), axis=1)
    alike &= targets.labelled == tf.gather(targets.labelled, order)
    share = tf.where(alike, share, 1.0)[:, None]

    def mixed(values: tf.Tensor) -> tf.Tensor:
        return share * values + (1.0 - share) * tf.gather(values, order)

    wide = share[:, :, None, None]
    inputs = wide * inputs + (1.0 - wide) * tf.gather(inputs, order)
    return inputs, replace(targets, classes=mixed(targets.classes), soft=mixed(targets.soft))
