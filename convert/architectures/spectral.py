"""From cepstra back to bands, where neighbours belong together and a 3 x 3 convolution makes sense."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras


def inverse_dct(std: ArrayLike, n_bands: int) -> NDArray[np.float32]:
    """Return the matrix (n_mfcc, n_bands) that turns standardised cepstra into bands of about unit variance.

    The inverse of the orthonormal DCT-II, each cepstrum weighted by its standard deviation `std` (n_mfcc,).
    """
    deviation = np.asarray(std, np.float64)
    k, band = np.ogrid[: len(deviation), :n_bands]
    dct = np.sqrt(2 / n_bands) * np.cos(np.pi * k * (2 * band + 1) / (2 * n_bands))
    dct[0] /= np.sqrt(2)
    scaled = dct * deviation[:, None]
    unit = np.sqrt(np.mean(np.sum(scaled**2, axis=0)))  # cepstra are about uncorrelated
    return (scaled / unit).astype(np.float32)


def spectral_kernel(std: ArrayLike | None, n_mfcc: int, n_extras: int, n_bands: int) -> NDArray[np.float32]:
    """Return where a map from features to bands starts, (n_mfcc + n_extras, n_bands): extras add nothing at first.

    Parameters
    ----------
    std : array (at least n_mfcc,) or None
        Of the features in training, the cepstra first; 1 where there is none.
    n_mfcc, n_extras, n_bands : int
    """
    cepstra = inverse_dct(np.ones(n_mfcc) if std is None else np.asarray(std)[:n_mfcc], n_bands)
    return np.pad(cepstra, ((0, n_extras), (0, 0)))


def spectral(x: tf.Tensor, std: ArrayLike | None, n_mfcc: int) -> tf.Tensor:
    """Add a learned linear map from features (batch, frames, n_features, 1) to n_mfcc bands, see `spectral_kernel`."""
    n_features = x.shape[2]
    start = keras.initializers.Constant(spectral_kernel(std, n_mfcc, n_features - n_mfcc, n_mfcc)[None, :, None, :])
    x = keras.layers.Conv2D(n_mfcc, (1, n_features), kernel_initializer=start, use_bias=False, name="spectral")(x)
    return keras.layers.Reshape((-1, n_mfcc, 1))(x)
