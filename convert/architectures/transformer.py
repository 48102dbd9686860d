"""A teacher: a small transformer over what a CNN heard, its places told by a convolution, attention over steps.

Pre-norm blocks (Vaswani et al., arXiv:1706.03762; Xiong et al., arXiv:2002.04745); positions as in wav2vec 2.0
(Baevski et al., arXiv:2006.11477, section 2), so that any length will do.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import answers, by_step, residual_block
from convert.architectures.spectral import spectral

POSITION_STEPS = 15  # under the convolution that tells places


@dataclass(frozen=True, slots=True)
class Transformer:
    """Size of the network."""

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8
    channels: tuple[int, ...] = (24, 48)
    """Of each block of the CNN; each halves both axes."""

    width: int = 96
    """Of the transformer."""

    heads: int = 4
    blocks: int = 3
    dropout: float = 0.2
    """Fraction silenced in training, in each block and before the logits."""

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
        x = layers.Dense(self.width)(by_step(x))
        place = layers.DepthwiseConv1D(POSITION_STEPS, padding="same", activation="relu")(x)
        x = layers.Add()([x, place])
        heard = self._heard(inputs)
        for _ in range(self.blocks):
            x = self._block(x, heard)
        x = layers.LayerNormalization()(x)
        return keras.Model(inputs, answers(x, self.n_classes, self.dropout), name="transformer")

    def _heard(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return (batch, 1, steps): which steps hold anything; the zeros of a batch's padding do not."""
        loudest = keras.layers.MaxPooling2D((self.frames_per_step, inputs.shape[2]))(tf.abs(inputs))
        return (keras.layers.Reshape((-1,))(loudest) > 0)[:, None, :]

    def _block(self, x: tf.Tensor, heard: tf.Tensor) -> tf.Tensor:
        layers = keras.layers
        normal = layers.LayerNormalization()(x)
        attention = layers.MultiHeadAttention(self.heads, self.width // self.heads, dropout=self.dropout)
        x = layers.Add()([x, layers.Dropout(self.dropout)(attention(normal, normal, attention_mask=heard))])
        inner = layers.Dense(2 * self.width, activation="gelu")(layers.LayerNormalization()(x))
        return layers.Add()([x, layers.Dropout(self.dropout)(layers.Dense(self.width)(inner))])
