"""A teacher may begin from somebody else's encoder; the file is named by the user and never needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from convert.architectures.byol_s import BANDS, ByolS, between_bands
from convert.errors import RecipeError
from convert.networks import computing_in, with_digests
from convert.recipe import Training
from convert.recipe_file import load_recipe, with_encoder
from edge_ser.features.tables import N_MELS

RECIPES = Path(__file__).parents[2] / "convert" / "recipes"
NORMS = ("gamma", "beta", "mean", "var")


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """Return an encoder's arrays with random values, mel axis first, as they are published."""
    rng = np.random.default_rng(seed)
    shapes = {f"conv{i}_kernel": (3, 3, 64 if i else 1, 64) for i in range(3)}
    shapes |= {f"conv{i}_bias": (64,) for i in range(3)} | {f"bn{i}_{part}": (64,) for i in range(3) for part in NORMS}
    shapes |= {f"fc{i}_kernel": (512, 512) for i in range(2)} | {f"fc{i}_bias": (512,) for i in range(2)}
    return {name: rng.uniform(0.01, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def test_an_encoder_is_put_where_time_comes_first(tmp_path: Path) -> None:
    published = arrays()
    np.savez(tmp_path / "encoder.npz", **published)
    model = ByolS(weights=str(tmp_path / "encoder.npz")).build()
    kernel = model.get_layer("conv0").get_weights()[0]
    np.testing.assert_array_equal(kernel[2, 0], published["conv0_kernel"][0, 2])
    np.testing.assert_array_equal(model.get_layer("fc1").get_weights()[0], published["fc1_kernel"])
    logits, attention = model(np.zeros((2, 83, 40, 1), np.float32))
    assert logits.shape == (2, 10, 8)
    assert attention.shape == (2, 10)


def test_without_one_it_begins_at_random() -> None:
    one, other = (ByolS(n_extras=2).build(np.ones(42)).get_layer("conv1").get_weights()[0] for _ in range(2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("fault", ["missing", "no arrays", "lacks one", "another shape"])
def test_a_file_that_is_no_encoder_is_refused(tmp_path: Path, fault: str) -> None:
    path, published = tmp_path / "encoder.npz", arrays()
    if fault == "no arrays":
        path.write_bytes(b"text")
    elif fault != "missing":
        published.pop("fc1_bias")
        np.savez(path, **published, **({"fc1_bias": np.zeros(3)} if fault == "another shape" else {}))
    with pytest.raises(RecipeError, match="cannot be used"):
        ByolS(weights=str(path)).build()


def test_bands_lie_between_ours() -> None:
    """A spectrum that falls evenly over the mel scale still does over the encoder's bands, between the same ends."""
    matrix = between_bands(N_MELS)
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-6)
    slope = np.arange(N_MELS, dtype=float) @ matrix
    assert (np.diff(slope) >= 0).all()
    inner = np.diff(slope)[1:-1]
    assert inner.max() - inner.min() < 0.05
    assert len(slope) == BANDS


def test_the_recipe_takes_the_file_and_its_stage_hangs_on_the_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    one.write_bytes(b"content")
    other.write_bytes(b"content")
    recipe = with_encoder(load_recipe(RECIPES / "default.toml"), one)
    options = recipe.teachers[0].options
    assert options["weights"] == str(one)
    assert "weights" not in recipe.teachers[1].options
    assert with_digests(options) == with_digests({**options, "weights": str(other)})
    with pytest.raises(RecipeError, match="cannot be read"):
        with_digests({"weights": str(tmp_path / "none.npz")})
    with pytest.raises(RecipeError, match="no teacher of smoke"):
        with_encoder(load_recipe(RECIPES / "smoke.toml"), one)


def test_bfloat16_is_for_the_arithmetic_alone() -> None:
    with computing_in("mixed_bfloat16"):
        model = ByolS().build()
    assert {weight.dtype for weight in model.weights} == {tf.float32}
    assert model.get_layer("conv0").compute_dtype == "bfloat16"
    assert all(output.dtype == tf.float32 for output in model(np.zeros((1, 80, 40, 1), np.float32)))
    with computing_in("float32"):
        assert ByolS().build().get_layer("conv0").compute_dtype == "float32"
    assert Training().precision == "float32"
