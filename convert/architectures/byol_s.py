"""A teacher: the encoder of BYOL-S, begun from its published weights where there are any, attention over steps.

BYOL-S 512 (N. Scheidwasser-Clow et al., SERAB, arXiv:2110.03414) learnt without labels from the speech in AudioSet. Its
input were 64 mel bands; here a learned map makes them from the cepstra, begun as the inverse DCT with bands in between
interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.blocks import answers, by_step
from convert.architectures.spectral import spectral_kernel
from convert.errors import RecipeError
from edge_ser.features import FrontEnd

BANDS, LOWEST_HZ, HIGHEST_HZ = 64, 60.0, 7800.0  # of its own mel filters
CHANNELS, UNITS, BLOCKS = 64, 512, 3
BATCH_NORM_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class ByolS:
    """Size is given by its weights.

    Raises
    ------
    RecipeError
        From `build`: the file of weights is missing or is another network's.
    """

    n_mfcc: int = 40
    n_extras: int = 0
    """Columns behind the cepstra."""

    n_classes: int = 8

    weights: str = ""
    """NumPy archive with its arrays (`conv0_kernel` ...); empty for a start at random."""

    dropout: float = 0.3
    """Fraction of the features of the two dense layers silenced in training."""

    @property
    def frames_per_step(self) -> int:
        """Frames behind each output."""
        return int(2**BLOCKS)

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the Keras model; see `convert.architectures` for its inputs and outputs.

        Parameters
        ----------
        std : array (n_mfcc + n_extras,), optional
            Of the features in training, for the map from cepstra to bands.
        """
        layers = keras.layers
        n_features = self.n_mfcc + self.n_extras
        inputs = keras.Input((None, n_features, 1), name="features")
        bands = spectral_kernel(std, self.n_mfcc, self.n_extras, self.n_mfcc) @ between_bands(self.n_mfcc)
        start = keras.initializers.Constant(bands[None, :, None, :])
        x = layers.Conv2D(BANDS, (1, n_features), kernel_initializer=start, use_bias=False, name="spectral")(inputs)
        x = layers.Reshape((-1, BANDS, 1))(x)
        for block in range(BLOCKS):
            x = layers.Conv2D(CHANNELS, 3, padding="same", name=f"conv{block}")(x)
            x = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"bn{block}")(x)
            x = layers.MaxPooling2D(2)(layers.ReLU()(x))
        x = layers.Dense(UNITS, activation="relu", name="fc0")(by_step(x))
        x = layers.Dense(UNITS, activation="relu", name="fc1")(layers.Dropout(self.dropout)(x))
        model = keras.Model(inputs, answers(x, self.n_classes, self.dropout), name="byol_s")
        if self.weights:
            load_encoder(model, Path(self.weights))
        return model


def between_bands(n_bands: int) -> NDArray[np.float32]:
    """Return the matrix (n_bands, BANDS) that interpolates the front end's mel bands to the encoder's."""
    front_end = FrontEnd()
    ours = _centres(front_end.fmin, front_end.fmax, n_bands)
    theirs = _centres(LOWEST_HZ, HIGHEST_HZ, BANDS)
    identity = np.eye(n_bands)
    return np.stack([np.interp(theirs, ours, row) for row in identity]).astype(np.float32)


def load_encoder(model: keras.Model, path: Path) -> None:
    """Put published weights into a model of `ByolS`.

    Raises
    ------
    RecipeError
        The file cannot be read, lacks an array, or has one of another shape.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        for block in range(BLOCKS):
            # Published with the mel axis first; here time comes first.
            kernel = arrays[f"conv{block}_kernel"].transpose(1, 0, 2, 3)
            model.get_layer(f"conv{block}").set_weights([kernel, arrays[f"conv{block}_bias"]])
            norm = [arrays[f"bn{block}_{part}"] for part in ("gamma", "beta", "mean", "var")]
            model.get_layer(f"bn{block}").set_weights(norm)
        for name in ("fc0", "fc1"):
            model.get_layer(name).set_weights([arrays[f"{name}_kernel"], arrays[f"{name}_bias"]])
    except (OSError, KeyError, ValueError) as error:
        raise RecipeError(f"the encoder {path} cannot be used: {error}", "Name the arrays of BYOL-S 512") from error


def _centres(low: float, high: float, count: int) -> NDArray[np.float64]:
    """Return the centres of HTK mel bands, in mel."""
    edges = [2595 * np.log10(1 + hertz / 700) for hertz in (low, high)]
    return np.linspace(*edges, count + 2)[1:-1]
