"""What one step of the student costs, on each runtime installed.

The student works in steps (80 ms). A hop that is shorter completes a step only now and then, a longer one several:
hop by hop the cost is that of the steps it completes. A step is compared with what a network without state would have
to do, which is to compute the last `WINDOW_SECONDS` again: step by step, and as one network over the window.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import networks
from benchmarks.operations import Work, work_of
from benchmarks.report import Cell, Figure, Report, Table, interleave, ratio, spread
from edge_ser.errors import BackendError
from edge_ser.student.backend import PACKAGES, Interpreter, build_interpreter, installed_backends
from edge_ser.student.model_file import BUNDLED, ModelFile
from edge_ser.student.network import Network
from edge_ser.student.stepper import Stepper

STEPS = 3000  # timed singly: enough for a 99th percentile
QUICK_STEPS = 300
ROUNDS = 50  # of a step beside a window
QUICK_ROUNDS = 5
HOPS_MS = (20, 40, 100, 500)
HOPS_SECONDS = 80.0  # of speech, in hops of each kind
QUICK_HOPS_SECONDS = 8.0
THREADS = (1, 2)
WINDOW_SECONDS = 2.0
PERCENTILES = (50, 95, 99)
US_PER_S, MS_PER_S = 1e6, 1e3
FLOAT_MODEL = BUNDLED.with_suffix(".float.tflite")

Features = NDArray[np.int8]
Step = Callable[[], object]


def run(quick: bool = False) -> Report:
    """Time the bundled student."""
    model = ModelFile.load_bundled()
    spec = model.metadata.features
    window_steps = round(WINDOW_SECONDS / spec.step_seconds)
    rng = np.random.default_rng(0)
    features = rng.integers(-128, 128, (window_steps, spec.frames_per_step, spec.n_features), np.int8)
    backends = working_backends(model)
    notes = list(_notes(backends))
    figures: dict[str, Figure] = {}
    work = work_of(model.tflite, backends[0])
    with tempfile.TemporaryDirectory(prefix="edge-ser-bench-") as folder:
        names = () if quick else (networks.WINDOW, networks.PRODUCT)
        failed = networks.build(Path(folder), names)
        built = {name: (Path(folder) / f"{name}.tflite").read_bytes() for name in names if name not in failed}
    notes += [f"{name} is not measured: {why}" for name, why in failed.items()]
    if quick:
        notes.append("a quick run leaves out the networks that TensorFlow would have to build")
    tables = (
        _steps(model, features, backends, QUICK_STEPS if quick else STEPS, figures, notes),
        _hops(model, features, backends, QUICK_HOPS_SECONDS if quick else HOPS_SECONDS, figures),
        _again(model, features, backends, built, QUICK_ROUNDS if quick else ROUNDS, figures),
        _achieved(model, work, features, backends, built, QUICK_ROUNDS if quick else ROUNDS, figures),
    )
    return Report("student", tables, figures, tuple(notes))


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


def _steps(
    model: ModelFile, features: Features, backends: Collection[str], steps: int, figures: dict[str, Figure],
    notes: list[str],
) -> Table:  # fmt: skip
    """Return what a step costs, by runtime, weights and threads."""
    weights = {"int8": model.tflite}
    if FLOAT_MODEL.is_file():
        weights["float"] = FLOAT_MODEL.read_bytes()
    else:
        notes.append(f"the float student is not measured: {FLOAT_MODEL.name} is only in a checkout")
    candidates: dict[tuple[str, str, int], Step] = {}
    for backend in backends:
        for kind, tflite in weights.items():
            values = features if kind == "int8" else features.astype(np.float32)
            for threads in THREADS:
                candidates[backend, kind, threads] = _step(Network(tflite, threads, backend), values)
    times = interleave({str(key): step for key, step in candidates.items()}, steps)
    first = str(next(iter(candidates)))
    rows = []
    for backend, kind, threads in candidates:
        name = str((backend, kind, threads))
        p50, p95, p99 = (float(value) for value in np.percentile(times[name], PERCENTILES) * US_PER_S)
        key = f"{backend}_{kind}_{threads}_thread"
        real_time = spread(times[name] / model.metadata.features.step_seconds)
        beside = ratio(times, name, first)
        rows.append((PACKAGES[backend], kind, threads, p50, p95, p99, f"{real_time.median:.2e}", str(beside)))
        figures |= {
            f"{key}_step_us": spread(times[name] * US_PER_S),
            f"{key}_step_p95_us": p95,
            f"{key}_step_p99_us": p99,
            f"{key}_real_time_factor": real_time,
        }
    ms = model.metadata.features.step_seconds * MS_PER_S
    columns = ("runtime", "weights", "threads", "p50", "p95", "p99", "real-time factor", "x the first line")
    return Table(f"One step of {model.metadata.name} ({ms:.0f} ms of speech), µs", columns, tuple(rows))


def _hops(
    model: ModelFile, features: Features, backends: Collection[str], seconds: float, figures: dict[str, Figure]
) -> Table:
    """Return what a hop costs, which is what the steps cost that it completes."""
    step_ms = round(model.metadata.features.step_seconds * MS_PER_S)
    rows: list[tuple[Cell, ...]] = []
    for backend in backends:
        step = _step(Network(model.tflite, 1, backend), features)
        for hop_ms in HOPS_MS:
            hops = round(seconds * MS_PER_S / hop_ms)
            due = [(hop + 1) * hop_ms // step_ms - hop * hop_ms // step_ms for hop in range(hops)]
            took = np.concatenate([interleave({"hop": _repeat(step, count)}, 1)["hop"] for count in due]) * US_PER_S
            p50, p95, p99 = (float(value) for value in np.percentile(took, PERCENTILES))
            asked = " or ".join(str(count) for count in sorted(set(due)))
            mean = float(took.mean())
            rows.append((PACKAGES[backend], f"{hop_ms} ms", asked, hop_ms / step_ms, p50, p95, p99, mean))
            key = f"{backend}_hop_{hop_ms}ms"
            figures |= {f"{key}_p{p}_us": value for p, value in zip(PERCENTILES, (p50, p95, p99), strict=True)}
            figures[f"{key}_mean_us"] = mean
    columns = ("runtime", "hop", "steps in it", "on average", "p50", "p95", "p99", "mean")
    title = (
        f"One hop, µs, int8, one thread: the student hears whole steps of {step_ms} ms, a hop completes some or none"
    )
    return Table(title, columns, tuple(rows))


def _again(
    model: ModelFile, features: Features, backends: Collection[str], built: Mapping[str, bytes], rounds: int,
    figures: dict[str, Figure],
) -> Table:  # fmt: skip
    """Return how much dearer it is to compute the window again than to hear one step."""
    rows: list[tuple[Cell, ...]] = []
    for backend in backends:
        network = Network(model.tflite, 1, backend)
        candidates: dict[str, Step] = {"step": _step(network, features), "step by step": _window(network, features)}
        if networks.WINDOW in built:
            candidates["one network"] = invoker(build_interpreter(built[networks.WINDOW], 1, backend))
            candidates["one network, XNNPACK"] = invoker(networks.fastest(built[networks.WINDOW], backend))
        times = interleave(candidates, rounds, clock=time.process_time)
        for name in list(candidates)[1:]:
            dearer = ratio(times, name, "step")
            # Every 100 ms: 1.25 steps on average.
            saved = spread(100 / 80 * times["step"] / times[name])
            rows.append((PACKAGES[backend], name, str(spread(times[name] * MS_PER_S)), str(dearer), str(saved)))
            key = f"{backend}_{name.replace(',', '').replace(' ', '_').lower()}"
            figures |= {f"{key}_over_step_ratio": dearer, f"{key}_hop_100ms_ratio": saved}
    columns = ("runtime", "the window", "ms", "x a step", "our 100 ms / it")
    title = f"{WINDOW_SECONDS:g} s computed again beside one step, int8, one thread, median (quartiles)"
    return Table(title, columns, tuple(rows))


def _achieved(
    model: ModelFile, work: Work, features: Features, backends: Collection[str], built: Mapping[str, bytes],
    rounds: int, figures: dict[str, Figure],
) -> Table:  # fmt: skip
    """Return the arithmetic of a second of speech, and how fast it goes beside one plain matrix product."""
    steps_per_second = 1 / model.metadata.features.step_seconds
    figures |= {
        "macs_per_second": work.macs * steps_per_second,
        "macs_per_step": work.macs,
        "weight_bytes": work.weight_bytes,
        "activation_bytes_per_step": work.activation_bytes,
        "bytes_per_second": work.moved_bytes * steps_per_second,
    }
    rows: list[tuple[Cell, ...]] = [
        ("multiplications and additions a second of speech, millions", work.macs * steps_per_second / 1e6, None),
        ("of a step, millions", work.macs / 1e6, None),
        ("weights, kB", work.weight_bytes / 1e3, None),
        ("tensors written and read in a step, kB", work.activation_bytes / 1e3, None),
        ("bytes moved a second of speech, MB", work.moved_bytes * steps_per_second / 1e6, None),
    ]
    for backend in backends:
        candidates: dict[str, Step] = {"step": _step(Network(model.tflite, 1, backend), features)}
        if networks.PRODUCT in built:
            candidates["product"] = invoker(build_interpreter(built[networks.PRODUCT], 1, backend))
            candidates["product, XNNPACK"] = invoker(networks.fastest(built[networks.PRODUCT], backend))
        times = interleave(candidates, rounds, clock=time.process_time)
        achieved = work.macs / times["step"] / 1e9
        figures[f"{backend}_achieved_gmacs"] = spread(achieved)
        rows.append((f"{PACKAGES[backend]}: the student, GMAC/s", str(spread(achieved)), None))
        for name in list(candidates)[1:]:
            peak = networks.ROWS * networks.WIDTH**2 / times[name] / 1e9
            share, key = spread(achieved / peak), f"{backend}_{name.replace(', ', '_').lower()}"
            figures |= {f"{key}_gmacs": spread(peak), f"{key}_achieved_ratio": share}
            rows.append((f"{PACKAGES[backend]}: a plain int8 {name}, GMAC/s", str(spread(peak)), str(share)))
    size = f"{networks.ROWS} x {networks.WIDTH} by {networks.WIDTH} x {networks.WIDTH}"
    return Table(
        f"Arithmetic, and how fast it goes; the plain product is {size}", ("what", "figure", "the student / it"),
        tuple(rows),
    )  # fmt: skip


def invoker(interpreter: Interpreter) -> Step:
    """Return a function that runs a network on noise."""
    rng = np.random.default_rng(0)
    for detail in interpreter.get_input_details():  # type: ignore[attr-defined]
        values = rng.integers(-128, 128, tuple(detail["shape"])).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], values)
    return interpreter.invoke


def _step(network: Network, features: NDArray[np.int8] | NDArray[np.float32]) -> Step:
    """Return a function that steps through the window, a step a call."""
    state = {"next": 0}

    def step() -> None:
        network(features[state["next"]])  # type: ignore[arg-type]
        state["next"] = (state["next"] + 1) % len(features)

    return step


def _repeat(step: Step, count: int) -> Step:
    def repeated() -> None:
        for _ in range(count):
            step()

    return repeated


def _window(network: Network, features: Features) -> Step:
    """Return a function that takes the whole window from the start."""

    def window() -> None:
        network.reset()
        for step in features:
            network(step)

    return window


def _notes(backends: Collection[str]) -> tuple[str, ...]:
    return tuple(
        f"{package} is not measured: not installed, or does not work with this Python and NumPy"
        for name, package in PACKAGES.items()
        if name not in backends
    )
