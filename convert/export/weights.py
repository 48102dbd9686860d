"""Trained weights out of a model, whatever training wrapped round it, with batch norm folded in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import BATCH_NORM_EPSILON, Convolution
from convert.export.errors import ConversionError


@dataclass(frozen=True, slots=True)
class Weights:
    """Of one convolution, ready for the board."""

    kernel: NDArray[np.float32]
    """(frames, coefficients, channels in, filters)."""

    bias: NDArray[np.float32]
    """(filters,)."""


def folded_weights(model: keras.Model, convolution: Convolution) -> Weights:
    """Return a convolution's weights with its batch norm folded in.

    Folding multiplies each filter by a number of its own. int8 kernels have a scale for each filter, so what
    quantisation-aware training rounded stays rounded to the same integers.

    Parameters
    ----------
    model : keras.Model
        Float, pruned, or quantisation-aware: wrappers of `tfmot` are looked through.
    convolution : Convolution
        Its name is the layer's; `<name>_norm` is its batch norm.

    Raises
    ------
    ConversionError
        The model has no such layer.
    """
    trained = _trained(model, convolution.name)
    kernel = trained["kernel"]
    if "mask" in trained:
        kernel = kernel * trained["mask"]  # the optimiser's last step moves what pruning had set to zero
    if not convolution.activation:
        return Weights(kernel, trained.get("bias", np.zeros(convolution.filters, np.float32)))
    norm = _trained(model, f"{convolution.name}_norm")
    scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + BATCH_NORM_EPSILON)
    return Weights(kernel * scale, norm["beta"] - norm["moving_mean"] * scale)


def _trained(model: keras.Model, name: str) -> dict[str, NDArray[np.float32]]:
    """Return a layer's variables by their last name."""
    for layer in model.layers:
        inner = layer
        while hasattr(inner, "layer"):
            inner = inner.layer
        if inner.name == name:
            # Of the outermost wrapper: tfmot replaces the inner layer's kernel by a tensor of the training graph.
            return {weight.name.split("/")[-1].split(":")[0]: weight.numpy() for weight in layer.weights}
    raise ConversionError(
        f"The model {model.name!r} has no layer {name!r}", "Export it with the configuration that built it"
    )
