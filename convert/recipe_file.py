"""A recipe from its TOML file; an unknown key is an error, for one that is silently ignored costs hours of training."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import dacite

from convert.changes import change_table
from convert.errors import RecipeError
from convert.recipe import Recipe
from convert.recipe_check import check

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


RECIPES = Path(__file__).parent / "recipes"
"""Those that come with edge-ser."""

ENCODER = "byol_s"
"""The architecture whose weights may be somebody else's to begin with."""


def load_recipe(path: Path, changes: Mapping[str, Any] = MappingProxyType({})) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : Path
    changes : mapping
        Values to take instead of the file's, by key with points: `student.training.epochs`, `teachers.0.options`.

    Raises
    ------
    RecipeError
        The file cannot be read, or a key is unknown, missing, or of the wrong type.
    """
    try:
        table = change_table(tomllib.loads(path.read_text(encoding="utf-8")), changes)
    except OSError as error:
        raise RecipeError(f"the recipe {path} cannot be read: {error.strerror}", "name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}", "mend it at the place named") from error
    try:
        recipe = dacite.from_dict(Recipe, table, dacite.Config(strict=True, cast=[tuple], type_hooks={float: _number}))
    except dacite.UnexpectedDataError as error:
        raise RecipeError(f"{path}: unknown key {sorted(error.keys)[0]!r}", _nearest(sorted(error.keys)[0])) from error
    except dacite.DaciteError as error:
        raise RecipeError(f"{path}: {error}", "see convert/recipe.py for the keys and their types") from error
    check(recipe, path)
    return recipe


def with_encoder(recipe: Recipe, encoder: Path) -> Recipe:
    """Return the recipe with its pretrained encoder's weights from this file.

    Raises
    ------
    RecipeError
        No teacher of the recipe begins with an encoder.
    """
    if not any(teacher.architecture == ENCODER for teacher in recipe.teachers):
        raise RecipeError(f"no teacher of {recipe.name} begins with an encoder", f"Give it a teacher {ENCODER!r}")
    teachers = [
        replace(teacher, options={**teacher.options, "weights": str(encoder)})
        if teacher.architecture == ENCODER
        else teacher
        for teacher in recipe.teachers
    ]
    return replace(recipe, teachers=teachers)


def _number(value: Any) -> Any:
    """TOML writes a whole number without a point where a float is meant."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _nearest(key: str) -> str:
    known = sorted(_keys(Recipe))
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {close[0]!r}" if close else f"the keys are {', '.join(known)}"


def _keys(table: type) -> set[str]:
    """Return the keys of a table and of all tables in it."""
    found = set()
    for name, hint in get_type_hints(table).items():
        found.add(name)
        for inner in (hint, *get_args(hint)):
            if is_dataclass(inner) and isinstance(inner, type):
                found |= _keys(inner)
    return found
