"""The student on TensorFlow Lite for Microcontrollers: the same bytes through its reference kernels, and its memory.

Its Python package, `tflite-micro`, is optional: where it is not installed, nothing here is asked.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.export.errors import ConversionError
from edge_ser.student.backend import build_interpreter
from edge_ser.student.graph import read_graph

NAME = "tflite-micro"
ARENA_BYTES = 1 << 22  # far more than a student needs; what it uses is reported
ARENA_SECONDS = 60.0
_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")


def is_installed() -> bool:
    """Return whether the package is there."""
    return importlib.util.find_spec("tflite_micro") is not None


class MicroNetwork:
    """int8 in, int8 out, as `edge_ser.student.network.Network`.

    Parameters
    ----------
    tflite : bytes
        A streaming student.
    """

    def __init__(self, tflite: bytes) -> None:
        from tflite_micro.python.tflite_micro import runtime

        described = build_interpreter(tflite)  # for names, which the other runtime does not keep
        self.graph = read_graph(described)
        inputs = [detail["index"] for detail in described.get_input_details()]  # type: ignore[attr-defined]
        outputs = [detail["index"] for detail in described.get_output_details()]  # type: ignore[attr-defined]
        self._run = runtime.Interpreter.from_bytes(tflite, arena_size=ARENA_BYTES)
        self._features = inputs.index(self.graph.features.index)
        self._logits, self._attention = (outputs.index(t.index) for t in (self.graph.logits, self.graph.attention))
        self._states = [(inputs.index(a.index), outputs.index(b.index), a) for a, b in self.graph.states]
        self.reset()

    def reset(self) -> None:
        """Make every state 0.0."""
        for place, _, state in self._states:
            self._run.set_input(np.full(state.shape, state.zero_point, np.int8), place)

    def __call__(self, features: NDArray[np.int8]) -> tuple[NDArray[np.int8], int]:
        """Hear one step (frames_per_step, n_features); return logits (n_classes,) and attention."""
        self._run.set_input(features.reshape(self.graph.features.shape), self._features)
        self._run.invoke()
        answer = self._run.get_output(self._logits)[0], int(self._run.get_output(self._attention)[0, 0])
        following = [(place, self._run.get_output(after)) for place, after, _ in self._states]
        for place, value in following:
            self._run.set_input(value, place)
        return answer


def arena_bytes(tflite: bytes) -> int:
    """Return how much memory tensors and bookkeeping of a student take on a microcontroller.

    Raises
    ------
    ConversionError
        A kernel is missing there.
    """
    with tempfile.TemporaryDirectory(prefix="edge-ser-arena-") as folder:
        file = Path(folder) / "student.tflite"
        file.write_bytes(tflite)
        # It prints from C++, and ends the process where it cannot go on.
        child = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(file)],
            capture_output=True, text=True, timeout=ARENA_SECONDS, check=False,
        )  # fmt: skip
    found = _TOTAL.search(child.stdout + child.stderr)
    if not found:
        last = (child.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise ConversionError(f"{NAME} cannot run the student: {last}", "Use layers that it has kernels for")
    return int(found[1])


_SCRIPT = f"""
import sys
from tflite_micro.python.tflite_micro import runtime
runtime.Interpreter.from_file(sys.argv[1], arena_size={ARENA_BYTES}).print_allocations()
"""
