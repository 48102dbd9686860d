"""The export stage of a run."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.export.parity import check_parity
from convert.export.streaming_step import streaming_step
from convert.export.tflite import to_tflite
from convert.networks import configuration
from convert.packing import FLOAT, INT8
from convert.prepare import Prepared
from convert.stages import code_digest, run_stage

log = logging.getLogger(__name__)


def export(prepared: Prepared, student: tuple[keras.Model, str], out: Path) -> Path:
    """Convert the student to int8 and, to compare with, to float32; prove that they say the same."""
    model, digest = student
    recipe = prepared.recipe

    def make(folder: Path) -> None:
        step = streaming_step(configuration(prepared, recipe.student), model)
        recordings = some_recordings(prepared, recipe.quantisation.representative_clips)
        int8 = to_tflite(step, recordings, recipe.features.lsb_per_std, seed=recipe.seed)
        (folder / INT8).write_bytes(int8)
        (folder / FLOAT).write_bytes(to_tflite(step, None, recipe.features.lsb_per_std))
        log.info("%s", check_parity(model, int8, recordings, recipe.features.lsb_per_std))

    inputs = {
        "student": digest,
        "offsets": recipe.decision.offsets,
        "code": code_digest("convert/export", "convert/balance.py"),
    }
    return run_stage(out, "export", inputs, make)


def some_recordings(prepared: Prepared, count: int) -> list[NDArray[np.int8]]:
    """Return features of `count` training utterances and copies, drawn by the seed."""
    features = prepared.features
    rows = np.flatnonzero(np.isin(features.clip, prepared.split.train))
    chosen = np.random.default_rng(prepared.recipe.seed).permutation(rows)[:count]
    return [features.row(row) for row in chosen]
