"""A streaming step to .tflite: full int8 on real, rolled states, or float32 to compare with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import convert
from convert.export.converter import CALIBRATION, SAVED_MODEL, SIGNATURE, TFLITE
from convert.export.errors import ConversionError
from convert.export.streaming_step import FEATURES, StreamingStep
from edge_ser.student.backend import build_interpreter
from edge_ser.student.graph import read_graph

CALIBRATION_STEPS = 400
CONVERTER_SECONDS = 600.0  # far beyond what it takes; it has been seen to hang
SCALE_TOLERANCE = 1e-5  # relative, of the features' scale: the converter computes it in float32


def to_tflite(
    step: StreamingStep,
    recordings: Sequence[NDArray[np.int8]] | None,
    lsb_per_std: float,
    *,
    seed: int = 0,
) -> bytes:
    """Convert a streaming step.

    Parameters
    ----------
    step : StreamingStep
        From `streaming_step`.
    recordings : sequence of int8 array (frames, n_features), or None
        Features of real recordings as the student is fed them, to calibrate the int8 scales on the states that they
        lead to; None gives float32.
    lsb_per_std : float
        int8 steps per unit of the network's input.
    seed : int
        Of the choice among more than `CALIBRATION_STEPS` steps.

    Returns
    -------
    bytes
        With int8: features have scale 1 / lsb_per_std and zero point 0, each state those of its next state.

    Raises
    ------
    ConversionError
        The converter failed or crashed, or did not make what is promised above.
    """
    with tempfile.TemporaryDirectory(prefix="edge-ser-export-") as name:
        folder = Path(name)
        signatures = {SIGNATURE: step.function}
        tf.saved_model.save(step, str(folder / SAVED_MODEL), signatures=signatures)
        if recordings is not None:
            np.savez(folder / CALIBRATION, **calibration(step, recordings, lsb_per_std, seed))
        run_converter(folder)
        tflite = (folder / TFLITE).read_bytes()
    if recordings is not None:
        _check_scales(tflite, lsb_per_std)
    return tflite


def calibration(
    step: StreamingStep, recordings: Sequence[NDArray[np.int8]], lsb_per_std: float, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return examples (examples, *shape) of every input, states included, drawn over all recordings.

    One example is made to hold both ends of the int8 range, from which the converter takes the features' scale.
    """
    examples = [
        inputs for recording in recordings for inputs, _ in step.roll(recording.astype(np.float32) / lsb_per_std)
    ]
    if not examples:
        raise ConversionError(
            "No recording is as long as one step", f"Calibrate on recordings of {step.network.frames_per_step} frames"
        )
    chosen = np.random.default_rng(seed).permutation(len(examples))[:CALIBRATION_STEPS]
    arrays = {name: np.stack([examples[i][name] for i in sorted(chosen)]) for name in examples[0]}
    arrays[FEATURES][0, 0, 0, -2:, 0] = np.array([-128, 127], np.float32) / np.float32(lsb_per_std)
    return arrays


def run_converter(folder: Path) -> None:
    """Convert in a child process; leave the .tflite in the folder."""
    package = str(Path(convert.__file__).parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "convert.export.converter", str(folder)]
    try:
        child = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=CONVERTER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConversionError(
            f"TensorFlow's converter did not end within {CONVERTER_SECONDS:.0f} s", "Use a smaller network"
        ) from error
    if child.returncode < 0:
        raise ConversionError(
            f"TensorFlow's converter crashed ({signal.Signals(-child.returncode).name})",
            "Use layers that it can convert to int8: convolutions, dense layers, pooling; of recurrent ones only LSTM",
        )
    if child.returncode or not (folder / TFLITE).exists():
        last = child.stderr.strip().splitlines()[-1:] or ["it gave no reason"]
        raise ConversionError(f"TensorFlow's converter failed: {last[0]}", "Remove the layer that it names")


def _check_scales(tflite: bytes, lsb_per_std: float) -> None:
    """Refuse a file whose features or states are not quantised as the board takes for granted."""
    graph = read_graph(build_interpreter(tflite))
    scale, zero_point = graph.features.scale, graph.features.zero_point
    if zero_point != 0 or abs(scale * lsb_per_std - 1) > SCALE_TOLERANCE:
        raise ConversionError(
            f"The features have scale {scale} and zero point {zero_point}, not {1 / lsb_per_std} and 0",
            "Calibrate on int8 features made with this lsb_per_std",
        )
