"""Where settings come from: one TOML file, environment variables over it, command-line flags over those.

    threads = 2                      # in the file
    EDGE_SER_THREADS=2               # in the environment
    edge-ser listen --threads 2      # as a flag

Which file that is stands in `configuration_file`. Everything here is derived from the fields of `Settings`. A library
user who makes `Settings` directly is touched by neither file nor environment; `load().settings` is what commands use.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_type_hints

from edge_ser import settings as settings_module
from edge_ser.configuration_file import FILE_VARIABLE, find_file, read_toml
from edge_ser.errors import SettingsError
from edge_ser.setting_values import choices_of, describe, example_of, from_text, from_toml, nearest, to_toml
from edge_ser.settings import Settings

PREFIX = "EDGE_SER_"
MISSPELT = 0.75
"""Likeness from which an environment variable that names no setting is taken for a slip, and not for another's."""

_TOML_HEAD = """\
# Settings of edge-ser. A line that begins with #name holds the default, or an example where
# nothing is set: take the # away to change it.
# Environment variables (EDGE_SER_THREADS=2) come before this file, flags (--threads 2) before both.
# `edge-ser config` shows what holds, and from where.
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from."""

    kind: Literal["default", "file", "environment", "flag"]

    place: str = ""
    """Path of the file, name of the variable, or the flag."""

    def __str__(self) -> str:
        return f"{self.kind} {self.place}".rstrip()


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and where each comes from."""

    settings: Settings

    origins: Mapping[str, Origin]
    """By field of the settings."""

    file: Path | None
    """That was read."""

    def to_toml(self) -> str:
        """Return a file that gives these settings, with every field explained; defaults are commented out."""
        parts = [_TOML_HEAD]
        for name, declared in fields().items():
            value, default = getattr(self.settings, name), self.origins[name].kind == "default"
            what = f"# {explanation}\n" if (explanation := explanations().get(name)) else ""
            if value is None:
                parts.append(f"{what}#{name} = {example_of(declared)}  # an example\n")
            else:
                parts.append(f"{what}{'#' if default else ''}{name} = {to_toml(value)}\n")
        return "\n".join(parts)


Given = dict[str, tuple[Any, Origin]]
"""Value and origin by field."""


def load(
    file: str | os.PathLike[str] | None = None,
    flags: Mapping[str, Any] = MappingProxyType({}),
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Return the settings that hold.

    Parameters
    ----------
    file : path, optional
        TOML; where it is not given, the one that `configuration_file.find_file` finds, if any.
    flags : mapping
        Values by field, as text or of the field's type; None where a flag was not given.
    environment : mapping, optional
        That of the process where it is not given.

    Raises
    ------
    SettingsError
        The file cannot be read; a name is unknown, or a value of the wrong type or impossible. It names the place.

    Examples
    --------
    >>> configuration = load(flags={"threads": "2"}, environment={"HOME": "/nowhere"})
    >>> configuration.settings.threads, str(configuration.origins["threads"])
    (2, 'flag --threads')
    """
    environment = os.environ if environment is None else environment
    found = find_file(file, environment)
    given = {
        **(_from_file(found) if found else {}),
        **_from_environment(environment),
        **_from_flags(flags),
    }
    origins = {name: given[name][1] if name in given else Origin("default") for name in fields()}
    try:
        settings = Settings(**{name: value for name, (value, _) in given.items()})
    except SettingsError as error:
        named = [str(origin) for name, (_, origin) in given.items() if re.search(rf"\b{name}\b", error.problem)]
        raise SettingsError(f"{error.problem} ({', '.join(named) or 'together'})", error.cure) from error
    return Configuration(settings, origins, found)


@lru_cache(maxsize=1)
def fields() -> Mapping[str, Any]:
    """Return the declared type of each setting by its name."""
    hints = get_type_hints(Settings)
    return {field.name: hints[field.name] for field in dataclasses.fields(Settings)}


@lru_cache(maxsize=1)
def explanations() -> Mapping[str, str]:
    """Return the docstring of each setting by its name; none where Python has no source at hand."""
    try:
        tree = ast.parse(inspect.getsource(settings_module))
    except OSError:
        return {}
    return dict(_documented(next(node for node in tree.body if isinstance(node, ast.ClassDef))))


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def option_of(name: str) -> str:
    """Return the flag of a setting."""
    return "--" + name.replace("_", "-")


def _documented(declaration: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield each field with the string below it."""
    for field, below in zip(declaration.body, declaration.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = ast.literal_eval(below.value)
            yield field.target.id, " ".join(text.split())


def _from_file(path: Path) -> Given:
    given: Given = {}
    for name, value in read_toml(path).items():
        if name not in fields():
            raise _unknown(f"{path}: there is no setting {name!r}", name)
        try:
            given[name] = from_toml(value, fields()[name]), Origin("file", str(path))
        except ValueError:
            raise _wrong(str(path), name, value) from None
    return given


def _from_environment(environment: Mapping[str, str]) -> Given:
    variables = {variable_of(name): name for name in fields()}
    given: Given = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE or not text:
            continue  # empty is not set: a unit file or a container can only do that
        if variable not in variables:
            _refuse_misspelt(variable)
            continue
        name = variables[variable]
        given[name] = _read_text(text, name, Origin("environment", variable))
    return given


def _refuse_misspelt(variable: str) -> None:
    names = [name.upper() for name in fields()]
    near = nearest(variable.removeprefix(PREFIX).upper(), names, MISSPELT)
    if near:
        raise SettingsError(
            f"The environment has {variable}, which is no setting", f"Write {PREFIX}{near}, or unset it"
        )


def _from_flags(flags: Mapping[str, Any]) -> Given:
    given: Given = {}
    for name, value in flags.items():
        if name not in fields():
            raise _unknown(f"There is no setting {name!r}", name)
        if value is not None:
            origin = Origin("flag", option_of(name))
            given[name] = _read_text(value, name, origin) if isinstance(value, str) else (value, origin)
    return given


def _read_text(text: str, name: str, origin: Origin) -> tuple[Any, Origin]:
    try:
        return from_text(text, fields()[name]), origin
    except ValueError:
        raise _wrong(origin.place, name, text) from None


def _unknown(problem: str, name: str) -> SettingsError:
    near = nearest(name, list(fields()))
    return SettingsError(problem, f"Write {near}" if near else f"There are {', '.join(fields())}")


def _wrong(place: str, name: str, value: Any) -> SettingsError:
    """Return the error for a value of another type than its field's."""
    declared = fields()[name]
    near = nearest(str(value), choices_of(declared))
    cure = f"Write {near}" if near else f"Give {describe(declared)}, for example {name} = {example_of(declared)}"
    return SettingsError(f"{place}: {name} is {value!r}, not {describe(declared)}", cure)
