"""Weight clustering: each kernel keeps a few values, which many weights share, so that the file packs smaller.

Han et al., arXiv:1510.00149, section 3.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster
from tensorflow_model_optimization.python.core.keras.compat import keras

CENTROIDS, INDICES = "cluster_centroids_tf", "pulling_indices_tf"


def clustered(model: keras.Model, clusters: int, *, pruned: bool) -> keras.Model:
    """Wrap a trained model so that training moves the shared values alone.

    Parameters
    ----------
    model : keras.Model
        Trained; not to be used afterwards, for its layers lose their kernels to the wrappers.
    clusters : int
        Values that a kernel may have.
    pruned : bool
        Whether its zeros stay zero.
    """
    initial = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
    wrapped: keras.Model = cluster.cluster_weights(
        model, number_of_clusters=clusters, cluster_centroids_init=initial, preserve_sparsity=pruned
    )
    return wrapped


def strip(wrapped: keras.Model) -> keras.Model:
    """Return the model without wrappers, its kernels of few values in place."""
    return tfmot.clustering.keras.strip_clustering(wrapped)


def settle(aware: keras.Model, *, pruned: bool) -> None:
    """Bring the kernels of a clustered, quantisation-aware model back to their shared values.

    The optimiser's last step has moved them off, as it does with pruned zeros.

    Parameters
    ----------
    aware : keras.Model
        Trained.
    pruned : bool
        Whether the value nearest to zero stands for zero.
    """
    for layer in aware.layers:
        by_name = {weight.name.split("/")[-1].split(":")[0]: weight for weight in layer.weights}
        if CENTROIDS not in by_name:
            continue
        values, indices = by_name[CENTROIDS], by_name[INDICES]
        if pruned:
            values = values * (1 - tf.one_hot(tf.argmin(tf.abs(values), axis=-1), tf.shape(values)[-1]))
        if len(values.shape) == 2:  # tfmot keeps values for each filter where all have as many
            by_filter = tf.gather(values, tf.transpose(indices, (3, 0, 1, 2)), batch_dims=1)
            by_name["kernel"].assign(tf.transpose(by_filter, (1, 2, 3, 0)))
        else:
            by_name["kernel"].assign(tf.gather(values, indices))
