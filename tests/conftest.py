"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Folder of real corpora; the test is skipped, visibly, where there is none."""
    folder = Path(os.environ.get("EDGE_SER_CORPORA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}: set EDGE_SER_CORPORA to the folder that holds ravdess, emodb, ...")
    return folder
