"""Stages that are done once: each keeps its result in a folder named after the hash of everything it was made from."""

from __future__ import annotations

import ast
import errno
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from convert.errors import StageError

ROOT = Path(__file__).parent.parent
DONE, INPUTS = "done", "inputs.json"
NO_ROOM = 1 << 16  # bytes: with fewer left whatever is written fails

log = logging.getLogger(__name__)


def run_stage(
    out: Path,
    name: str,
    inputs: Mapping[str, Any],
    make: Callable[[Path], None],
    agree: Callable[[bool], bool] = bool,
) -> Path:
    """Return the folder with a stage's result, making it unless it is there.

    `make` gets the folder and may find in it what an interrupted run left, to go on from there. A result counts only
    once the file `done` is written, after everything else.

    Parameters
    ----------
    out : Path
        Folder of the run.
    name : str
        Of the stage, the first part of its folder's name.
    inputs : mapping
        All that the result depends on: configuration, digests of data and of earlier stages, code (see `code_digest`).
    make : callable
        Makes the result in the folder that it is given.
    agree : callable
        From whether the result is here to whether it counts: machines that make it together must all have it.

    Raises
    ------
    StageError
        The disk is full.
    """
    description = json.dumps(inputs, sort_keys=True, default=str)
    folder = out / f"{name}-{hashlib.sha256(description.encode()).hexdigest()[:12]}"
    if agree((folder / DONE).exists()):
        log.info("%s: kept from an earlier run", name)
        return folder
    try:
        _make(folder, name, description, make)
    except Exception as error:
        if not _is_full(error, out):
            raise
        raise StageError(
            f"The disk is full: {name} could not be written to {folder}",
            "Make room and give the same command again; what is done is kept",
        ) from error
    return folder


def _make(folder: Path, name: str, description: str, make: Callable[[Path], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INPUTS).write_text(description, encoding="utf-8")
    log.info("%s: begins", name)
    began = time.monotonic()
    make(folder)
    (folder / DONE).write_text(f"{time.monotonic() - began:.1f} s in the run that ended it\n", encoding="utf-8")
    log.info("%s: done in %.0f s", name, time.monotonic() - began)


def _is_full(error: Exception, out: Path) -> bool:
    """Return whether this came of a full disk: NumPy, HDF5 and TensorFlow each say so in their own way."""
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
        return True
    return isinstance(error, OSError) and out.exists() and shutil.disk_usage(out).free < NO_ROOM


def code_digest(*paths: str) -> str:
    """Return a digest of Python files and folders, by path from the repository's root.

    Comments, docstrings and layout do not count: tidying must not cost a day of training.
    """
    digest = hashlib.sha256()
    for path in paths:
        place = ROOT / path
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                body = getattr(node, "body", None)
                if isinstance(body, list):
                    node.body = [each for each in body if not _is_string(each)]  # type: ignore[attr-defined]
            digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:12]


def _is_string(statement: Any) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
