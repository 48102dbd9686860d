"""The tensors of a student's graph, found by their names in its signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_ser.errors import ModelFileError
from edge_ser.student.backend import Interpreter

SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of the graph."""

    index: int
    """By which the interpreter knows it."""

    shape: tuple[int, ...]
    dtype: type[np.generic]

    scale: float
    """Real value of one int8 step; 0 for float tensors."""

    zero_point: int
    """int8 value of 0.0."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The student's inputs and outputs."""

    features: Tensor
    """(1, frames_per_step, n_features, 1)."""

    logits: Tensor
    """(1, n_classes)."""

    attention: Tensor
    """(1, 1), log weight."""

    states: tuple[tuple[Tensor, Tensor], ...]
    """Each state's input and output, of one shape, scale and zero point, so that its bytes can be copied back."""


def read_graph(interpreter: Interpreter) -> Graph:
    """Return the tensors of a student.

    Raises
    ------
    ModelFileError
        The graph is not a streaming student's.
    """
    signature = interpreter.get_signature_list().get(SIGNATURE)
    if signature is None:
        raise _foreign(f"it has no signature {SIGNATURE!r}")
    # A runner that lived on would hold the interpreter, which then refuses to run.
    runner = interpreter.get_signature_runner(SIGNATURE)
    inputs = {name: _tensor(detail) for name, detail in runner.get_input_details().items()}
    outputs = {name: _tensor(detail) for name, detail in runner.get_output_details().items()}
    del runner
    names = [f"state_{i}" for i in range(len(inputs) - 1)]
    for found, wanted in (
        (inputs, {"features", *names}),
        (outputs, {"logits", "attention", *(f"next_{name}" for name in names)}),
    ):
        if set(found) != wanted:
            raise _foreign(f"it has {', '.join(sorted(found))} and not {', '.join(sorted(wanted))}")
    states = tuple((inputs[name], outputs[f"next_{name}"]) for name in names)
    for name, (before, after) in zip(names, states, strict=True):
        if _kind(before) != _kind(after):
            raise _foreign(f"{name} is {_kind(before)} going in and {_kind(after)} coming out")
    return Graph(inputs["features"], outputs["logits"], outputs["attention"], states)


def _tensor(detail: dict[str, Any]) -> Tensor:
    scale, zero_point = detail["quantization"]
    return Tensor(
        int(detail["index"]),
        tuple(int(n) for n in detail["shape"]),
        np.dtype(detail["dtype"]).type,
        float(scale),
        int(zero_point),
    )


def _kind(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.dtype.__name__, tensor.scale, tensor.zero_point


def _foreign(what: str) -> ModelFileError:
    return ModelFileError(
        f"The network in the model file is not a streaming student: {what}", "Make the file with edge-ser-convert"
    )
