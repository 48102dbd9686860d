"""The shipped student, as file and as bytes."""

from __future__ import annotations

import pytest

from edge_ser.student.model_file import BUNDLED, ModelFile


@pytest.fixture(scope="session")
def model() -> ModelFile:
    return ModelFile.load_bundled()


@pytest.fixture(scope="session")
def content() -> bytes:
    return BUNDLED.read_bytes()
