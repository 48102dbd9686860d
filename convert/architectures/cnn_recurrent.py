"""A teacher: residual CNN over (time, coefficient), then a bidirectional GRU or LSTM over steps, then attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import answers, by_step, residual_block
from convert.architectures.spectral import spectral


@dataclass(frozen=True, slots=True)
class CnnRecurrent:
    """Size of the network."""

    cell: ClassVar[str]
    """Name of the recurrent layer."""

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8
    channels: tuple[int, ...] = (24, 48, 64)
    """Of each block; each halves both axes."""

    units: int = 96
    """Of the recurrent layer, in each direction."""

    dropout: float = 0.3
    """Fraction of the last layer's features silenced in training."""

    @property
    def frames_per_step(self) -> int:
        """Frames behind each output."""
        return int(2 ** len(self.channels))

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs.

        Parameters
        ----------
        std : array (n_mfcc + n_extras,), optional
            Of the features in training, for the map from cepstra to bands.
        """
        layers = keras.layers
        inputs = keras.Input((None, self.n_mfcc + self.n_extras, 1), name="features")
        x = spectral(inputs, std, self.n_mfcc)
        for filters in self.channels:
            x = residual_block(x, filters, 2)
        x = layers.Dropout(self.dropout)(by_step(x))
        recurrent = getattr(layers, self.cell)(self.units, return_sequences=True)
        x = layers.Bidirectional(recurrent)(x)
        return keras.Model(inputs, answers(x, self.n_classes, self.dropout), name=f"cnn_{self.cell.lower()}")


@dataclass(frozen=True, slots=True)
class CnnGru(CnnRecurrent):
    """`CnnRecurrent` with a GRU."""

    cell: ClassVar[str] = "GRU"


@dataclass(frozen=True, slots=True)
class CnnLstm(CnnRecurrent):
    """`CnnRecurrent` with an LSTM."""

    cell: ClassVar[str] = "LSTM"
