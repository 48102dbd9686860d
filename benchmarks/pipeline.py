"""What it costs from PCM to event, by block size and by stage.

The stages are timed where they are, inside the pipeline, each without those within it; `utterances` is what the
segmenter does itself: level, clipping, onset and end. What remains of a `push` is the decision: pooling, calibration,
hysteresis, the event. Totals come from runs without the stages' clocks.

Many streams in one process each have a pipeline of their own, and take turns at 100 ms of audio each.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import processes
from benchmarks.report import Cell, Figure, Report, Table, interleave, spread
from benchmarks.student import working_backends
from edge_ser.capture.source import open_source
from edge_ser.features import LogMel, ToInt8, VoiceActivity
from edge_ser.pipeline import Pipeline
from edge_ser.recordings import DEMO
from edge_ser.segmenter import Segmenter
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.student.backend import PACKAGES
from edge_ser.student.model_file import ModelFile
from edge_ser.student.stepper import Stepper

BLOCKS_MS = (20, 40, 100)
ROUNDS = 20  # of the whole recording
QUICK_ROUNDS = 2
STREAMS = (1, 10, 100, 1000)
QUICK_STREAMS = (1, 10)
US_PER_S = 1e6
MS_PER_S = 1000

STAGES: tuple[tuple[str, type, str], ...] = (
    ("features", LogMel, "push"),
    ("features", ToInt8, "__call__"),
    ("voice activity", VoiceActivity, "__call__"),
    ("utterances", Segmenter, "__call__"),
    ("student", Stepper, "__call__"),
)
NAMES = ("features", "voice activity", "utterances", "student", "decision")

Pcm = NDArray[np.int16]


def run(quick: bool = False) -> Report:
    """Push the recording that comes with edge-ser through the bundled student."""
    model = ModelFile.load_bundled()
    rounds = QUICK_ROUNDS if quick else ROUNDS
    pcm = _recording()
    seconds = len(pcm) / SAMPLE_RATE
    steps = seconds / model.metadata.features.step_seconds

    totals = interleave({f"{ms} ms": _pusher(model, pcm, ms) for ms in BLOCKS_MS}, rounds, clock=time.process_time)
    with _clocked() as spent:
        clocked = {f"{ms} ms": _by_stage(_pusher(model, pcm, ms), spent, rounds) for ms in BLOCKS_MS}
    rows = []
    figures: dict[str, Figure] = {}
    for name in totals:
        total = spread(totals[name]).median
        # The clocks cost something, so they give the shares, and the run without them the time.
        stages = [clocked[name][stage] * total / steps * US_PER_S for stage in NAMES]
        rows.append((name, *stages, total / steps * US_PER_S, f"{total / seconds:.2e}", round(seconds / total)))
        key = f"block_{name.replace(' ', '')}"
        figures |= {f"{key}_{stage.replace(' ', '_')}_us": cost for stage, cost in zip(NAMES, stages, strict=True)}
        figures |= {
            f"{key}_step_us": spread(totals[name] / steps * US_PER_S),
            f"{key}_real_time_factor": spread(totals[name] / seconds),
            f"{key}_streams_a_core": spread(seconds / totals[name]),
        }
    step_ms = model.metadata.features.step_seconds * MS_PER_S
    runtime = PACKAGES[working_backends(model)[0]]
    title = f"From PCM to event, µs for each step of {step_ms:.0f} ms, one thread, on {runtime}, by block size"
    columns = ("block", *NAMES, "sum", "real-time factor", "streams a core")
    many, notes = _many(QUICK_STREAMS if quick else STREAMS, figures)
    return Report("pipeline", (Table(title, columns, tuple(rows)), many), figures, notes)


def _many(counts: Sequence[int], figures: dict[str, Figure]) -> tuple[Table, tuple[str, ...]]:
    """Return what more streams in one process cost, each measured in a process of its own."""
    rows: list[tuple[Cell, ...]] = []
    first: float | None = None
    for count in counts:
        found = processes.answer("benchmarks.streams", str(count))
        real_time = found["seconds"] / found["audio_seconds"] / count
        first = real_time if first is None else first
        memory = found["growth_mb"] / count
        rows.append((count, f"{real_time:.2e}", real_time / first, found["build_ms"], found["growth_mb"], memory))
        figures |= {
            f"streams_{count}_real_time_factor": real_time,
            f"streams_{count}_build_ms": found["build_ms"],
            f"streams_{count}_memory_mb": memory,
        }
    columns = ("streams", "real-time factor of each", "x one", "ms to make one", "MB of all", "MB of each")
    note = (
        "a stream's memory is its runtime's tensors, its front end's work arrays and its Python objects; the bytes of "
        "the model file are shared by all"
    )
    return Table("Many streams in one process, one thread, blocks of 100 ms", columns, tuple(rows)), (note,)


def rest_us(quick: bool = False) -> float:
    """Return what a step costs besides the student, in blocks of 100 ms."""
    model, pcm = ModelFile.load_bundled(), _recording()
    rounds = QUICK_ROUNDS if quick else ROUNDS
    push = _pusher(model, pcm, 100)
    total = spread(interleave({"push": push}, rounds, clock=time.process_time)["push"]).median
    with _clocked() as spent:
        shares = _by_stage(_pusher(model, pcm, 100), spent, rounds)
    steps = len(pcm) / SAMPLE_RATE / model.metadata.features.step_seconds
    return (1 - shares["student"]) * total / steps * US_PER_S


def _recording() -> Pcm:
    with open_source(DEMO) as source:
        return np.concatenate([block.samples for block in iter(source.read, None)])


def _pusher(model: ModelFile, pcm: Pcm, block_ms: int) -> Callable[[], None]:
    """Return a function that pushes the whole recording through a pipeline, block by block."""
    size = SAMPLE_RATE * block_ms // MS_PER_S
    blocks = [pcm[start : start + size] for start in range(0, len(pcm), size)]
    pipeline = Pipeline(model, Settings())

    def push() -> None:
        for block in blocks:
            pipeline.push(block)

    return push


def _by_stage(push: Callable[[], None], spent: Counter[str], rounds: int) -> dict[str, float]:
    """Return each stage's share of the time."""
    push()
    spent.clear()
    start = time.perf_counter()
    for _ in range(rounds):
        push()
    total = time.perf_counter() - start
    shares = {name: spent[name] / total for name in NAMES}
    return shares | {"decision": 1 - sum(shares.values())}


@contextmanager
def _clocked() -> Iterator[Counter[str]]:
    """Count the seconds spent in each stage, without the stages within it; afterwards the classes are as before."""
    spent: Counter[str] = Counter()
    within: list[float] = []
    originals = [(kind, method, getattr(kind, method)) for _, kind, method in STAGES]
    try:
        for name, kind, method in STAGES:
            setattr(kind, method, _clock(getattr(kind, method), name, spent, within))
        yield spent
    finally:
        for kind, method, original in originals:
            setattr(kind, method, original)


def _clock(function: Callable[..., Any], name: str, spent: Any, within: list[float]) -> Callable[..., Any]:
    """Return the function, which counts its time; `within` holds that of the stages inside, for each that runs."""

    @wraps(function)
    def clocked(*args: Any) -> Any:
        within.append(0.0)
        start = time.perf_counter()
        result = function(*args)
        passed = time.perf_counter() - start
        spent[name] += passed - within.pop()
        if within:
            within[-1] += passed
        return result

    return clocked
