"""Python, NumPy, the front end's tables and the model file."""

from __future__ import annotations

import hashlib
import platform
import struct
import sys
from pathlib import Path

import numpy as np

from edge_ser.doctor.finding import Finding
from edge_ser.errors import EdgeSerError
from edge_ser.features.tables import REINSTALL, TABLES_PATH, TABLES_SHA256
from edge_ser.settings import Settings
from edge_ser.store.choose import choose_model
from edge_ser.student.model_file import ModelFile

FIRST_PYTHON, LAST_PYTHON = (3, 10), (3, 13)
FIRST_NUMPY = (1, 24)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Say which Python this is, and whether edge-ser is made for it."""
    bits = 8 * struct.calcsize("P")
    found = f"{'.'.join(map(str, version))}, {bits} bit, on {platform.machine() or 'an unknown processor'}"
    if FIRST_PYTHON <= version[:2] <= LAST_PYTHON:
        return Finding("ok", "Python", found)
    cure = "Install edge-ser under Python 3.10 to 3.13: `sudo apt-get install python3 python3-venv`"
    return Finding("warn", "Python", f"{found}: not one that edge-ser is tested with", cure)


def numpy(version: str = np.__version__) -> Finding:
    """Say which NumPy this is; whether a TFLite runtime works beside it shows where that is tried."""
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) >= FIRST_NUMPY:
        return Finding("ok", "NumPy", version)
    return Finding("fail", "NumPy", f"{version} is too old", "Run `pip install 'numpy>=1.24'`")


def tables(path: str = TABLES_PATH) -> Finding:
    """Compare the front end's tables with the hash that model files name."""
    try:
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        return Finding("fail", "front end", f"{path} cannot be read ({error.strerror})", REINSTALL)
    if digest == TABLES_SHA256:
        return Finding("ok", "front end", f"tables are whole, SHA-256 {digest[:12]}")
    return Finding("fail", "front end", f"{path} is damaged: its SHA-256 is not {TABLES_SHA256[:12]}..", REINSTALL)


def model(settings: Settings) -> tuple[Finding, ModelFile | None]:
    """Check the model that these settings mean; return it where it can be used."""
    try:
        choice = choose_model(settings)
    except EdgeSerError as error:
        return Finding.of_error("model", error), None
    about = choice.model.metadata
    found = f"{about.name} {about.version} ({choice.origin}) is whole, network SHA-256 {about.tflite_sha256[:12]}"
    if choice.passed_over:
        found = f"{found}; {' '.join(choice.passed_over)}"
        cure = "Install it again with `edge-ser model install FILE`, or `edge-ser model remove` it"
        return Finding("warn", "model", found, cure), choice.model
    return Finding("ok", "model", found), choice.model
