"""Seconds per step of streaming students, on each runtime installed: `python -m convert.hop_time OUT FILE...`.

It needs NumPy and a TFLite runtime alone, so another environment's Python can run it. The files take turns, so that a
change of the machine's speed meets all of them; of the rounds the fastest counts, which a busy machine disturbs least.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_ser.student.backend import PACKAGES, build_interpreter, installed_backends

ROUNDS = 60
STEPS = 25  # in each turn


class _Runner:
    """A student fed with its own states, as the board does, int8 or float."""

    def __init__(self, tflite: bytes, backend: str) -> None:
        from edge_ser.student.graph import read_graph

        self._run = build_interpreter(tflite, 1, backend)
        graph = read_graph(self._run)
        self._features, self._states = graph.features, graph.states
        rng = np.random.default_rng(0)
        self._steps = [self._some(rng) for _ in range(STEPS)]

    def _some(self, rng: np.random.Generator) -> NDArray[np.generic]:
        noise = rng.integers(-128, 128, self._features.shape)
        return noise.astype(np.int8) if self._features.dtype is np.int8 else (noise / 24).astype(np.float32)

    def seconds(self) -> float:
        began = time.perf_counter()
        for step in self._steps:
            self._run.set_tensor(self._features.index, step)
            self._run.invoke()
            for before, after in self._states:
                self._run.set_tensor(before.index, self._run.get_tensor(after.index))
        return (time.perf_counter() - began) / STEPS


def time_steps(files: Sequence[bytes], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return seconds per step by runtime, one for each file."""
    found = {}
    for backend in installed_backends():
        runners = [_Runner(tflite, backend) for tflite in files]
        times = np.array([[runner.seconds() for runner in runners] for _ in range(rounds)])
        found[PACKAGES[backend]] = [float(value) for value in times.min(axis=0)]
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(time_steps([Path(name).read_bytes() for name in sys.argv[2:]])))
