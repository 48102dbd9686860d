"""The student can be trained, pruned and quantised as it is, and hears nothing before it was said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_optimization as tfmot

from convert.architectures import ARCHITECTURES, architecture
from convert.architectures.streaming_cnn import StreamingCnn, pool, running_pool
from edge_ser.errors import SettingsError
from edge_ser.features import cepstra

SIZES: dict[str, dict[str, Any]] = {
    "plain": {},
    "thirteen": {"n_mfcc": 13},
    "spectral": {"spectral": True, "n_mfcc": 20, "n_bands": 40},
    "extras": {"spectral": True, "n_mfcc": 20, "n_extras": 3},
    "residual": {"convolutions": 2, "dilations": (1, 2)},
    "stride": {"downsample": "stride", "dropout": 0.0},
}
CHANNELS = (4, 6, 8, 10)
SPECTRAL = ("streaming_cnn", "byol_s", "cnn", "cnn_gru", "cnn_lstm", "transformer")
"""Those that begin with a map from what they hear to bands."""


def network(name: str) -> StreamingCnn:
    return StreamingCnn(channels=CHANNELS, embedding=12, **SIZES[name])


def features(n_features: int, frames: int = 80, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, frames, n_features, 1)).astype(np.float32)


@pytest.mark.parametrize("name", SIZES)
def test_answers_once_a_step(name: str) -> None:
    configuration = network(name)
    logits, attention = configuration.build()(features(configuration.n_features, 83))
    assert configuration.frames_per_step == 8
    assert logits.shape == (2, 10, configuration.n_classes)
    assert attention.shape == (2, 10)


@pytest.mark.parametrize("name", SIZES)
def test_nothing_is_heard_before_it_is_said(name: str) -> None:
    configuration = network(name)
    model = configuration.build()
    heard = features(configuration.n_features)
    other = heard.copy()
    other[:, 48:] += 1.0
    before, after = model(heard)[0].numpy(), model(other)[0].numpy()
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert np.abs(before[:, 6] - after[:, 6]).max() > 0


@pytest.mark.parametrize("name", SIZES)
def test_optimisation_toolkit_takes_it_as_it_is(name: str) -> None:
    configuration = network(name)
    model = configuration.build()
    heard = features(configuration.n_features, 32)
    schedule = tfmot.sparsity.keras.ConstantSparsity(0.5, begin_step=0, frequency=1)
    for wrapped in (
        tfmot.sparsity.keras.prune_low_magnitude(model, schedule),
        tfmot.quantization.keras.quantize_model(model),
    ):
        logits, attention = wrapped(heard, training=False)
        assert (logits.shape, attention.shape) == ((2, 4, 8), (2, 4))
        assert np.isfinite(logits).all()


def test_spectral_map_begins_as_the_bands_of_the_cepstra() -> None:
    """With all cepstra the map undoes the DCT, so neighbours are neighbours again."""
    log_mel = np.random.default_rng(0).normal(1e5, 2e4, (50, 40)).round()
    found = cepstra(log_mel, 40)
    std = found.std(axis=0)
    kernel = StreamingCnn(spectral=True).build(std).get_layer("spectral").get_weights()[0][0, :, 0, :]
    bands = ((found - found.mean(axis=0)) / std) @ kernel
    wanted = log_mel - log_mel.mean(axis=0)
    assert np.corrcoef(bands.ravel(), wanted.ravel())[0, 1] > 0.9999


@pytest.mark.parametrize("name", SPECTRAL)
def test_extras_add_nothing_to_the_bands_at_first_and_are_learnt(name: str) -> None:
    spectral = {"spectral": True} if name == "streaming_cnn" else {}
    model = architecture(name, n_mfcc=40, n_extras=3, n_classes=5, **spectral).build(np.ones(43))
    heard, other = features(43, 64, 1), features(43, 64, 1)
    other[:, :, 40:] += 1.0
    np.testing.assert_array_equal(model(heard)[0], model(other)[0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(other)[0] ** 2)
    slope = tape.gradient(loss, model.get_layer("spectral").kernel)
    assert np.abs(slope[0, 40:]).max() > 0


def test_pooling_ignores_what_is_masked() -> None:
    rng = np.random.default_rng(0)
    logits, attention = rng.normal(size=(3, 6, 4)).astype(np.float32), rng.normal(size=(3, 6)).astype(np.float32)
    mask = np.arange(6) < np.array([6, 3, 1])[:, None]
    pooled = pool(logits, attention, mask).numpy()
    for row, steps in enumerate((6, 3, 1)):
        weights = np.exp(attention[row, :steps])
        np.testing.assert_allclose(pooled[row], weights @ logits[row, :steps] / weights.sum(), rtol=1e-5)
    np.testing.assert_allclose(running_pool(logits, attention)[:, -1], pool(logits, attention), rtol=1e-4)
    np.testing.assert_allclose(running_pool(logits, attention)[1, 2], pooled[1], rtol=1e-4)


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"raw_cnn"}))  # which hears samples
def test_every_network_is_built_by_its_name(name: str) -> None:
    configuration = architecture(name, n_mfcc=40, n_classes=5)
    logits, attention = configuration.build(np.ones(40))(features(40, 64, 1))
    steps = 64 // configuration.frames_per_step
    assert (logits.shape, attention.shape) == ((1, steps, 5), (1, steps))


def test_lists_of_a_recipe_become_tuples() -> None:
    assert (
        architecture("streaming_cnn", channels=[4, 8], pools=[2, 2]).plan()
        == StreamingCnn(channels=(4, 8), pools=(2, 2)).plan()
    )


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("cnm", {}, "Unknown architecture 'cnm'"),
        ("streaming_cnn", {"chanels": [4]}, "no option 'chanels'"),
        ("streaming_cnn", {"channels": [4, 4]}, "2 blocks and pools 4"),
        ("streaming_cnn", {"n_mfcc": 7}, "leave nothing of 7"),
    ],
)
def test_impossible_networks_are_refused_by_name(name: str, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        architecture(name, **options)
