"""`Stepper`: a model file's student, a step at a time, in real numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import BackendError, ModelFileError
from edge_ser.student.graph import Graph, Tensor
from edge_ser.student.metadata import Metadata
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network

GOLDEN_TOLERANCE = 1
"""int8 steps (of 256) by which a correct runtime may differ: none on x86; a kernel that is wrong is off by dozens."""


class Stepper:
    """The student, a step at a time.

    Parameters
    ----------
    model : ModelFile
        A verified file.
    threads : int
        Of the interpreter; one is fastest for a network this small.
    backend : str, optional
        See `edge_ser.student.backend.build_interpreter`.

    Raises
    ------
    BackendError
        No runtime works.
    ModelFileError
        The network does not fit the metadata.
    """

    def __init__(self, model: ModelFile, threads: int = 1, backend: str | None = None) -> None:
        self._network = Network(model.tflite, threads, backend)
        self._metadata = model.metadata
        check_graph(self._network.graph, model.metadata)
        logits, attention = self._network.graph.logits, self._network.graph.attention
        # The real number of each int8 logit, from 0 up and then from -128 up: one look-up instead of two operations.
        whole = np.roll(np.arange(-128, 128), 128).astype(np.int8)
        self._real_logits = (whole - np.float32(logits.zero_point)) * np.float32(logits.scale)
        self._attention_scale, self._attention_zero = attention.scale, attention.zero_point

    def reset(self) -> None:
        """Start an utterance: every state 0.0."""
        self._network.reset()

    def erase(self) -> None:
        """Overwrite what was heard, and start an utterance."""
        self._network.erase()

    def __call__(self, features: NDArray[np.int8]) -> tuple[NDArray[np.float32], float]:
        """Hear one step.

        Parameters
        ----------
        features : int8 array (frames_per_step, n_features)

        Returns
        -------
        logits : float32 array (n_classes,)
        attention : float
            Log of the step's weight in the utterance.
        """
        logits, attention = self._network(features)
        real: NDArray[np.float32] = self._real_logits.take(logits, None, None, "wrap")
        return real, (attention - self._attention_zero) * self._attention_scale

    def self_test(self) -> None:
        """Compare this machine's answers with those in the model file; starts a new utterance.

        Raises
        ------
        BackendError
            They differ by more than `GOLDEN_TOLERANCE`: the runtime computes wrongly here.
        """
        features, logits, attention = self._metadata.golden_arrays()
        self.reset()
        for step, expected, weight in zip(features, logits.astype(int), attention.astype(int), strict=True):
            found, found_weight = self._network(step)
            off = max(int(np.abs(found - expected).max()), abs(found_weight - int(weight)))
            if off > GOLDEN_TOLERANCE:
                raise BackendError(
                    f"The TFLite runtime computes wrongly here: {off} int8 steps off the answers in the model file",
                    "Install another version: pip install -U ai-edge-litert",
                )
        self.reset()


def check_graph(graph: Graph, metadata: Metadata) -> None:
    """Refuse a network that does not fit its metadata.

    Raises
    ------
    ModelFileError
        A tensor has another shape, or is not int8, or features have another scale.
    """
    spec = metadata.features
    for name, tensor, shape in (
        ("features", graph.features, (1, spec.frames_per_step, spec.n_features, 1)),
        ("logits", graph.logits, (1, len(metadata.classes))),
        ("attention", graph.attention, (1, 1)),
    ):
        _require(tensor.shape == shape, f"{name} are {tensor.shape} and not {shape}")
    tensors: list[Tensor] = [graph.features, graph.logits, graph.attention, *(state for state, _ in graph.states)]
    _require(all(tensor.dtype is np.int8 for tensor in tensors), "it is not int8 throughout")
    scale = graph.features.scale * spec.lsb_per_std
    _require(graph.features.zero_point == 0 and abs(scale - 1) < 1e-5, "its features have another scale")


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise ModelFileError(
            f"The network in the model file does not fit its metadata: {problem}", "Make the file with edge-ser-convert"
        )
