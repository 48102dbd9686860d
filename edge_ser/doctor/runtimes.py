"""Which TFLite runtimes work here, whether they compute rightly, and how fast."""

from __future__ import annotations

import platform
import struct
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.source import open_source
from edge_ser.doctor.finding import Finding, Status, unknown
from edge_ser.errors import EdgeSerError
from edge_ser.pipeline import Pipeline
from edge_ser.recordings import DEMO
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.student.backend import BACKENDS, PACKAGES, installed_backends
from edge_ser.student.model_file import ModelFile
from edge_ser.student.stepper import Stepper

TIMED_STEPS = 50
BUSY_SHARE = 0.5  # of real time: from here on a second program on the board makes it late

_SLOW_CURE = "See governor and temperature below; end what else runs (`top` shows it)"


def runtimes(model: ModelFile, settings: Settings) -> Iterator[Finding]:
    """Try each runtime that is installed: its answers, and the median time of a step of the student."""
    names = [name for name in BACKENDS if name in installed_backends()]
    if settings.backend and settings.backend not in names:
        package = PACKAGES[settings.backend]
        yield Finding(
            "fail", package, "is asked for by the settings, but not installed", f"Run `pip install {package}`"
        )
    if not names:
        yield Finding("fail", "runtime", "No TFLite runtime is installed", install_cure())
    works = {name: _try(model, settings, name) for name in names}
    usable = [name for name, outcome in works.items() if not isinstance(outcome, EdgeSerError)]
    chosen: str | None = settings.backend or (usable[0] if usable else None)
    for name, outcome in works.items():
        if isinstance(outcome, EdgeSerError):
            # Where another works, it is a nuisance; where none does, or this one must, it is the end.
            status: Status = "warn" if chosen not in (None, name) else "fail"
            yield Finding(status, PACKAGES[name], outcome.problem, install_cure())
        else:
            used = "in use" if name == chosen else "not in use"
            found = f"{_version(name)}, {used}, right answers, {1000 * outcome:.2f} ms a step"
            yield Finding("ok", PACKAGES[name], found)


def speed(model: ModelFile, settings: Settings) -> Finding:
    """Time everything from PCM to event on the embedded recording; say what share of real time it takes."""
    try:
        pipeline = Pipeline(model, settings)
    except EdgeSerError:
        return unknown("speed", "not measured, for what failed above")
    step_seconds = model.metadata.features.step_seconds
    samples = round(step_seconds * SAMPLE_RATE)
    with open_source(DEMO) as source:
        blocks = [block.samples for block in iter(source.read, None)]
    pcm = np.concatenate(blocks)[: TIMED_STEPS * samples].reshape(-1, samples)
    return judged_speed(_timed(pipeline.push, pcm), step_seconds)


def judged_speed(seconds: list[float], step_seconds: float) -> Finding:
    """Say whether steps that took these times keep up with speech."""
    p50, p95 = np.percentile(seconds, (50, 95))
    share = p50 / step_seconds
    found = f"PCM to event {1000 * p50:.2f} ms a step (p95 {1000 * p95:.2f}), {100 * share:.2g} % of real time"
    if share < BUSY_SHARE:
        return Finding("ok", "speed", found)
    if share < 1:
        return Finding("warn", "speed", f"{found}: that leaves little for anything else", _SLOW_CURE)
    return Finding("fail", "speed", f"{found}: audio will be lost", _SLOW_CURE)


def install_cure(
    python: tuple[int, int] = sys.version_info[:2],
    machine: str = platform.machine(),
    bits: int = 8 * struct.calcsize("P"),
) -> str:
    """Return which runtime to install on such a machine."""
    if bits == 64 and machine in ("x86_64", "aarch64", "arm64", "AMD64"):
        return "Run `pip install -U ai-edge-litert`"
    if python <= (3, 11):
        return "Run `pip install tflite-runtime 'numpy<2'`"
    return "Use a 64-bit system, or Python 3.11: there is no runtime for a newer one on 32 bits"


def _try(model: ModelFile, settings: Settings, name: str) -> float | EdgeSerError:
    """Return the median seconds of a step, or what is wrong."""
    try:
        stepper = Stepper(model, settings.threads, name)
        stepper.self_test()
    except EdgeSerError as error:
        return error
    features, _, _ = model.metadata.golden_arrays()
    steps = features[np.arange(TIMED_STEPS) % len(features)]
    return float(np.median(_timed(stepper, steps)))


def _timed(work: Callable[[Any], object], steps: NDArray[Any]) -> list[float]:
    """Return the seconds that each step takes."""
    times = []
    for step in steps:
        began = time.perf_counter()
        work(step)
        times.append(time.perf_counter() - began)
    return times


def _version(name: str) -> str:
    try:
        return version(PACKAGES[name])
    except PackageNotFoundError:
        return "of unknown version"
