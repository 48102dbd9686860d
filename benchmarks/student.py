"""What one step of the student costs, on each runtime installed.

A step is compared with what a network without state would have to do: compute the last `WINDOW_SECONDS` again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Report, Table, interleave, ratio, spread
from edge_ser.errors import BackendError
from edge_ser.student.backend import PACKAGES, installed_backends
from edge_ser.student.model_file import ModelFile
from edge_ser.student.stepper import Stepper

STEPS = 5000  # timed singly: enough for a 99th percentile
QUICK_STEPS = 500
ROUNDS = 50  # of a step beside a window
QUICK_ROUNDS = 5
WINDOW_SECONDS = 2.0
PERCENTILES = (50, 95, 99)
US_PER_S = 1e6


def run(quick: bool = False) -> Report:
    """Time the bundled student."""
    model = ModelFile.load_bundled()
    spec = model.metadata.features
    window_steps = round(WINDOW_SECONDS / spec.step_seconds)
    rng = np.random.default_rng(0)
    features = rng.integers(-128, 128, (window_steps, spec.frames_per_step, spec.n_features), np.int8)
    steppers = {name: Stepper(model, backend=name) for name in working_backends(model)}

    steps = interleave(
        {name: _step(stepper, features) for name, stepper in steppers.items()}, QUICK_STEPS if quick else STEPS
    )
    rows = []
    figures = {}
    for name, stepper in steppers.items():
        p50, p95, p99 = (float(value) for value in np.percentile(steps[name], PERCENTILES) * US_PER_S)
        pair = {"window": _window(stepper, features), "step": _step(stepper, features)}
        rounds = interleave(pair, QUICK_ROUNDS if quick else ROUNDS)
        saved = ratio(rounds, "window", "step")
        real_time = spread(steps[name]).median / spec.step_seconds
        rows.append((PACKAGES[name], p50, p95, p99, str(saved), f"{real_time:.2e}"))
        figures |= {
            f"{name}_step_p50_us": p50,
            f"{name}_step_p95_us": p95,
            f"{name}_step_p99_us": p99,
            f"{name}_window_over_step_ratio": saved.median,
            f"{name}_real_time_factor": real_time,
        }
    columns = ("runtime", "p50", "p95", "p99", f"{WINDOW_SECONDS:g} s again / step", "real-time factor")
    title = f"One step of {model.metadata.name} ({spec.step_seconds * 1000:.0f} ms of speech), µs, one thread"
    return Report("student", (Table(title, columns, tuple(rows)),), figures, _notes(steppers))


def working_backends(model: ModelFile) -> tuple[str, ...]:
    """Return the runtimes that are installed and work; where none does, let the error say why."""
    working = []
    for name in installed_backends():
        try:
            Stepper(model, backend=name)
        except BackendError:
            continue
        working.append(name)
    if not working:
        Stepper(model)
    return tuple(working)


def _step(stepper: Stepper, features: NDArray[np.int8]) -> Callable[[], None]:
    """Return a function that steps through the window, a step a call."""
    state = {"next": 0}

    def step() -> None:
        stepper(features[state["next"]])
        state["next"] = (state["next"] + 1) % len(features)

    return step


def _window(stepper: Stepper, features: NDArray[np.int8]) -> Callable[[], None]:
    """Return a function that takes the whole window from the start."""

    def window() -> None:
        stepper.reset()
        for step in features:
            stepper(step)

    return window


def _notes(steppers: Collection[str]) -> tuple[str, ...]:
    return tuple(
        f"{package} is not measured: not installed, or does not work with this Python and NumPy"
        for name, package in PACKAGES.items()
        if name not in steppers
    )
