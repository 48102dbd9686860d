"""What making a model costs: hours of audio a minute from WAV to features, and the smoke recipe stage by stage."""

from __future__ import annotations

import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from benchmarks import processes
from benchmarks.report import Cell, Figure, Report, Table, interleave, spread
from edge_ser.capture.source import open_source
from edge_ser.features import LogMel
from edge_ser.recordings import DEMO
from edge_ser.segmenter import to_int8
from edge_ser.settings import SAMPLE_RATE
from edge_ser.student.model_file import ModelFile

ROUNDS, QUICK_ROUNDS = 20, 2
FILE_SECONDS = 60.0
SECONDS_PER_MINUTE, SECONDS_PER_HOUR = 60, 3600


def run(quick: bool = False) -> Report:
    """Turn WAV into features; run the smoke recipe unless it must be quick."""
    figures: dict[str, Figure] = {}
    notes: list[str] = []
    tables = [_features(QUICK_ROUNDS if quick else ROUNDS, figures)]
    if quick:
        notes.append("a quick run leaves the smoke recipe out")
    else:
        tables.append(_smoke(figures))
    return Report("toolchain", tuple(tables), figures, tuple(notes))


def _features(rounds: int, figures: dict[str, Figure]) -> Table:
    """Return how much audio a minute turns into the features that training takes."""
    spec = ModelFile.load_bundled().metadata.features
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        _write_wav(path)

        def features() -> None:
            with open_source(path) as source:
                pcm = np.concatenate([block.samples for block in iter(source.read, None)])
            frames = LogMel(spec.extras).push(pcm)
            encode = to_int8(spec)
            for first in range(0, len(frames), spec.frames_per_step):
                encode(frames[first : first + spec.frames_per_step])

        times = interleave({"features": features}, rounds, clock=time.process_time)["features"]
    hours = spread(FILE_SECONDS / SECONDS_PER_HOUR / times * SECONDS_PER_MINUTE)
    figures["wav_to_features_hours_per_minute"] = hours
    rows: list[tuple[Cell, ...]] = [("WAV to int8 features, hours of audio a minute", str(hours))]
    return Table("From WAV to features, one core, median (quartiles)", ("what", "found"), tuple(rows))


def _write_wav(path: Path) -> None:
    """Write the recording that comes with edge-ser again and again, a minute long."""
    with open_source(DEMO) as source:
        pcm = np.concatenate([block.samples for block in iter(source.read, None)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.resize(pcm, round(FILE_SECONDS * SAMPLE_RATE)).astype("<i2").tobytes())


def _smoke(figures: dict[str, Figure]) -> Table:
    """Return what each stage of the smoke recipe took, and the most memory, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="edge-ser-bench-") as folder:
        began = time.monotonic()
        processes.python("-m", "convert.cli", "run", "smoke", "--out", folder, CUDA_VISIBLE_DEVICES="")
        seconds = time.monotonic() - began
        done = sorted(Path(folder).glob("*/done"), key=lambda path: path.stat().st_mtime)
        stages = [(path.parent.name.rpartition("-")[0], float(path.read_text().split()[0])) for path in done]
    memory = processes.children_memory_mb()
    rows: list[tuple[Cell, ...]] = [*stages, ("start, data and all else", seconds - sum(took for _, took in stages))]
    rows += [("all", seconds), ("most memory of a process, MB", memory)]
    figures |= {f"smoke_{name.replace('-', '_')}_s": took for name, took in stages}
    figures |= {"smoke_s": seconds, "smoke_memory_mb": memory}
    return Table("The smoke recipe, from synthetic speech to a verified file, s", ("stage", "s"), tuple(rows))
