"""A peer: LIGHT-SERNET, rebuilt from its paper (Aftab et al., ICASSP 2022, arXiv:2110.03435, figure 1).

Three convolutions side by side look along time, along the cepstra and at both; then five more, and the mean over time.
463 k parameters with 7 classes. The paper's frames are 64 ms long and 16 ms apart; here they are the board's.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import mean_answers

KERNELS = ((11, 1), (1, 9), (3, 3))  # frames and coefficients
SIDE_BY_SIDE = 32  # filters of each
BLOCKS = ((64, 3, (2, 2)), (96, 3, (2, 2)), (128, 3, (2, 1)), (160, 3, (2, 1)), (320, 1, (1, 1)))
"""Filters, kernel and pooling of those behind."""


@dataclass(frozen=True, slots=True)
class LightSernet:
    """Size is given by the paper."""

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8
    dropout: float = 0.3
    """Fraction of the last features silenced in training."""

    @property
    def frames_per_step(self) -> int:
        """Frames behind each output."""
        return 32

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs; `std` is not needed."""
        layers = keras.layers
        inputs = keras.Input((None, self.n_mfcc + self.n_extras, 1), name="features")
        paths = [_block(inputs, SIDE_BY_SIDE, kernel, (2, 2), bias=True) for kernel in KERNELS]
        x = layers.Concatenate()(paths)
        for filters, kernel, pool in BLOCKS:
            x = _block(x, filters, (kernel, kernel), pool)
        x = layers.Reshape((-1, x.shape[3]))(layers.AveragePooling2D((1, x.shape[2]))(x))
        return keras.Model(inputs, mean_answers(x, self.n_classes, self.dropout), name="light_sernet")


def _block(
    x: tf.Tensor, filters: int, kernel: tuple[int, int], pool: tuple[int, int], *, bias: bool = False
) -> tf.Tensor:
    layers = keras.layers
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=bias)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.AveragePooling2D(pool)(x) if pool != (1, 1) else x
