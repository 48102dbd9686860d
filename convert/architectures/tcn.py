"""A teacher: temporal convolutions, each layer twice as far back as the one before (Bai et al., arXiv:1803.01271)."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import answers, stacked


@dataclass(frozen=True, slots=True)
class Tcn:
    """Size of the network."""

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8
    channels: int = 96
    kernel: int = 3
    """Steps under each convolution."""

    dilations: tuple[int, ...] = (1, 2, 4, 8)
    """Of each block."""

    frames_per_step: int = 4
    """Frames that are stacked."""

    dropout: float = 0.2
    """Fraction of the channels silenced in training."""

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs; `std` is not needed."""
        inputs = keras.Input((None, self.n_mfcc + self.n_extras, 1), name="features")
        x = keras.layers.Conv1D(self.channels, 1)(stacked(inputs, self.frames_per_step))
        for dilation in self.dilations:
            inner = self._convolve(self._convolve(x, dilation), dilation)
            x = keras.layers.ReLU()(keras.layers.Add()([x, inner]))
        return keras.Model(inputs, answers(x, self.n_classes, self.dropout), name="tcn")

    def _convolve(self, x: tf.Tensor, dilation: int) -> tf.Tensor:
        layers = keras.layers
        x = layers.Conv1D(self.channels, self.kernel, padding="causal", dilation_rate=dilation, use_bias=False)(x)
        return layers.SpatialDropout1D(self.dropout)(layers.ReLU()(layers.BatchNormalization()(x)))
