"""Real audio for the front end's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from features.recordings import read, some
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def speech(corpora: Path) -> NDArray[np.int16]:
    """Return some 30 s of emotional speech (n,)."""
    return np.concatenate([read(path) for path in some(corpora / "emodb", 12)])
