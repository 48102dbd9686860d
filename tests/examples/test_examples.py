"""The examples run as they are written, and their decisions are those that their docstrings promise."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edge_ser.events import Event, Flags
from edge_ser.recordings import DEMO

EXAMPLES = Path(__file__).parents[2] / "examples"
LABELS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")

SPEAKING = Event(
    time=1.0,
    state="emotion",
    emotion="neutral",
    probabilities={label: 1 / len(LABELS) for label in LABELS},
    confidence=0.6,
    valence=0.0,
    arousal=0.0,
    speech=True,
    speech_seconds=1.0,
    attention=0.1,
    level_dbfs=-25.0,
    flags=Flags(),
)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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
