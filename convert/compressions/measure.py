"""What a combination costs and what is left of the accuracy."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import StageError
from convert.evaluate.measures import recalls, uar_interval
from convert.evaluate.students import float_on_utterances, int8_on_utterances, probabilities
from convert.export import micro
from convert.hop_time import time_steps
from convert.prepare import Prepared
from convert.stages import ROOT
from edge_ser.student.backend import build_interpreter
from edge_ser.student.graph import read_graph

TIMING_SECONDS = 600.0
PLAIN = 0  # variant of a recording as it is


@dataclass(frozen=True, slots=True)
class Figures:
    """One combination."""

    name: str

    uar_validation: float
    """On the speakers whom a run chooses by: choose a combination by this one."""

    uar: float
    """On the held-out speakers, who were not chosen by."""

    uar_low: float
    """Lower end of its 95 % interval, bootstrapped over speakers."""

    uar_high: float
    parameters: int

    raw_bytes: int
    """Of the .tflite."""

    gzip_bytes: int
    """Of the same, compressed: what is sent over a network."""

    zeros: float | None
    """Share of int8 weights that are zero, see `zeros`; None of the float student."""

    arena_bytes: int | None
    """On tflite-micro; None where it is not installed, or has not the kernels."""

    hop_us: dict[str, float] = field(default_factory=dict)
    """Microseconds a step by runtime, one thread."""


def judge(prepared: Prepared, tflite: bytes, clips: NDArray[np.intp]) -> tuple[float, float, float]:
    """Return the UAR over labels on some clips' utterances, and its interval over speakers."""
    recipe, features = prepared.recipe, prepared.features
    is_int8 = read_graph(build_interpreter(tflite)).features.dtype is np.int8
    answer = int8_on_utterances(tflite) if is_int8 else float_on_utterances(tflite, recipe.features.lsb_per_std)
    plain = np.flatnonzero(features.variant == PLAIN)
    logits, heard = np.zeros((len(clips), len(recipe.classes))), np.zeros(len(clips), bool)
    for row, clip in enumerate(clips):
        found = answer([features.row(each) for each in plain[features.clip[plain] == clip]])
        if found is not None:
            logits[row], heard[row] = found, True
    shares, labels = probabilities(logits, 1.0, recipe.classes, recipe.label_of_class)
    members = [prepared.recordings.clips[clip] for clip in clips]
    spoken = np.array([labels.index(recipe.label_of_class.get(each.emotion, each.emotion)) for each in members])
    right = (shares.argmax(axis=1) == spoken) & heard
    low, high = uar_interval(right, spoken, [each.speaker for each in members])
    return float(np.mean(list(recalls(right, spoken).values()))), low, high


def figures(prepared: Prepared, name: str, tflite: bytes, parameters: int) -> Figures:
    """Return everything but the times."""
    validation, _, _ = judge(prepared, tflite, prepared.split.validation)
    uar, low, high = judge(prepared, tflite, prepared.split.held_out)
    return Figures(
        name=name,
        uar_validation=validation,
        uar=uar,
        uar_low=low,
        uar_high=high,
        parameters=parameters,
        raw_bytes=len(tflite),
        gzip_bytes=len(gzip.compress(tflite, mtime=0)),
        zeros=zeros(tflite),
        arena_bytes=micro.arena_bytes(tflite) if micro.is_installed() else None,
    )


def zeros(tflite: bytes) -> float | None:
    """Return the share of zeros among the `kernels` of an int8 .tflite; None of a float one."""
    found = kernels(tflite)
    return sum(int((each == 0).sum()) for each in found) / sum(each.size for each in found) if found else None


def kernels(tflite: bytes) -> list[NDArray[np.int8]]:
    """Return the weights of an int8 .tflite, each (filters, ...): only they have a scale for each filter.

    A kernel of a single filter, as the attention head's, cannot be told from an activation and is left out.
    """
    run = build_interpreter(tflite)
    return [
        run.get_tensor(detail["index"])
        for detail in run.get_tensor_details()  # type: ignore[attr-defined]
        if len(detail["shape"]) == 4 and len(detail["quantization_parameters"]["scales"]) == detail["shape"][0] > 1
    ]


def hop_times(files: Sequence[bytes], other_python: Path | None = None) -> dict[str, list[float]]:
    """Return seconds a step by runtime, one for each file: here, and with the runtimes of another environment.

    Raises
    ------
    StageError
        The other Python cannot do it.
    """
    found = time_steps(files)
    if other_python is None:
        return found
    with tempfile.TemporaryDirectory(prefix="edge-ser-hop-") as name:
        folder = Path(name)
        paths = [folder / f"{number}.tflite" for number in range(len(files))]
        for path, content in zip(paths, files, strict=True):
            path.write_bytes(content)
        command = [str(other_python), "-m", "convert.hop_time", str(folder / "times.json"), *map(str, paths)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        try:
            child = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=TIMING_SECONDS, check=False
            )
        except OSError as error:
            raise StageError(f"{other_python} cannot be run: {error.strerror}", "Name a Python interpreter") from error
        if child.returncode:
            last = (child.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise StageError(f"{other_python} cannot time the students: {last}", "Install a TFLite runtime there")
        return {**found, **json.loads((folder / "times.json").read_text(encoding="utf-8"))}
