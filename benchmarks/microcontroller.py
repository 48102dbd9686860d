"""What the same student needs on a microcontroller: PyPI's tflite-micro runs it, as a board without Linux would.

The arena is what the interpreter for microcontrollers asks for; the outputs are compared with those of the runtime
that a Raspberry Pi uses, step by step, the state carried along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import processes
from benchmarks.operations import work_of
from benchmarks.report import Cell, Figure, Report, Table
from benchmarks.student import working_backends
from edge_ser.capture.source import open_source
from edge_ser.features import LogMel
from edge_ser.recordings import DEMO
from edge_ser.segmenter import to_int8
from edge_ser.student.backend import PACKAGES, build_interpreter
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network

ARENA = 400_000  # bytes, more than enough: what is used is counted
QUICK_STEPS = 25
TOLERANCE = 1  # int8 steps
ARENA_LINE = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
PARTS = {"total": "arena", "head": "of it for tensors", "tail": "of it kept: structures, constants"}
PRINT_ALLOCATIONS = """
from benchmarks.microcontroller import micro_interpreter
micro_interpreter().print_allocations()
"""


def run(quick: bool = False) -> Report:
    """Count the arena and compare the outputs.

    Raises
    ------
    ModuleNotFoundError
        tflite-micro is not installed.
    EdgeSerError
        It is, and fails here; the message says how.
    """
    model = ModelFile.load_bundled()
    backend = working_backends(model)[0]
    micro = micro_interpreter()
    arena = {part: int(size) for part, size in ARENA_LINE.findall(_allocations())}
    work = work_of(model.tflite, backend)
    heard = _heard(model)[: QUICK_STEPS if quick else None]
    steps = len(heard)
    far_once, _ = _compare(model, micro, backend, heard, own=False)
    far, same = _compare(model, micro, backend, heard, own=True)
    figures: dict[str, Figure] = {f"arena_{part}_bytes": size for part, size in arena.items()}
    figures |= {"model_bytes": len(model.tflite), "operations_count": sum(work.operations.values())}
    figures |= {"one_step_difference_lsb": far_once, "difference_lsb": far, "same_decision_ratio": same / steps}
    rows: list[tuple[Cell, ...]] = [(f"{PARTS[part]}, kB", size / 1e3) for part, size in arena.items()]
    rows += [
        ("flash for the network, kB", len(model.tflite) / 1e3),
        ("multiplications of a step, millions", work.macs / 1e6),
        (f"largest difference from {PACKAGES[backend]} in one step from the same state, int8 steps", far_once),
        (f"that is within {TOLERANCE}", "yes" if far_once <= TOLERANCE else "NO"),
        (f"largest difference over {steps} steps, each with its own state, int8 steps", far),
        ("steps with the same most likely class", f"{same} of {steps}"),
    ]
    operations = tuple((name, count) for name, count in sorted(work.operations.items()))
    tables = (
        Table("The student on tflite-micro", ("what", "found"), tuple(rows)),
        Table("Operations that a microcontroller's build has to register", ("operation", "times"), operations),
    )
    return Report("microcontroller", tables, figures)


def micro_interpreter() -> Any:
    """Return tflite-micro's interpreter of the bundled student."""
    from tflite_micro.python.tflite_micro import runtime

    return runtime.Interpreter.from_bytes(ModelFile.load_bundled().tflite, arena_size=ARENA)


def _allocations() -> str:
    # Its C++ tells them on standard error alone, so a child process has to.
    return processes.python("-c", PRINT_ALLOCATIONS, complaints=True)


def _compare(
    model: ModelFile, micro: Any, backend: str, heard: Sequence[NDArray[np.int8]], own: bool
) -> tuple[int, int]:
    """Return the largest difference and the steps with the same class; `own`: each carries its own state along."""
    network = Network(model.tflite, 1, backend)
    graph = network.graph
    inputs, outputs = _order(model, backend)
    states = {before.index: np.full(before.shape, before.zero_point, np.int8) for before, _ in graph.states}
    far = same = 0
    for features in heard:
        if not own:
            # Its own state is not for others to see, but here it is what the other is to begin from.
            states = {before.index: network._interpreter.get_tensor(before.index) for before, _ in graph.states}
        logits, attention = network(features)
        micro.set_input(features.reshape(graph.features.shape), inputs[graph.features.index])
        for index, state in states.items():
            micro.set_input(state, inputs[index])
        micro.invoke()
        found = micro.get_output(outputs[graph.logits.index])[0]
        weight = int(micro.get_output(outputs[graph.attention.index])[0, 0])
        far = max(far, int(np.abs(found.astype(int) - logits).max()), abs(weight - attention))
        same += int(found.argmax() == logits.argmax())
        states = {before.index: micro.get_output(outputs[after.index]) for before, after in graph.states}
    return far, same


def _heard(model: ModelFile) -> list[NDArray[np.int8]]:
    """Return the features of the recording that comes with edge-ser, as one utterance."""
    with open_source(DEMO) as source:
        pcm = np.concatenate([block.samples for block in iter(source.read, None)])
    spec, frames = model.metadata.features, LogMel(model.metadata.features.extras).push(pcm)
    encode, size = to_int8(spec), spec.frames_per_step
    return [encode(frames[first : first + size]) for first in range(0, len(frames) // size * size, size)]


def _order(model: ModelFile, backend: str) -> tuple[dict[int, int], dict[int, int]]:
    """Return by tensor the place among inputs and outputs, by which tflite-micro knows them."""
    interpreter: Any = build_interpreter(model.tflite, backend=backend)
    details = interpreter.get_input_details(), interpreter.get_output_details()
    inputs, outputs = ({each["index"]: place for place, each in enumerate(side)} for side in details)
    return inputs, outputs
