"""What fuzzing found interesting, once more: see `run.py` and docs/fuzzing.md."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from fuzz.distil import CORPUS_BYTES
from fuzz.run import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_interesting_inputs_are_refused_or_read_right(name: str) -> None:
    target = importlib.import_module(f"fuzz.{name}")
    kept = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    assert kept
    assert sum(map(len, kept)) < CORPUS_BYTES
    for data in (*target.seeds(), *kept):
        target.check(data)
