"""Reading TOML on every Python: the standard library has it from 3.11, `tomli` before."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edge_ser.errors import EdgeSerError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path, error: type[EdgeSerError]) -> dict[str, Any]:
    """Return the content of a TOML file; raise `error` where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise error(f"{path} cannot be read: {cause}", "Correct it") from cause
