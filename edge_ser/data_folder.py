"""Where edge-ser keeps what it was asked to keep, and files that survive a power cut."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

OWNER_ONLY = 0o600


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return `edge-ser` in the user's data folder."""
    home = environment.get("HOME") or "~"
    return Path(environment.get("XDG_DATA_HOME") or f"{home}/.local/share").expanduser() / "edge-ser"


def write_durably(path: Path, text: str) -> None:
    """Write a file that its owner alone may read: whole or not at all, and on the disk when this returns.

    Raises
    ------
    OSError
        It cannot be written; what was there before is still there.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too
        finally:
            os.close(folder)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
