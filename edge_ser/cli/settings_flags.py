"""The flags of the settings, one a field of `Settings`, for the commands that recognise."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge_ser import configuration
from edge_ser.setting_values import choices_of, describe, kinds
from edge_ser.settings import Settings

if TYPE_CHECKING:
    from edge_ser.configuration import Configuration

_DEFAULTS = asdict(Settings())


def add_settings_flags(parser: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    """Add `--config` and a flag for each setting but those that mean nothing to this command."""
    group = parser.add_argument_group(
        "settings", "over the environment and the configuration file: see `edge-ser config`"
    )
    group.add_argument("--config", metavar="FILE", help="configuration file to read, TOML")
    for name, declared in configuration.fields().items():
        if name in without:
            continue
        explained = _as_help(configuration.explanations().get(name, describe(declared)), _DEFAULTS[name])
        if kinds(declared) == (bool,):  # --name and --no-name
            group.add_argument(configuration.option_of(name), action=argparse.BooleanOptionalAction, help=explained)
        else:
            group.add_argument(configuration.option_of(name), metavar=_metavar(declared), help=explained)


def configuration_of(args: argparse.Namespace) -> Configuration:
    """Return file, environment and the given flags as one.

    Raises
    ------
    SettingsError
        See `edge_ser.configuration.load`.
    """
    flags = {name: getattr(args, name, None) for name in configuration.fields()}
    return configuration.load(args.config, flags)


def _as_help(explanation: str, default: object) -> str:
    """Return a docstring in the form of argparse's own help."""
    first, rest = explanation[:1], explanation[1:]
    if not rest[:1].isupper():  # not an abbreviation
        first = first.lower()
    known = "" if default is None else f" ({default})"
    return (first + rest).rstrip(".").replace("%", "%%") + known


def _metavar(declared: Any) -> str:
    if choices := choices_of(declared):
        return "|".join(choices)
    return "NUMBER" if kinds(declared)[0] in (int, float) else "TEXT"
