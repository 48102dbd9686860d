"""Which chart shows what a report found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.page.charts import Bar, bars, ranges, stacked
from benchmarks.report import median_of

Plain = Mapping[str, Any]
"""A report as its JSON file holds it."""

Plots = Iterator[tuple[str, str]]
"""Name of a file, SVG."""

STAGES = ("features", "voice activity", "utterances", "student", "decision")


def plots_of(report: Plain) -> dict[str, str]:
    """Return the charts of a report by name; none where it has nothing that is better seen than read."""
    draw = PLOTS.get(report["name"])
    return dict(draw(report["figures"])) if draw is not None else {}


def _frontend(figures: Plain) -> Plots:
    for kind, said in (
        ("10_ms", "a block of 10 ms"),
        ("100_ms", "a block of 100 ms"),
        ("batch", "a frame, whole files"),
    ):
        found = {name.split(".")[1][:-3]: figures[name] for name in figures
                 if name.startswith(f"{kind}.") and name.endswith("_us")}  # fmt: skip
        if found:
            lines = [_bar(name, value, name == "edge-ser") for name, value in sorted(found.items(), key=_by_median)]
            yield f"frontend-{kind.replace('_', '-')}", bars(f"Front end: {said}", "µs", lines, _is_wide(found))


def _student(figures: Plain) -> Plots:
    lines = [
        _bar(name.removesuffix("_step_us").replace("_", " "), figure, False)
        for name, figure in figures.items()
        if name.endswith("_thread_step_us")
    ]
    if lines:
        yield "student-step", bars("Student: a step of 80 ms", "µs", lines)


def _pipeline(figures: Plain) -> Plots:
    kinds = ("20ms", "40ms", "100ms")
    lines = [
        (f"blocks of {kind[:-2]} ms", [figures[f"block_{kind}_{stage.replace(' ', '_')}_us"] for stage in STAGES])
        for kind in kinds
        if f"block_{kind}_student_us" in figures
    ]
    if lines:
        yield "pipeline-stages", stacked("PCM to event: a step of 80 ms by stage", "µs", STAGES, lines)
    streams = {int(name.split("_")[1]): value for name, value in figures.items()
               if name.startswith("streams_") and name.endswith("_real_time_factor")}  # fmt: skip
    if streams:
        lines_of = [_bar(f"{count} stream{'s' * (count > 1)}", 1e6 * median_of(value) * 0.08, count == 1)
                    for count, value in sorted(streams.items())]  # fmt: skip
        yield "pipeline-streams", bars("Many streams in one process: a step of each", "µs", lines_of)


def _peers(figures: Plain) -> Plots:
    for kind, said in (("live", "a second of audio, a decision every 100 ms"), ("recording", "a recording of 3 s")):
        found = {name.split(".")[0]: value for name, value in figures.items() if name.endswith(f".{kind}_ms")}
        if found:
            lines = [_bar(name, value, name == "edge-ser") for name, value in sorted(found.items(), key=_by_median)]
            yield f"peers-{kind}", bars(f"Peers: {said}", "ms of processor time", lines, logarithmic=True)
    memory = {name.split(".")[0]: value for name, value in figures.items() if name.endswith(".memory_mb")}
    if memory:
        lines = [_bar(name, value, name == "edge-ser") for name, value in sorted(memory.items(), key=_by_median)]
        yield "peers-memory", bars("Peers: resident memory", "MB", lines, _is_wide(memory))


def _footprint(figures: Plain) -> Plots:
    names = {"python": "Python", "numpy": "with NumPy", "after_the_model": "with the model",
             "most_while_listening": "most while it listens"}  # fmt: skip
    lines = [
        _bar(f"{backend}: {said}", figures[f"{backend}_{name}_mb"], name == "most_while_listening")
        for backend in ("litert", "tflite")
        for name, said in names.items()
        if f"{backend}_{name}_mb" in figures
    ]
    if lines:
        yield "footprint-memory", bars("Resident memory", "MB", lines)


def _prediction(figures: Plain) -> Plots:
    cores = [name.removesuffix("_step_best_us") for name in figures if name.endswith("_step_best_us")]
    lines = [
        Bar(core.replace("_", "-").capitalize(), 0.0, median_of(figures[f"{core}_step_best_us"]) / 1e3,
            median_of(figures[f"{core}_step_worst_us"]) / 1e3)
        for core in cores
    ]  # fmt: skip
    if lines:
        yield "prediction-step", ranges("Predicted, not measured: a step of 80 ms", "ms", lines)


def _toolchain(figures: Plain) -> Plots:
    stages = {name.removeprefix("smoke_").removesuffix("_s").replace("_", "-"): value
              for name, value in figures.items() if name.startswith("smoke_") and name.endswith("_s")}  # fmt: skip
    lines = [_bar(name, value, False) for name, value in stages.items() if name != "smoke" and median_of(value) > 0]
    if lines:
        yield "toolchain-smoke", bars("The smoke recipe by stage", "s", lines)


PLOTS: Mapping[str, Callable[[Plain], Plots]] = {
    "frontend": _frontend, "student": _student, "pipeline": _pipeline, "peers": _peers, "footprint": _footprint,
    "prediction": _prediction, "toolchain": _toolchain,
}  # fmt: skip


def _bar(label: str, figure: Any, ours: bool) -> Bar:
    if isinstance(figure, Mapping):
        return Bar(label, figure["median"], figure["low"], figure["high"], ours)
    return Bar(label, float(figure), ours=ours)


def _by_median(item: tuple[str, Any]) -> float:
    return median_of(item[1])


def _is_wide(found: Plain) -> bool:
    values = [median_of(value) for value in found.values()]
    return max(values) > 30 * min(values)
