"""The configuration file: where it is looked for, and how it is read.

The one that is named (`--config`), else the one that `EDGE_SER_CONFIG` names, else the first of `default_files` that
exists. One file is read, never two.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_ser.errors import SettingsError

FILE_VARIABLE = "EDGE_SER_CONFIG"
"""Environment variable that names the file."""

SYSTEM_FILE = Path("/etc/edge-ser.toml")


def default_files(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Return where a file is looked for: the user's, then the system's."""
    home = environment.get("HOME") or "~"
    folder = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return Path(folder).expanduser() / "edge-ser" / "config.toml", SYSTEM_FILE


def find_file(file: str | os.PathLike[str] | None, environment: Mapping[str, str]) -> Path | None:
    """Return the file to read; one that was named need not exist, and is then an error when it is read."""
    named = file or environment.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return next((path for path in default_files(environment) if path.is_file()), None)


def read_toml(path: Path) -> dict[str, Any]:
    """Return a file's keys and values.

    Raises
    ------
    SettingsError
        It cannot be read, or is not TOML.
    """
    # Imported here: most runs have no file.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return table
    except OSError as error:
        raise SettingsError(
            f"The configuration file {path} cannot be read ({error.strerror})",
            "Check the path and its permissions; `edge-ser config --toml` prints one to start from",
        ) from error
    except (ValueError, RecursionError) as error:  # not TOML, not even text, or lists within lists without end
        raise SettingsError(
            f"The configuration file {path} is not TOML ({error})",
            "Correct it; `edge-ser config --toml` prints one to start from",
        ) from error
