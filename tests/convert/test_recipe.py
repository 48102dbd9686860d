"""Recipes: the shipped ones are valid, and whatever is wrong in one is named before hours are spent on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.augment import Augment
from convert.errors import RecipeError
from convert.recipe_file import load_recipe

RECIPES = sorted((Path(__file__).parents[2] / "convert" / "recipes").glob("*.toml"))
SMALL = """
name = "small"
version = "0"
description = "d"
licence = "CC0-1.0"
classes = ["neutral", "calm", "happy"]
label_of_class = {calm = "neutral"}
data = {corpora = ["small"], held_out = {small = ["01"]}, validation = {}}
student = {architecture = "streaming_cnn"}
"""

FIRST = '[pretraining]\ncorpora = ["small"]\nheld_out = {}\nvalidation = {}\n'


def load(folder: Path, text: str):
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    return load_recipe(folder / "recipe.toml")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_is_valid_and_keeps_its_speakers_apart(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert recipe.data.held_out
    for corpus, speakers in recipe.data.held_out.items():
        assert not set(speakers) & set(recipe.data.validation.get(corpus, ()))


def test_what_is_left_out_has_its_default_and_labels_follow_the_classes(tmp_path: Path) -> None:
    recipe = load(tmp_path, SMALL)
    assert recipe.labels == ["neutral", "happy"]
    assert recipe.augment == Augment()


def test_an_augmentation_is_switched_off_by_its_probability(tmp_path: Path) -> None:
    recipe = load(tmp_path, SMALL + "[augment.noise]\nprobability = 0\nsnr_db = [5, 15]\n")
    assert recipe.augment.noise.probability == 0.0
    assert recipe.augment.noise.snr_db == (5, 15)
    assert recipe.augment.room == Augment().room


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (SMALL + "epoch = 3\n", "'epoch'"),
        (SMALL + "[pruning]\nsparcity = 0.5\n", "'sparcity'"),
        (SMALL + "[augment.noise]\nprobabilty = 0.5\n", "'probabilty'"),
        (SMALL + "[pruning]\nsparsity = 1.5\n", "sparsity"),
        (SMALL + '[pruning]\nsparsity = "much"\n', "sparsity"),
        (SMALL + '[features]\nextras = ["pich"]\n', "'pich'"),
        (SMALL + '[features]\nextras = ["flux", "flux"]\n', "features.extras"),
        (SMALL.replace('name = "small"', ""), "name"),
        (SMALL.replace("{calm", "{clam"), "'clam'"),
        (SMALL.replace("held_out = {small", "held_out = {large"), "'large'"),
        (SMALL.replace('held_out = {small = ["01"]}', "held_out = {}"), "data.held_out names nobody"),
        (SMALL.replace('cnn"', 'cnn", pretraining = {}'), "the recipe has none"),
        (SMALL.replace('cnn"', 'cnn", pretraining = {}') + FIRST, "small/01 is held out, but not from pretraining"),
        (SMALL + "[pruning\n", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_naming_the_key(tmp_path: Path, wrong: str, named: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, wrong)
    assert named in caught.value.problem
    assert caught.value.cure
    assert "\n" not in str(caught.value)


def test_a_recipe_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nowhere"):
        load_recipe(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="binary"):
        load_recipe(tmp_path / "binary.toml")
