"""A setting's value: checked against the type its field declares, read from text, and written as TOML.

Fields may be str, int, float, bool, `Literal[...]`, `tuple[X, ...]` of these, and any of them `| None`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_EXAMPLES = {str: '"..."', int: "1", float: "0.5", bool: "true"}


def from_toml(value: Any, declared: Any) -> Any:
    """Return a value from a TOML file as its field's type.

    Raises
    ------
    ValueError
        It is of another type; the message says which is wanted.

    Examples
    --------
    >>> from_toml(1, float | None)
    1.0
    >>> from_toml("1", int)
    Traceback (most recent call last):
    ValueError: a whole number
    """
    return _first_that_fits(_checked, value, declared)


def from_text(text: str, declared: Any) -> Any:
    """Return a value from the environment or the command line as its field's type.

    Raises
    ------
    ValueError
        As `from_toml`.

    Examples
    --------
    >>> from_text("a, b", tuple[str, ...])
    ('a', 'b')
    """
    return _first_that_fits(_parsed, text, declared)


def to_toml(value: Any) -> str:
    """Return a value that is not None as TOML.

    Examples
    --------
    >>> print(to_toml(("a", 0.5, True)))
    ["a", 0.5, true]
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(to_toml, value))}]"
    return repr(value)


def example_of(declared: Any) -> str:
    """Return a possible value as TOML, for a field that has none."""
    kind = kinds(declared)[0]
    if get_origin(kind) is Literal:
        return to_toml(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return f"[{example_of(get_args(kind)[0])}]"
    return _EXAMPLES[kind]


def kinds(declared: Any) -> tuple[Any, ...]:
    """Return what a field may be besides None.

    Examples
    --------
    >>> kinds(str | None)
    (<class 'str'>,)
    """
    if get_origin(declared) in (Union, UnionType):
        return tuple(kind for kind in get_args(declared) if kind is not NoneType)
    return (declared,)


def describe(declared: Any) -> str:
    """Return in words what a field takes.

    Examples
    --------
    >>> describe(tuple[int, ...] | None)
    'a list, each a whole number'
    """
    return " or ".join(_described(kind) for kind in kinds(declared))


def choices_of(declared: Any) -> tuple[str, ...]:
    """Return the words that a field takes; none where it takes others too.

    Examples
    --------
    >>> choices_of(Literal["low", "high"] | None)
    ('low', 'high')
    """
    if any(get_origin(kind) is not Literal for kind in kinds(declared)):
        return ()
    return tuple(str(choice) for kind in kinds(declared) for choice in get_args(kind))


def nearest(name: str, names: Sequence[str], cutoff: float = 0.6) -> str | None:
    """Return which of the names was probably meant."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
    return near[0] if near else None


def _first_that_fits(convert: Callable[[Any, Any], Any], value: Any, declared: Any) -> Any:
    for kind in kinds(declared):
        with suppress(ValueError):
            return convert(value, kind)
    raise ValueError(describe(declared))


def _checked(value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_checked(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is Literal:
        for choice in get_args(kind):
            if type(value) is type(choice) and value == choice:
                return choice
    if kind is float and type(value) is int:  # `type is`: True is not a number here
        return _as_float(value)
    if type(value) is not kind:
        raise ValueError(value)
    return value


def _as_float(whole: int) -> float:
    try:
        return float(whole)
    except OverflowError as error:  # TOML's whole numbers have no end
        raise ValueError(whole) from error


def _parsed(text: str, kind: Any) -> Any:
    if get_origin(kind) is tuple:
        return tuple(_parsed(item.strip(), get_args(kind)[0]) for item in text.split(",") if item.strip())
    if get_origin(kind) is Literal:
        choices = {str(choice): choice for choice in get_args(kind)}
        if text not in choices:
            raise ValueError(text)
        return choices[text]
    if kind is bool:
        if text.lower() not in _WORDS:
            raise ValueError(text)
        return _WORDS[text.lower()]
    return kind(text)


def _described(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"a list, each {describe(get_args(kind)[0])}"
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[kind]
