"""What the values of a recipe must keep to together."""

from __future__ import annotations

from pathlib import Path

from convert.errors import RecipeError
from convert.recipe import Recipe
from edge_ser.errors import SettingsError
from edge_ser.features.extras import look_up


def check(recipe: Recipe, path: Path) -> None:
    """Refuse a recipe whose values do not go together.

    Parameters
    ----------
    recipe : Recipe
    path : Path
        Its file, for the message.

    Raises
    ------
    RecipeError
        Naming the key, and the cure.
    """
    try:
        look_up(recipe.features.extras)
    except SettingsError as error:
        raise RecipeError(f"{path}: features.extras: {error.problem}", error.cure) from error
    unknown = [name for name in recipe.label_of_class if name not in recipe.classes]
    if unknown:
        raise RecipeError(f"{path}: label_of_class names {unknown[0]!r}, which is no class", "add it to classes")
    for table, data in (("data", recipe.data), ("pretraining", recipe.pretraining)):
        for use in ("held_out", "validation") if data else ():
            strangers = set(getattr(data, use)) - set(data.corpora)
            if strangers:
                raise RecipeError(f"{path}: {table}.{use} names {sorted(strangers)[0]!r}", f"add it to {table}.corpora")
    if recipe.data.split == "speaker" and not recipe.data.held_out:
        raise RecipeError(f"{path}: data.held_out names nobody", "name at least one speaker, or nothing can be judged")
    if recipe.pretraining is None and any(network.pretraining for network in (recipe.student, *recipe.teachers)):
        raise RecipeError(f"{path}: a network has pretraining, the recipe has none", "say on what: [pretraining]")
    twice = set(recipe.pretraining.corpora) & set(recipe.data.held_out) if recipe.pretraining else set()
    for corpus in sorted(twice):
        heard = set(recipe.data.held_out[corpus]) - set(recipe.pretraining.held_out.get(corpus, ()))
        if heard:
            raise RecipeError(
                f"{path}: {corpus}/{sorted(heard)[0]} is held out, but not from pretraining",
                "add the speaker to pretraining.held_out",
            )
    _check_data(recipe, path)
    if not 0 <= recipe.pruning.sparsity < 1:
        raise RecipeError(f"{path}: pruning.sparsity is {recipe.pruning.sparsity}", "give 0 to 0.95")


def _check_data(recipe: Recipe, path: Path) -> None:
    data = recipe.data
    if recipe.ships and data.split not in ("speaker", "corpus"):
        raise RecipeError(
            f"{path}: data.split is {data.split!r}, which proves nothing about new voices", "set ships = false"
        )
    if not 0 < data.share < 0.6:
        raise RecipeError(f"{path}: data.share is {data.share}", "give 0.05 to 0.5")
    if both := set(data.unlabelled) & set(data.corpora):
        raise RecipeError(f"{path}: data.unlabelled names {sorted(both)[0]!r}, whose labels count", "name it once")
    if data.unlabelled and not recipe.teachers:
        raise RecipeError(f"{path}: data.unlabelled needs somebody who knows", "give the recipe a teacher")
