"""Networks: whatever the size of a recording, each gives an answer a step; the peers have the size of their papers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures import ARCHITECTURES, architecture
from convert.architectures.streaming_cnn import pool
from convert.errors import RecipeError
from convert.losses.objective import with_features

SMALL = {
    "streaming_cnn": {"channels": [4, 6], "pools": [4, 2], "embedding": 8},
    "byol_s": {},
    "cnn": {"channels": [4, 6], "embedding": 8},
    "cnn_gru": {"channels": [4, 6], "units": 4},
    "cnn_lstm": {"channels": [4, 6], "units": 4},
    "lstm": {"units": [4], "bidirectional": True},
    "gru": {"units": [4, 4]},
    "tcn": {"channels": 6, "dilations": [1, 2]},
    "transformer": {"channels": [4, 6], "width": 8, "heads": 2, "blocks": 1},
    "raw_cnn": {"channels": [4, 4, 6, 6], "n_extras": 160},
    "light_sernet": {},
    "tim_net": {"depths": 2},
}
N_CLASSES, FRAMES = 5, 90


def small(name: str) -> tuple[keras.Model, int, int]:
    """Return a small network, its frames a step and its columns."""
    configuration = architecture(name, n_mfcc=16, n_classes=N_CLASSES, **SMALL[name])
    tf.keras.utils.set_random_seed(0)
    return configuration.build(), configuration.frames_per_step, 16 + configuration.n_extras


def test_every_architecture_is_tested() -> None:
    assert set(SMALL) == set(ARCHITECTURES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_answers_once_a_step_and_so_does_its_copy_and_all_of_it_learns(name: str) -> None:
    model, frames_per_step, columns = small(name)
    heard = np.random.default_rng(0).normal(size=(2, FRAMES, columns, 1)).astype(np.float32)
    logits, attention = model(heard, training=False)
    assert logits.shape == (2, FRAMES // frames_per_step, N_CLASSES)
    assert attention.shape == logits.shape[:2]
    assert logits.dtype == attention.dtype == tf.float32
    copy = keras.models.clone_model(model)  # as the moving average of weights is made
    copy.set_weights(model.get_weights())
    np.testing.assert_allclose(copy(heard, training=False)[0], logits, atol=1e-5)
    features = with_features(model)(heard, training=False)[2]
    assert features.shape[:2] == logits.shape[:2]
    every_weight_is_taught(model, heard)


@pytest.mark.parametrize(("name", "cell"), [("cnn_gru", "gru"), ("cnn_lstm", "lstm")])
def test_weights_that_were_saved_still_find_their_recurrent_layer(name: str, cell: str) -> None:
    keras.backend.clear_session()  # numbers in the names of layers begin anew
    names = [weight.name for weight in small(name)[0].weights if "bidirectional" in weight.name]
    parts = ("kernel", "recurrent_kernel", "bias")
    assert names == [
        f"bidirectional/{direction}_{cell}/{cell}_cell/{part}:0"
        for direction in ("forward", "backward")
        for part in parts
    ]


def every_weight_is_taught(model: keras.Model, heard: np.ndarray) -> None:
    """A layer that nothing flows back to would stay as it began, unnoticed."""
    with tf.GradientTape() as tape:
        answer = pool(*model(heard, training=True))
        loss = tf.reduce_sum(answer * np.random.default_rng(1).normal(size=answer.shape).astype(np.float32))
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.name
        assert np.isfinite(gradient.numpy()).all(), variable.name


def test_light_sernet_has_the_parameters_of_its_paper() -> None:
    model = architecture("light_sernet", n_mfcc=40, n_classes=7).build()
    assert model.count_params() == 463_431  # 0.46 M in table 3; the number is that of the authors' own code


def test_tim_net_has_the_parameters_of_its_paper() -> None:
    model = architecture("tim_net", n_mfcc=39, n_classes=7).build()
    assert model.count_params() == 106_992  # 107 k


def test_raw_cnn_asks_for_the_samples() -> None:
    with pytest.raises(RecipeError, match="samples") as caught:
        architecture("raw_cnn", n_mfcc=16, n_extras=4).build()
    assert "waveform" in caught.value.cure


def test_the_transformer_does_not_hear_the_padding() -> None:
    model, frames_per_step, columns = small("transformer")
    heard = np.random.default_rng(0).normal(size=(1, 40, columns, 1)).astype(np.float32)
    padded = np.pad(heard, ((0, 0), (0, 200), (0, 0), (0, 0)))
    steps = 40 // frames_per_step
    # The convolutions hear some zeros behind the end, so the last steps may differ; the first ones would through
    # attention alone.
    np.testing.assert_allclose(model(padded)[0][0, :1], model(heard)[0][0, :1], atol=0.02)
    assert steps > 8
