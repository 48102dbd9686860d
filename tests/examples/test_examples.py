"""The examples run as they are written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_ser.recordings import DEMO

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_it_runs_as_written_on_the_embedded_recording(example):
    ended = subprocess.run(
        [sys.executable, str(example), "--source", str(DEMO)],
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},  # edge_ser need not be installed
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout
