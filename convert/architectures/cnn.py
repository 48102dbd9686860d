"""A teacher: wide residual CNN over (time, coefficient), attention over steps."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import answers, by_step, residual_block
from convert.architectures.spectral import spectral


@dataclass(frozen=True, slots=True)
class Cnn:
    """Size of the network."""

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8
    channels: tuple[int, ...] = (24, 48, 72, 96)
    """Of each block; all but the last halve both axes."""

    embedding: int = 192
    """Features of a step."""

    dropout: float = 0.3
    """Fraction of the last layer's features silenced in training."""

    @property
    def frames_per_step(self) -> int:
        """Frames behind each output."""
        return int(2 ** (len(self.channels) - 1))

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs.

        Parameters
        ----------
        std : array (n_mfcc + n_extras,), optional
            Of the features in training, for the map from cepstra to bands.
        """
        inputs = keras.Input((None, self.n_mfcc + self.n_extras, 1), name="features")
        x = spectral(inputs, std, self.n_mfcc)
        for block, filters in enumerate(self.channels, 1):
            x = residual_block(x, filters, 2 if block < len(self.channels) else 1)
        x = keras.layers.Dense(self.embedding, activation="relu")(by_step(x))
        return keras.Model(inputs, answers(x, self.n_classes, self.dropout), name="cnn")
