"""Files that are whole after a power cut, whenever it comes.

A file is written beside its place and forced to the disk, then renamed, then the folder is forced to the disk: a name
stands for the old content or the new. (A rename that is on the disk before what it names is what empty files after a
power cut come from.)
"""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, on the disk when this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def stage(path: Path, content: bytes) -> None:
    """Write a file that nobody looks at yet, on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def publish(staged: Path, path: Path) -> None:
    """Give a staged file its name, in place of what had it; on the disk when this returns."""
    staged.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
