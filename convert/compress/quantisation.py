"""Quantisation-aware training: int8 rounding in the forward pass, so that the weights learn to bear it.

Jacob et al., arXiv:1712.05877.
"""

from __future__ import annotations

import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.keras.compat import keras


def quantisation_aware(model: keras.Model, *, clustered: bool = False, pruned: bool = True) -> keras.Model:
    """Return a copy of a trained model that rounds as int8 does and leaves zeros zero.

    Parameters
    ----------
    model : keras.Model
        Float, standard layers only; pruned, stripped of its wrappers, or never pruned.
    clustered : bool
        Keep each kernel to the values that it has, which may move. Call `convert.compress.clustering.settle` after
        the training.
    pruned : bool
        Of a clustered model: whether its zeros stay zero as well.
    """
    annotated = tfmot.quantization.keras.quantize_annotate_model(model)
    if clustered:
        scheme = tfmot.experimental.combine.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=pruned)
    else:
        scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    return tfmot.quantization.keras.quantize_apply(annotated, scheme)
