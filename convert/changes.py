"""Changes to a recipe from outside its file: `KEY=VALUE`, the key with points, the value as TOML has it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from convert.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def parse_changes(texts: Iterable[str]) -> dict[str, Any]:
    """Return values by key.

    Raises
    ------
    RecipeError
        A text without `=`.

    Examples
    --------
    >>> parse_changes(["student.training.epochs=5", "distillation.alpha = 0.5", "student.architecture=streaming_cnn"])
    {'student.training.epochs': 5, 'distillation.alpha': 0.5, 'student.architecture': 'streaming_cnn'}
    """
    found = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"{text!r} changes nothing", "Write KEY=VALUE, like student.training.epochs=5")
        found[key.strip()] = _value(value.strip())
    return found


def change_table(table: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's table with other values; tables that are missing are made.

    Raises
    ------
    RecipeError
        A key that leads through something that is no table, or to an item that a list does not have.

    Examples
    --------
    >>> change_table({"teachers": [{"architecture": "cnn"}]}, {"teachers.0.training.epochs": 3})
    {'teachers': [{'architecture': 'cnn', 'training': {'epochs': 3}}]}
    """
    table = copy.deepcopy(table)
    for key, value in changes.items():
        place: Any = table
        *way, last = key.split(".")
        for part in way:
            place = _inside(place, part, key)
        if isinstance(place, list):
            _inside(place, last, key)
            place[int(last)] = value
        elif isinstance(place, dict):
            place[last] = value
        else:
            raise RecipeError(f"{key} leads through {place!r}, which is no table", "Name a key of the recipe")
    return table


def _inside(place: Any, part: str, key: str) -> Any:
    if isinstance(place, dict):
        return place.setdefault(part, {})
    if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
        return place[int(part)]
    raise RecipeError(f"{key} leads through {part!r}, which is not there", "Name a key of the recipe; lists from 0")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a word without quotes
