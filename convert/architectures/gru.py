"""A teacher: GRU layers over stacked frames, in one direction or both, attention over steps."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import answers, stacked


@dataclass(frozen=True, slots=True)
class Gru:
    """Size of the network."""

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8
    units: tuple[int, ...] = (96, 96)
    """Of each layer, in each direction."""

    bidirectional: bool = False
    """Hear each recording backwards as well."""

    frames_per_step: int = 4
    """Frames that are stacked: fewer steps, and as many times quicker."""

    dropout: float = 0.3
    """Fraction of the features of each layer silenced in training."""

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs; `std` is not needed."""
        layers = keras.layers
        inputs = keras.Input((None, self.n_mfcc + self.n_extras, 1), name="features")
        x = stacked(inputs, self.frames_per_step)
        for units in self.units:
            cell = layers.GRU(units, return_sequences=True)
            x = layers.Dropout(self.dropout)(x)
            x = layers.Bidirectional(cell)(x) if self.bidirectional else cell(x)
        return keras.Model(inputs, answers(x, self.n_classes, self.dropout), name="gru")
