"""A teacher: convolutions over the samples themselves (the extra feature `waveform`), attention over steps.

After M5 (Dai et al., arXiv:1610.00087, table 1): one wide filter bank that is learnt, then narrow ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import answers
from convert.errors import RecipeError

HOP = 160  # samples of a frame, in the last columns
FIRST_KERNEL, FIRST_STRIDE = 80, 5  # samples
POOLS = (4, 4, 4, 2)  # with the stride 640 samples, four frames


@dataclass(frozen=True, slots=True)
class RawCnn:
    """Size of the network.

    Raises
    ------
    RecipeError
        From `build`: the features hold no samples.
    """

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra; the last 160 must be the samples."""

    n_classes: int = 8
    channels: tuple[int, ...] = (48, 64, 96, 128)
    """Of each convolution."""

    dropout: float = 0.3
    """Fraction of the last features silenced in training."""

    @property
    def frames_per_step(self) -> int:
        """Frames behind each output."""
        return 4

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs; `std` is not needed."""
        if self.n_extras < HOP:
            raise RecipeError(
                "raw_cnn hears samples, which are no feature here", 'Put "waveform" last in features.extras'
            )
        if len(self.channels) != len(POOLS):
            raise RecipeError(f"raw_cnn has {len(self.channels)} channels", f"Give {len(POOLS)}")
        layers = keras.layers
        inputs = keras.Input((None, self.n_mfcc + self.n_extras, 1), name="features")
        x = layers.Reshape((-1, 1))(inputs[:, :, -HOP:])
        for nth, (channels, pool) in enumerate(zip(self.channels, POOLS, strict=True)):
            kernel, stride = (FIRST_KERNEL, FIRST_STRIDE) if nth == 0 else (3, 1)
            x = layers.Conv1D(channels, kernel, stride, padding="same", use_bias=False)(x)
            x = layers.MaxPooling1D(pool)(layers.ReLU()(layers.BatchNormalization()(x)))
        return keras.Model(inputs, answers(x, self.n_classes, self.dropout), name="raw_cnn")
