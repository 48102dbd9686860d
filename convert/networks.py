"""The networks of a recipe: built with the sizes that its features and classes demand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures import architecture
from convert.errors import RecipeError
from convert.prepare import Prepared
from convert.recipe import Network


def build(prepared: Prepared, network: Network, precision: str = "float32") -> keras.Model:
    """Return a network with fresh weights, the same for the same seed."""
    keras.utils.set_random_seed(prepared.recipe.seed)
    with computing_in(precision):
        return configuration(prepared, network).build(prepared.features.std)


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let layers that are made meanwhile compute in this precision."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(precision)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def configuration(prepared: Prepared, network: Network) -> Any:
    """Return a network's configuration, with the sizes that the recipe's features and classes demand."""
    recipe = prepared.recipe
    return architecture(
        network.architecture,
        n_mfcc=recipe.features.n_mfcc,
        n_extras=recipe.features.n_extras,
        n_classes=len(recipe.classes),
        **network.options,
    )


def with_digests(options: dict[str, Any]) -> dict[str, Any]:
    """Return a network's options with its file of weights by content, not by place."""
    weights = options.get("weights")
    if not weights:
        return options
    try:
        return {**options, "weights": hashlib.sha256(Path(weights).read_bytes()).hexdigest()}
    except OSError as error:
        raise RecipeError(f"the encoder {weights} cannot be read: {error.strerror}", "Name a file there is") from error


def scales(prepared: Prepared, network: Network) -> dict[str, Any]:
    """Return what `train` and `predict` must know of a network's input and output."""
    return {
        "lsb_per_std": prepared.recipe.features.lsb_per_std,
        "frames_per_step": configuration(prepared, network).frames_per_step,
    }
