"""The package's examples work as printed, and importing it brings in NumPy and little else."""

from __future__ import annotations

import doctest
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import edge_ser.features

MODULES = ("log_mel", "mfcc", "running_mean", "voice_activity")
HEAVY = ("tensorflow", "tflite_runtime", "ai_edge_litert", "sounddevice", "soundfile", "scipy", "matplotlib", "convert")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_documentation_work(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"edge_ser.features.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_first_feature_needs_numpy_and_little_else() -> None:
    code = (
        "import json, sys, numpy as np; before = set(sys.modules);"
        "from edge_ser.features import FrontEnd, LogMel, Mfcc;"
        "Mfcc(FrontEnd(), np.zeros(40), np.ones(40), 32)(LogMel().push(np.zeros(160, np.int16)));"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    root = Path(edge_ser.features.__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    added = json.loads(result.stdout)
    assert not [name for name in added if name.split(".")[0] in HEAVY]
    # OpenSSL alone would take as long as the rest of the package.
    assert not {"hashlib", "pathlib", "json", "inspect"} & set(added)
    assert len(added) <= 25
