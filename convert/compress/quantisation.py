"""Quantisation-aware training: int8 rounding in the forward pass, so that the weights learn to bear it.

Jacob et al., arXiv:1712.05877.
"""

from __future__ import annotations

import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.keras.compat import keras


def quantisation_aware(model: keras.Model) -> keras.Model:
    """Return a copy of a trained model that rounds as int8 does and leaves zeros zero.

    Parameters
    ----------
    model : keras.Model
        Float, standard layers only; pruned, stripped of its wrappers, or never pruned.
    """
    annotated = tfmot.quantization.keras.quantize_annotate_model(model)
    scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    return tfmot.quantization.keras.quantize_apply(annotated, scheme)
