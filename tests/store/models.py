"""Models for these tests: the shipped student under other versions, and files that nobody should install."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from edge_ser.student.container import Parts, take_apart
from edge_ser.student.model_file import BUNDLED, ModelFile


def write_version(folder: Path, version: str) -> Path:
    """Write the shipped student as another version; return the file."""
    shipped = ModelFile.load_bundled()
    path = folder / f"{version}.tflite"
    dataclasses.replace(shipped, metadata=dataclasses.replace(shipped.metadata, version=version)).write(path)
    return path


def write_changed(path: Path, tflite: bytes | None = None, **changes: Any) -> Path:
    """Write the shipped student with another network, or other metadata, and hashes that are right."""
    parts = take_apart(BUNDLED.read_bytes())
    tflite = parts.tflite if tflite is None else tflite
    metadata = {**json.loads(parts.metadata), "tflite_sha256": hashlib.sha256(tflite).hexdigest(), **changes}
    path.write_bytes(Parts(tflite, json.dumps(metadata).encode(), parts.card).to_bytes())
    return path


def identity(path: Path) -> str:
    """Return what an installed model is called."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
