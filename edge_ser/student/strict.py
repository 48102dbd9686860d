"""JSON to frozen dataclasses, strictly: every key known, none missing that has no default, every type as declared."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from edge_ser.errors import EdgeSerError

T = TypeVar("T")


class StrictError(ValueError):
    """A document is not what its dataclass declares; the message names the place."""


def from_json(text: str, kind: type[T]) -> T:
    """Return an instance of a dataclass from its JSON.

    Fields may be str, bool, int, finite float (a whole number will do), dataclasses, `tuple[X, ...]` (a JSON array),
    `Mapping[str, X]` and `X | None` of these. A field with a default may be missing: what a later version added does
    not make an older file unreadable.

    Raises
    ------
    StrictError
        Not JSON; or a key unknown, missing or given twice; or a value of another type, or refused by its dataclass.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Point:
    ...     x: int
    >>> from_json('{"x": 3}', Point)
    Point(x=3)
    >>> from_json('{"x": 3, "y": 4}', Point)
    Traceback (most recent call last):
    edge_ser.student.strict.StrictError: the document has an unknown key 'y'
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except RecursionError as error:
        raise StrictError("it is nested too deeply") from error
    except ValueError as error:
        raise StrictError(f"it is not JSON ({error})") from error
    result: T = _build(value, kind, "the document")
    return result


def to_json(instance: Any, indent: int | None = 1) -> str:
    """Return a dataclass's JSON in the order of its fields: indented, so that two can be compared, or None for short.

    A field that is None by default is left out where it is: a file from before there was such a field stays as it was.

    Raises
    ------
    ValueError
        A number is not finite.
    """
    return json.dumps(_plain(instance), indent=indent, allow_nan=False, ensure_ascii=False) + "\n"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise StrictError("a key is given twice")
    return dict(pairs)


@lru_cache(maxsize=64)
def _types_of(kind: Any) -> dict[str, Any]:
    # Found anew they take half of the time that a model's metadata do.
    return get_type_hints(kind)


def _build(value: Any, kind: Any, where: str) -> Any:
    """Return a JSON value as the declared type."""
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(value, kind, where)
    if origin is UnionType:  # X | None
        return None if value is None else _build(value, get_args(kind)[0], where)
    if origin is tuple:
        _require(isinstance(value, list), where, "an array")
        return tuple(_build(item, get_args(kind)[0], f"{where}[{i}]") for i, item in enumerate(value))
    if origin is not None:  # Mapping[str, X]
        _require(isinstance(value, dict), where, "an object")
        for key in value:
            _require(_is_text(key), where, "an object with keys of text")
        return {key: _build(item, get_args(kind)[1], f"{where}.{key}") for key, item in value.items()}
    if kind is float:
        _require(type(value) in (int, float) and _is_finite(value), where, "a finite number")
        return float(value)
    _require(type(value) is kind, where, f"of type {kind.__name__}")  # `type is`: True is not a number here
    _require(kind is not str or _is_text(value), where, "text")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell and nothing can print
        return False
    return True


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # JSON's whole numbers have no end
        return False


def _build_dataclass(value: Any, kind: Any, where: str) -> Any:
    _require(isinstance(value, dict), where, "an object")
    hints = _types_of(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    for name in value:
        if name not in names:
            raise StrictError(f"{where} has an unknown key {name!r}")
    for field in dataclasses.fields(kind):
        if field.name not in value and field.default is dataclasses.MISSING:
            raise StrictError(f"{where} has no {field.name!r}")
    inside = "" if where == "the document" else f"{where}."
    fields = {name: _build(value[name], hints[name], f"{inside}{name}") for name in names if name in value}
    try:
        return kind(**fields)
    except EdgeSerError as error:
        raise StrictError(error.problem) from error


def _require(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise StrictError(f"{where} is not {what}")


def _says(instance: Any, field: dataclasses.Field[Any]) -> bool:
    """Tell whether to write a field: one that came later and is empty is left out, so older files stay as they were."""
    return not (field.default in (None, ()) and getattr(instance, field.name) == field.default)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        said = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if _says(value, field)}
        return {name: _plain(item) for name, item in said.items()}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
