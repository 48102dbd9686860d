"""What others do for the same job on the same audio: cost, size, start and memory, and how right they are.

Each candidate lives in a process of its own, one thread, and they take turns: `worker.py` is that process, `jobs.py`
what each of them does, `training.py` makes those that have to be trained. Two jobs:

- `recording`: one decision on a recording of 3 s;
- `live`: a decision every 100 ms. Ours hears the stream; the others have no state, so they take the last 3 s again.

Processor time is counted, so that other programs on the machine do not.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import footprint, networks, processes
from benchmarks.peers.jobs import JOBS, LIVE, OURS, RECORDING, Job
from benchmarks.peers.training import CORPUS
from benchmarks.peers.worker import Worker
from benchmarks.report import Cell, Figure, Report, Table, ratio, spread
from edge_ser.errors import EdgeSerError
from edge_ser.student.model_file import BUNDLED, ModelFile

ROUNDS, QUICK_ROUNDS = 12, 1
STARTS, QUICK_STARTS = 3, 1
CARD = BUNDLED.with_suffix(".json")
CARD_SPEAKERS = "ravdess, 8 classes"
MS_PER_S, KB, MB = 1e3, 1e3, 1e6

Times = dict[str, dict[str, list[float]]]
"""Seconds by job, then by candidate, one value a round."""


def run(quick: bool = False, corpora: Path | None = None) -> Report:
    """Measure every peer that is installed.

    Parameters
    ----------
    quick : bool
        Each once.
    corpora : Path, optional
        Folder that holds ravdess: the peers are trained on it and judged on the speakers that ours never heard.
        Without, they are trained on noise, which costs the same to run.
    """
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="edge-ser-bench-") as name:
        folder = Path(name)
        judged = _prepare(folder, corpora, notes)
        workers = _start(folder, notes)
        jobs = [job for job in JOBS if job.name in workers]
        try:
            starts = {name: [worker.start_seconds] for name, worker in workers.items()}
            for _ in range(1, QUICK_STARTS if quick else STARTS):
                for name, found in starts.items():
                    with Worker(name, folder) as worker:
                        found.append(worker.start_seconds)
            times = _take_turns(workers, QUICK_ROUNDS if quick else ROUNDS)
            memory = {name: worker.memory_mb() for name, worker in workers.items()}
        finally:
            for worker in workers.values():
                worker.close()
        sizes = {job.name: _file_bytes(job, folder) for job in jobs}
    figures: dict[str, Figure] = {}
    tables = (
        _costs(jobs, times, figures),
        _weights(jobs, starts, memory, sizes, figures),
        _rightness(jobs, judged, figures, notes),
    )
    return Report("peers", tables, figures, tuple(notes))


def _prepare(folder: Path, corpora: Path | None, notes: list[str]) -> Mapping[str, float]:
    """Put into the folder what the peers run; return the UAR of those that were trained on people."""
    for name, why in networks.build(folder, tuple(networks.PEERS)).items():
        notes.append(f"{name} is not measured: {why}")
    judged: dict[str, float] = {}
    for trained in ("svm", "keras"):
        try:
            arguments = (trained, str(folder), *([] if corpora is None else [str(corpora)]))
            judged |= processes.answer("benchmarks.peers.training", *arguments)
        except EdgeSerError as error:
            notes.append(f"the peer with {trained} is not measured: {error}")
    return judged


def _start(folder: Path, notes: list[str]) -> dict[str, Worker]:
    """Return by name the candidates that run here, each waiting for its turn."""
    workers = {}
    for job in JOBS:
        if job.file is not None and not (folder / job.file).is_file():
            continue  # why, was noted when it could not be made
        try:
            workers[job.name] = Worker(job.name, folder)
        except EdgeSerError as error:
            notes.append(f"{job.title} is not measured: {error}")
    return workers


def _take_turns(workers: Mapping[str, Worker], rounds: int) -> Times:
    names = list(workers)
    times: Times = {kind: {name: [] for name in names} for kind in (RECORDING, LIVE)}
    for turn in range(rounds + 1):
        for kind, found in times.items():
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                seconds = workers[name].seconds(kind)
                if turn:  # the first warms up
                    found[name].append(seconds)
    return times


def _costs(jobs: Collection[Job], times: Times, figures: dict[str, Figure]) -> Table:
    arrays = {kind: {name: np.asarray(found) for name, found in by_name.items()} for kind, by_name in times.items()}
    rows: list[tuple[Cell, ...]] = []
    for job in jobs:
        recording, live = (spread(MS_PER_S * arrays[kind][job.name]) for kind in (RECORDING, LIVE))
        figures |= {f"{job.name}.recording_ms": recording, f"{job.name}.live_ms": live}
        beside: list[Cell] = [None, None]
        if job.name != OURS:
            found = [ratio(arrays[kind], OURS, job.name) for kind in (RECORDING, LIVE)]
            # Ours, live, beside theirs once a recording: what a stream costs us and a file costs them, by the second.
            figures |= {
                f"{job.name}.recording_ratio": found[0],
                f"{job.name}.live_ratio": found[1],
                f"{job.name}.stream_to_recording_ratio": _streamed(arrays, job.name),
            }
            beside = [_short(each.median) for each in found]
        rows.append((job.title, recording.median, beside[0], live.median, beside[1]))
    columns = ("who", "ms for a recording of 3 s", "ours / it", "ms a second of audio, live", "ours / it")
    return Table("Cost, processor time, one thread, median; live is a decision every 100 ms", columns, tuple(rows))


def _streamed(arrays: Mapping[str, Mapping[str, NDArray[np.float64]]], name: str) -> Any:
    """Return our second of stream in blocks of 100 ms over a third of their recording of 3 s."""
    return spread(arrays[LIVE][OURS] / (arrays[RECORDING][name] / 3))


def _short(value: float) -> str:
    return f"{value:.2g} = 1/{1 / value:.0f}" if value < 1 else f"{value:.2f}"


def _weights(
    jobs: Collection[Job], starts: Mapping[str, list[float]], memory: Mapping[str, float],
    sizes: Mapping[str, int | None], figures: dict[str, Figure],
) -> Table:  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for job in jobs:
        needed = footprint.with_dependencies(set(job.packages))
        installed = sum(map(footprint.installed_bytes, needed)) + (footprint.package_bytes() if job.name == OURS else 0)
        start = spread(starts[job.name])
        figures |= {
            f"{job.name}.start_s": start,
            f"{job.name}.memory_mb": memory[job.name],
            f"{job.name}.installed_mb": installed / MB,
        }
        size = sizes[job.name]
        if size is not None:
            figures[f"{job.name}.file_kb"] = size / KB
        kilobytes = None if size is None else size / KB
        rows.append((job.title, kilobytes, installed / MB, start.median, memory[job.name]))
    columns = ("who", "model, kB", "installed, MB", "process start to first decision, s", "memory, MB")
    return Table("Size, start, memory", columns, tuple(rows))


def _rightness(
    jobs: Collection[Job], judged: Mapping[str, float], figures: dict[str, Figure], notes: list[str]
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for job in jobs:
        if job.name == OURS:
            uar, heard = _of_the_card(), "several corpora, these speakers never heard"
        elif job.name in judged:
            uar, heard = judged[job.name], "the other 20 actors of ravdess"
        else:
            continue
        figures[f"{job.name}.uar"] = uar
        rows.append((job.title, 100 * uar, heard))
    if judged:
        notes.append("ours was trained on more than the peers were, and cites its card")
    else:
        notes.append("without --corpora no peer is trained: they run on weights that mean nothing, at the same cost")
    notes.append("the networks of others are rebuilt and untrained here: their accuracy is for edge-ser-convert to say")
    columns = ("who", "UAR, %", "trained on")
    named = (speaker.split("/") for speaker in ModelFile.load_bundled().metadata.provenance.held_out)
    speakers = ", ".join(sorted(speaker for corpus, speaker in named if corpus == CORPUS))
    title = f"How right, for {CORPUS} speakers {speakers}, 8 classes"
    return Table(title, columns, tuple(rows))


def _of_the_card() -> float:
    card = json.loads(CARD.read_text(encoding="utf-8"))
    return float(card[CARD_SPEAKERS]["int8 streaming"]["uar"])


def _file_bytes(job: Job, folder: Path) -> int | None:
    if job.name == OURS:
        return BUNDLED.stat().st_size
    return None if job.file is None else (folder / job.file).stat().st_size
