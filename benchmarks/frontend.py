"""What the front end costs: int8 MFCC of 10, 20 and 100 ms blocks and of whole recordings, beside its peers.

All of them turn the same 16 kHz speech-like int16 signal into 13 cepstra of 40 mel bands (pymicro-features: 40 bands
without a DCT), 25 ms window, 10 ms hop, on one core; ours also into int8. Each peer is fed in the form that it takes
fastest. Processor time is measured, so that other programs on the machine do not count.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edge_ser.features
from benchmarks import frontend_extras, frontend_profile
from benchmarks.frontend_peers import BATCH, HOP, N_MELS, N_MFCC, SAMPLE_RATE, Feed, Peer, installed
from benchmarks.report import Figure, Report, Table, Times, interleave, ratio, spread
from edge_ser.features import FrontEnd, LogMel, Mfcc, VoiceActivity
from edge_ser.features.log_mel import BLOCK_FRAMES

SIGNAL_SECONDS = 10.0  # of each candidate's turn: long enough that the caches are its own
QUICK_SIGNAL_SECONDS = 1.0  # enough to see that it runs, too short for the figures
BLOCKS_MS = (10, 20, 100)
OURS = "edge-ser"


def run(quick: bool = False) -> Report:
    """Measure and return the report; `quick` only shows that everything runs, its figures are rough."""
    rounds = 4 if quick else 40
    signal = speech_like(QUICK_SIGNAL_SECONDS if quick else SIGNAL_SECONDS)
    peers, notes = installed()
    figures: dict[str, Figure] = {}
    rows: list[tuple[str | float | None, ...]] = []
    for kind in (*(f"{ms} ms" for ms in BLOCKS_MS), BATCH):
        block = signal.size if kind == BATCH else int(kind.split()[0]) * SAMPLE_RATE // 1000
        times = interleave(_candidates(peers, kind, block, signal), rounds, clock=time.process_time)
        blocks = signal.size // block
        units = signal.size // HOP if kind == BATCH else blocks
        rows += _rows(kind, times, peers, units, figures)
    table = Table(
        "int8 MFCC, one core, µs per block (batch: per frame); ratio: ours to the peer, median (quartiles)",
        ("block", "front end", "µs", "ours / it", "goal", "reached"),
        tuple(rows),
    )
    parts = _parts(signal, rounds, figures)
    extras = (
        frontend_extras.costs(signal, rounds, figures),
        *frontend_extras.together(signal, rounds, figures, notes),
    )
    starts = _start(3 if quick else 20, figures)
    profiles = (
        *(frontend_profile.operations(frames, rounds, figures) for frames in (1, BLOCK_FRAMES)),
        frontend_profile.pitch_operations(rounds, figures),
    )
    return Report("frontend", (table, parts, *extras, *starts, *profiles), figures, tuple(notes))


def speech_like(seconds: float) -> NDArray[np.int16]:
    """Return a signal (n,) with a voice's spectrum and pauses; a real voice would cost the same."""
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * t)) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 40)) * (np.sin(2 * np.pi * 1.5 * t) > -0.5)
    return np.rint(4000 * voice + 30 * rng.standard_normal(t.size)).astype(np.int16)


def _ours(block: int) -> Feed:
    log_mel, mfcc = LogMel(), Mfcc(FrontEnd(n_mfcc=N_MFCC), np.zeros(N_MFCC), np.ones(N_MFCC), 32.0)
    return lambda pcm: mfcc(log_mel.push(pcm))


def _candidates(peers: list[Peer], kind: str, block: int, signal: NDArray[np.int16]) -> dict[str, Callable[[], object]]:
    """Return by name a function that runs the whole signal through in blocks."""
    blocks = [signal[i : i + block] for i in range(0, signal.size - block + 1, block)]

    def whole(feed: Feed) -> Callable[[], object]:
        return lambda: [feed(pcm) for pcm in blocks]

    feeds = {OURS: _ours(block)}
    for peer in peers:
        if peer.kinds is not None and kind not in peer.kinds:
            continue
        feeds[peer.name] = peer.batch() if kind == BATCH and peer.batch else peer.stream(block)
    return {name: whole(feed) for name, feed in feeds.items()}


