"""What a .tflite has to compute and to move, read from its graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_ser.student.backend import build_interpreter


@dataclass(frozen=True, slots=True)
class Work:
    """One run of a network."""

    macs: int
    """Multiplications, each with its addition."""

    weight_bytes: int
    """Constants, each read once."""

    activation_bytes: int
    """Tensors that operations write, and read."""

    operations: Mapping[str, int]
    """How many of each kind."""

    @property
    def moved_bytes(self) -> int:
        """Weights and tensors together."""
        return self.weight_bytes + self.activation_bytes


def work_of(tflite: bytes, backend: str | None = None) -> Work:
    """Count.

    Parameters
    ----------
    tflite : bytes
        A .tflite file with fixed shapes.
    backend : str, optional
        Runtime that reads the graph: see `edge_ser.student.backend.build_interpreter`.
    """
    interpreter: Any = build_interpreter(tflite, backend=backend)
    operations = interpreter._get_ops_details()  # neither runtime tells otherwise
    tensors = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    written = {index for operation in operations for index in operation["outputs"]}
    given = {detail["index"] for detail in interpreter.get_input_details()}
    macs = weights = activations = 0
    seen: set[int] = set()
    for operation in operations:
        inputs = [index for index in operation["inputs"] if index in tensors]
        macs += _macs(operation, tensors)
        activations += sum(_bytes(tensors[index]) for index in operation["outputs"] if index in tensors)
        activations += sum(_bytes(tensors[index]) for index in inputs if index in written or index in given)
        constants = set(inputs) - written - given - seen
        weights += sum(_bytes(tensors[index]) for index in constants)
        seen |= constants
    return Work(macs, weights, activations, Counter(operation["op_name"] for operation in operations))


def _macs(operation: Mapping[str, Any], tensors: Mapping[int, Mapping[str, Any]]) -> int:
    if operation["op_name"] not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return 0
    kernel = [int(n) for n in tensors[operation["inputs"][1]]["shape"]]
    outputs = int(np.prod(tensors[operation["outputs"][0]]["shape"]))
    # Convolution: (out, height, width, in). Depthwise: (1, height, width, out). Fully connected: (out, in).
    per_output = kernel[1:-1] if operation["op_name"] == "DEPTHWISE_CONV_2D" else kernel[1:]
    return outputs * int(np.prod(per_output))


def _bytes(tensor: Mapping[str, Any]) -> int:
    return int(np.prod(tensor["shape"])) * np.dtype(tensor["dtype"]).itemsize
