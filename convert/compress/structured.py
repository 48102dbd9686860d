"""Channel pruning: whole filters go, so what is left is a smaller network, which takes less time on any runtime.

A channel goes where its filters weigh least: Li et al., arXiv:1608.08710. Filters whose outputs are added to each other
(residual ones) share their channels, so they are judged together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import BATCH_NORM_EPSILON, Convolution, Gather, Spread, StreamingCnn
from edge_ser.errors import SettingsError

MULTIPLE = 4  # of channels: what int8 kernels work on at once

Kept = dict[str, NDArray[np.intp]]
"""By convolution: the filters that stay."""


def narrowed(network: StreamingCnn, model: keras.Model, share: float) -> tuple[StreamingCnn, Kept]:
    """Return a network with this share of the channels of each block and of the embedding gone, and what stays.

    Parameters
    ----------
    network : StreamingCnn
        That built the model.
    model : keras.Model
        Trained, float, without wrappers.
    share : float
        From 0 to below 1; channels are rounded up to a multiple of 4.

    Raises
    ------
    SettingsError
        The share is out of range.
    """
    if not 0 <= share < 1:
        raise SettingsError(f"A share of {share} of the channels cannot go", "Give 0 to 0.9")
    kept: Kept = {}
    channels = []
    for block, count in enumerate(network.channels, 1):
        names = [f"block_{block}_{nth}" for nth in range(1, network.convolutions + 1)]
        chosen = _heaviest(model, names, _left(count, share))
        kept |= dict.fromkeys(names, chosen)
        channels.append(len(chosen))
    names = ["embedding", *(f"temporal_{nth}" for nth in range(1, len(network.dilations) + 1))]
    chosen = _heaviest(model, names, _left(network.embedding, share))
    kept |= dict.fromkeys(names, chosen)
    return replace(network, channels=tuple(channels), embedding=len(chosen)), kept


def copy_kept(network: StreamingCnn, source: keras.Model, kept: Kept, target: keras.Model) -> None:
    """Give a narrowed model the weights of the channels that it kept.

    Parameters
    ----------
    network : StreamingCnn
        That built `source`.
    source, target : keras.Model
        Before and after; the target is changed in place.
    kept : dict
        From `narrowed`.
    """
    inputs = np.arange(1)
    for operation in (*network.plan(), *network.heads()):
        if isinstance(operation, Convolution):
            outputs = kept.get(operation.name, np.arange(operation.filters))
            kernel, *bias = source.get_layer(operation.name).get_weights()
            narrow = [kernel[:, :, inputs][..., outputs], *(each[outputs] for each in bias)]
            target.get_layer(operation.name).set_weights(narrow)
            if operation.activation:
                norm = source.get_layer(f"{operation.name}_norm").get_weights()
                target.get_layer(f"{operation.name}_norm").set_weights([each[outputs] for each in norm])
            if operation.name in (head.name for head in network.heads()):
                continue  # both heads read the same channels
            inputs = outputs
        elif isinstance(operation, Spread):
            inputs = np.arange(1)
        elif isinstance(operation, Gather):
            inputs = (np.arange(network.coefficients)[:, None] * network.channels[-1] + inputs).ravel()


def _left(count: int, share: float) -> int:
    return min(count, max(MULTIPLE, -(-round(count * (1 - share)) // MULTIPLE) * MULTIPLE))


def _heaviest(model: keras.Model, names: list[str], count: int) -> NDArray[np.intp]:
    """Return the channels, in order, whose filters weigh most once batch norm is folded in."""
    weight = np.zeros(())
    for name in names:
        kernel = model.get_layer(name).get_weights()[0]
        gamma, _, _, variance = model.get_layer(f"{name}_norm").get_weights()
        folded = np.abs(kernel * gamma / np.sqrt(variance + BATCH_NORM_EPSILON)).sum(axis=(0, 1, 2))
        weight = weight + folded / folded.mean()
    return np.sort(np.argsort(-weight, kind="stable")[:count])
