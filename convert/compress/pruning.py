"""Magnitude pruning: the smallest weights become zeros while training goes on (Zhu and Gupta, arXiv:1710.01878)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.keras.compat import keras

RAMP = 0.7  # of the steps; in the rest the remaining weights settle
UPDATES = 100  # times that the mask is chosen anew, at most


@dataclass(frozen=True, slots=True)
class Pruned:
    """A model whose training prunes it."""

    model: keras.Model
    """With `tfmot`'s wrappers, which count the steps by themselves."""

    _callback: tfmot.sparsity.keras.UpdatePruningStep

    def strip(self) -> keras.Model:
        """Return the model without wrappers, zeros in place."""
        self._callback.on_epoch_end(batch=-1)  # sets them to zero once more: the optimiser's last step has moved them
        return tfmot.sparsity.keras.strip_pruning(self.model)


Schedule = Literal["polynomial", "constant"]
"""`polynomial`: ever more zeros over the first `RAMP` of the steps, fast at first; `constant`: all at once."""


def prune(model: keras.Model, sparsity: float, steps: int, schedule: Schedule = "polynomial") -> Pruned:
    """Wrap a trained model for pruning.

    Parameters
    ----------
    model : keras.Model
        Trained; its layers are shared with the wrapped one.
    sparsity : float
        Fraction of each kernel's weights that end as zeros.
    steps : int
        Of the training that follows.
    schedule : str
        When how many are zeros.
    """
    frequency = max(1, steps // UPDATES)
    if schedule == "constant":
        when = tfmot.sparsity.keras.ConstantSparsity(sparsity, begin_step=0, frequency=frequency)
    else:
        when = tfmot.sparsity.keras.PolynomialDecay(
            initial_sparsity=0.0,
            final_sparsity=sparsity,
            begin_step=0,
            end_step=max(1, round(RAMP * steps)),
            frequency=frequency,
        )
    wrapped = tfmot.sparsity.keras.prune_low_magnitude(model, pruning_schedule=when)
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    callback.set_model(wrapped)
    callback.on_train_begin()  # not left to the training, of which nothing may be left to do but to strip
    return Pruned(wrapped, callback)
