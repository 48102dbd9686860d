"""`Network`: the student's graph, its state carried from step to step as the int8 bytes that it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.student.backend import build_interpreter
from edge_ser.student.graph import read_graph


class Network:
    """int8 in, int8 out.

    Parameters
    ----------
    tflite : bytes
        A streaming student.
    threads : int
        Of the interpreter.
    backend : str, optional
        See `edge_ser.student.backend.build_interpreter`.

    Raises
    ------
    BackendError, ModelFileError
        No runtime works; the graph is not a streaming student's.
    """

    def __init__(self, tflite: bytes, threads: int = 1, backend: str | None = None) -> None:
        self._interpreter = build_interpreter(tflite, threads, backend)
        self.graph = read_graph(self._interpreter)
        # Found once: a look-up by name costs more than copying a state.
        self._features = self.graph.features.index
        self._shape = self.graph.features.shape
        self._logits = self.graph.logits.index
        self._attention = self.graph.attention.index
        self._states = tuple((before.index, after.index) for before, after in self.graph.states)
        self._zeros = tuple((s.index, np.full(s.shape, s.zero_point, s.dtype)) for s, _ in self.graph.states)
        self.reset()

    def reset(self) -> None:
        """Make every state 0.0."""
        for index, zeros in self._zeros:
            self._interpreter.set_tensor(index, zeros)

    def erase(self) -> None:
        """Overwrite what was heard, in every tensor: the graph runs once on zeros."""
        self.reset()
        self(np.zeros(self._shape, np.int8))
        self.reset()

    def __call__(self, features: NDArray[np.int8]) -> tuple[NDArray[np.int8], int]:
        """Hear one step (frames_per_step, n_features); return logits (n_classes,) and attention."""
        get, put = self._interpreter.get_tensor, self._interpreter.set_tensor
        put(self._features, features.reshape(self._shape))
        self._interpreter.invoke()
        for before, after in self._states:
            # int8 to int8: going through real values would round, and through uint8 would shift.
            put(before, get(after))
        return get(self._logits)[0], get(self._attention).item()
