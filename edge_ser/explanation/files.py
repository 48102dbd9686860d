"""An explanation as two files: a picture for people, JSON for programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from edge_ser.errors import OutputError
from edge_ser.explanation.explanation import Explanation
from edge_ser.explanation.picture import picture


def write(explanation: Explanation, base: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write `<base>.svg` and `<base>.json` and return their paths; files that are there are replaced.

    Raises
    ------
    OutputError
        One of them cannot be written.
    """
    paths = _paths(base)
    texts = picture(explanation), json.dumps(explanation.to_dict(), allow_nan=False) + "\n"
    for path, text in zip(paths, texts, strict=True):
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise _cannot_write(path, error) from error
    return paths


def check_writable(base: str | os.PathLike[str]) -> None:
    """Fail as `write` would, before an explanation is worked out for nothing."""
    for path in _paths(base):
        try:
            is_new = not path.exists()
            with path.open("a", encoding="utf-8"):
                pass
            if is_new:
                path.unlink()
        except OSError as error:
            raise _cannot_write(path, error) from error


def _paths(base: str | os.PathLike[str]) -> tuple[Path, Path]:
    return Path(f"{os.fspath(base)}.svg"), Path(f"{os.fspath(base)}.json")


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"The explanation {path} cannot be written ({error.strerror})",
        "Choose another place: `--explain FOLDER/NAME`",
    )