def _rows(
    kind: str, times: Times, peers: list[Peer], units: int, figures: dict[str, Figure]
) -> list[tuple[str | float | None, ...]]:
    """Return the table's rows for one kind of block, and put the figures where they belong."""
    key = kind.replace(" ", "_")
    rows: list[tuple[str | float | None, ...]] = []
    for name in times:
        micros = spread(1e6 * times[name] / units)
        figures[f"{key}.{name.split()[0]}_us"] = micros
        goal = next((peer.goals.get(kind) for peer in peers if peer.name == name), None)
        ours = None if name == OURS else ratio(times, OURS, name)
        if ours is not None:
            figures[f"{key}.{name.split()[0]}_ratio"] = ours
        reached = None if goal is None or ours is None else "yes" if ours.median <= goal else "no"
        rows.append((kind, name, micros.median, None if ours is None else str(ours), goal, reached))
    return rows


def _parts(signal: NDArray[np.int16], rounds: int, figures: dict[str, Figure]) -> Table:
    """Return what each part costs, in the pipeline's steps of 80 ms and in 10 ms blocks."""
    rows = []
    for frames in (1, 8):
        blocks = [signal[i : i + frames * HOP] for i in range(0, signal.size, frames * HOP)]
        blocks = blocks[: signal.size // (frames * HOP)]
        log_mel, activity = LogMel(), VoiceActivity()
        mfcc = Mfcc(FrontEnd(), np.zeros(N_MELS), np.ones(N_MELS), 32.0)
        bands = [log_mel.push(pcm) for pcm in blocks]
        parts: dict[str, Callable[[], object]] = {
            "log-mel": lambda log_mel=log_mel, blocks=blocks: [log_mel.push(pcm) for pcm in blocks],
            "40 MFCC": lambda mfcc=mfcc, bands=bands: [mfcc(b) for b in bands],
            "voice activity": lambda activity=activity, bands=bands: [activity(b) for b in bands],
        }
        times = interleave(parts, rounds, clock=time.process_time)
        for name in parts:
            micros = spread(1e6 * times[name] / len(blocks))
            figures[f"part_{frames * 10}_ms.{name.replace(' ', '_')}_us"] = micros
            rows.append((f"{frames * 10} ms", name, str(micros)))
    return Table("parts of ours, µs per block", ("block", "part", "µs"), tuple(rows))


def _processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(rounds: int, figures: dict[str, Figure]) -> tuple[Table, Table]:
    """Return how long a fresh process takes to its first feature, beside `import numpy`, and its profile."""
    numpy = "import numpy"
    feature = (
        "import numpy as np; from edge_ser.features import FrontEnd, LogMel, Mfcc;"
        f"Mfcc(FrontEnd(n_mfcc={N_MFCC}), np.zeros({N_MFCC}), np.ones({N_MFCC}), 32)"
        f"(LogMel().push(np.zeros({HOP}, np.int16)))"
    )
    root = Path(edge_ser.features.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled; the first call does it here

    def process(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, env=environment)

    candidates = {"first feature": process(feature), "import numpy": process(numpy)}
    times = interleave(candidates, rounds, clock=_processor_seconds_of_children)
    ours = ratio(times, "first feature", "import numpy")
    first, alone = (spread(1e3 * times[name]) for name in candidates)
    figures |= {"start.first_feature_ms": first, "start.import_numpy_ms": alone, "start.first_feature_ratio": ours}
    goal = 1.15
    rows = (
        ("import to first feature", first.median, str(ours), goal,
         "yes" if ours.median <= goal else "no"),
        ("import numpy", alone.median, None, None, None),
    )  # fmt: skip
    table = Table("a fresh process, ms of processor time", ("what", "ms", "ours / it", "goal", "reached"), rows)
    return table, frontend_profile.start(feature, environment, rounds, figures)
