"""A peer: TIM-Net, rebuilt from its paper (Ye et al., ICASSP 2023, arXiv:2211.08233, figure 1).

Dilated causal convolutions gate what passes, forwards and backwards; each of their depths gives its view, and a learned
weight for each adds them up. 107 k parameters with its 39 cepstra and 7 classes. The paper's frames are 50 ms long and
12.5 ms apart; here they are the board's.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import mean_answers


@dataclass(frozen=True, slots=True)
class TimNet:
    """Size of the network; as in the paper where nothing is given."""

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8
    filters: int = 39
    kernel: int = 2
    """Steps under each convolution."""

    depths: int = 8
    """Blocks in each direction, each twice as far back as the one before."""

    dropout: float = 0.1
    """Fraction of the channels silenced in training."""

    @property
    def frames_per_step(self) -> int:
        """Frames behind each output."""
        return 1

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs; `std` is not needed."""
        layers = keras.layers
        inputs = keras.Input((None, self.n_mfcc + self.n_extras, 1), name="features")
        x = layers.Reshape((-1, self.n_mfcc + self.n_extras))(inputs)
        forwards = self._views(x)
        backwards = [tf.reverse(view, [1]) for view in self._views(tf.reverse(x, [1]))]
        both = [layers.Add()(pair) for pair in zip(forwards, backwards, strict=True)]
        views = tf.stack(both, axis=3)  # (batch, frames, filters, depths)
        x = layers.Reshape((-1, self.filters))(layers.Dense(1, use_bias=False)(views))
        return keras.Model(inputs, mean_answers(x, self.n_classes, 0.0), name="tim_net")

    def _views(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Return what each depth hears of one direction, (batch, frames, filters)."""
        layers = keras.layers
        x = layers.Conv1D(self.filters, 1)(x)
        views = []
        for depth in range(self.depths):
            gate = self._convolve(self._convolve(x, 2**depth), 2**depth)
            x = layers.Multiply()([x, layers.Activation("sigmoid")(gate)])
            views.append(x)
        return views

    def _convolve(self, x: tf.Tensor, dilation: int) -> tf.Tensor:
        layers = keras.layers
        x = layers.Conv1D(self.filters, self.kernel, padding="causal", dilation_rate=dilation)(x)
        return layers.SpatialDropout1D(self.dropout)(layers.ReLU()(layers.BatchNormalization()(x)))
