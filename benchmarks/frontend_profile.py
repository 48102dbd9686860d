"""Where the front end's time goes: operations of a log-mel frame and of a pitch frame, and each module of a start."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.report import Figure, Table, interleave, spread
from edge_ser.features import LogMel, pitch
from edge_ser.features import tables as t

CALLS = 200  # of an operation in each turn
LEAST_MS = 0.1  # of a module that is worth a line
IMPORT = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


def operations(frames: int, rounds: int, figures: dict[str, Figure]) -> Table:
    """Return what each NumPy call of so many log-mel frames costs a frame, and all: what they leave is Python's."""
    tables = t.load_tables()
    pcm, ring = np.ones(160 * frames, np.int16), np.ones(160 * frames)
    window, lanes = np.ones((t.LANES, t.TAPS, frames)), np.zeros((t.LANES, 2 * t.COLUMNS, frames))
    spectrum = np.zeros((2, t.BINS, frames))
    stage_1, mel = tables.stage_1.transpose(0, 2, 1), np.asfortranarray(tables.mel) if frames == 1 else tables.mel
    second_in = np.zeros((2 * t.LANES, t.COLUMNS * frames))
    second_out = np.zeros((2 * t.ROWS, t.COLUMNS * frames))
    power, imaginary = spectrum
    by_bin, bands = power.T, np.ones((frames, t.N_MELS))
    index, shift, bits = np.zeros((frames, t.N_MELS), np.intp), np.array(42), bands.view(np.int64)
    stream = LogMel()
    calls: Mapping[str, Callable[[], object]] = {
        "samples to float64": lambda: np.copyto(ring, pcm),
        "window laid out": lambda: np.copyto(window, window),
        "window, 32-point DFT, twiddle": lambda: np.matmul(stage_1, window, lanes),
        "round": lambda: np.rint(lanes, lanes),
        "16-point DFT": lambda: tables.stage_2.dot(second_in, second_out),
        "square": lambda: np.square(spectrum, spectrum),
        "add": lambda: np.add(power, imaginary, power),
        "round power": lambda: np.rint(power, power),
        "mel bands": lambda: by_bin.dot(mel, bands),
        "bits of the logarithm": lambda: np.right_shift(bits, shift, index, casting="unsafe"),
        "logarithm": lambda: tables.log.take(index, None, None, "clip"),
    }
    whole = "whole frame, with the Python between"
    calls_each = max(1, CALLS // frames)
    times = interleave({**calls, whole: lambda: stream.push(pcm)}, rounds, calls_each, clock=time.process_time)
    rows = [(name, str(spread(1e6 / frames * times[name]))) for name in (*calls, whole)]
    name = f"profile.{frames}_frames"
    figures[f"{name}.operations_us"] = 1e6 / frames * sum(spread(times[call]).median for call in calls)
    figures[f"{name}.frame_us"] = 1e6 / frames * spread(times[whole]).median
    title = "one log-mel frame in 10 ms blocks, µs" if frames == 1 else f"{frames} log-mel frames at once, µs per frame"
    return Table(f"profile of {title}", ("operation", "µs"), tuple(rows))


def pitch_operations(rounds: int, figures: dict[str, Figure]) -> Table:
    """Return what the dearest NumPy calls of one pitch frame cost, and the frame, which has as many small ones."""
    pcm, frame, window = np.arange(160, dtype=np.int16), np.arange(float(pitch.FRAME)), np.ones(pitch.WINDOW)
    lags, lag = np.ones(pitch.LONGEST), np.arange(1.0, pitch.LONGEST + 1)
    decimation = pitch.half_band()
    groups = np.ones((len(pcm) // (2 * pitch.GROUP), len(decimation)))
    stream = pitch.Pitch()
    calls: Mapping[str, Callable[[], object]] = {
        "16 to 8 kHz": lambda: groups.dot(decimation),
        "products at all lags": lambda: np.correlate(frame, window),
        "energies at all lags": lambda: np.add.accumulate(lags),
        "running mean over lags": lambda: np.add.accumulate(lags),
        "times lag": lambda: np.multiply(lags, lag),
        "quotient": lambda: np.divide(lags, lag),
    }
    whole = "whole frame, with small operations and the Python between"
    times = interleave({**calls, whole: lambda: stream(pcm)}, rounds, CALLS, clock=time.process_time)
    rows = [(name, str(spread(1e6 * times[name]))) for name in (*calls, whole)]
    figures["profile.pitch_frame_us"] = 1e6 * spread(times[whole]).median
    return Table("profile of one pitch frame in 10 ms blocks, µs", ("operation", "µs"), tuple(rows))


def start(code: str, environment: Mapping[str, str], rounds: int, figures: dict[str, Figure]) -> Table:
    """Return what importing the front end adds to `import numpy`, module by module, and what making it costs.

    Parameters
    ----------
    code : str
        A program that imports NumPy and goes on to the first feature.
    environment : mapping
        Its environment variables.
    rounds : int
        Programs that are run.
    figures : dict
        Gets the sums.
    """
    took: dict[str, list[float]] = {}
    for _ in range(rounds):
        timed = f"import time, numpy; began = time.process_time(); {code}; print(1e6 * (time.process_time() - began))"
        command = [sys.executable, "-X", "importtime", "-c", timed]
        ran = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        after_numpy = ran.stderr.split("| numpy\n")[-1]
        modules = {name: float(micros) for micros, name in IMPORT.findall(after_numpy)}
        for name, micros in {**modules, "all, with what is computed": float(ran.stdout)}.items():
            took.setdefault(name, []).append(micros / 1e3)
    medians = {name: spread(each).median for name, each in took.items()}
    figures["profile.start_ms"] = medians["all, with what is computed"]
    rows = sorted(((name, ms) for name, ms in medians.items() if ms >= LEAST_MS), key=lambda row: row[1])
    return Table("profile of a start behind `import numpy`, ms", ("module, without what it imports", "ms"), tuple(rows))
