"""A model is tried out before it is used, in a process whose crash is no crash of ours."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import numpy as np
import pytest
from store.models import write_changed, write_version

from edge_ser.errors import BackendError, ModelFileError
from edge_ser.settings import Settings
from edge_ser.store.choose import choose_model
from edge_ser.store.folder import identities
from edge_ser.store.install import install
from edge_ser.store.trial import try_out
from edge_ser.student.backend import installed_backends
from edge_ser.student.container import take_apart
from edge_ser.student.model_file import BUNDLED, ModelFile


@pytest.mark.parametrize("backend", installed_backends())
def test_a_good_model_passes_on_each_runtime(backend: str, tmp_path: Path) -> None:
    try_out(write_version(tmp_path, "1.0.0"), backend)


def test_a_model_that_answers_otherwise_than_where_it_was_made_is_refused(tmp_path: Path) -> None:
    golden = ModelFile.load_bundled().metadata.golden
    logits = np.frombuffer(base64.b64decode(golden.logits), np.int8).copy()
    logits[0] += 2 if logits[0] < 100 else -2
    changed = {"features": golden.features, "attention": golden.attention}
    file = write_changed(tmp_path / "m", golden={**changed, "logits": base64.b64encode(logits.tobytes()).decode()})
    with pytest.raises(BackendError, match="2 int8 steps off"):
        install(file)
    assert identities() == []


@pytest.mark.parametrize("fault", range(4))
def test_a_network_that_crashes_the_runtime_is_refused_and_crashes_nothing_else(fault: int, tmp_path: Path) -> None:
    tflite = bytearray(take_apart(BUNDLED.read_bytes()).tflite)
    places = random.Random(fault)
    for _ in range(64):  # in the graph, which lies behind the weights; some of these end in a segmentation fault
        tflite[places.randrange(len(tflite) - 20000, len(tflite))] ^= 1 << places.randrange(4)
    with pytest.raises(ModelFileError):
        install(write_changed(tmp_path / "m", tflite=bytes(tflite)))
    assert identities() == []
    assert choose_model(Settings()).origin == "shipped"


def test_nothing_is_imported_from_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "edge_ser").mkdir()
    (tmp_path / "edge_ser" / "__init__.py").write_text("raise SystemExit(0)")
    (tmp_path / "numpy.py").write_text("raise SystemExit(0)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    install(write_version(tmp_path, "1.0.0"))
    assert choose_model(Settings()).origin == "installed"
    with pytest.raises(ModelFileError):
        try_out(Path("missing"))


def test_metadata_that_no_pipeline_can_use_is_refused(tmp_path: Path) -> None:
    decision = json.loads(take_apart(BUNDLED.read_bytes()).metadata)["decision"]
    file = write_changed(tmp_path / "m", decision={**decision, "hangover_seconds": 1e308})
    with pytest.raises(ModelFileError):
        install(file)
    assert identities() == []
