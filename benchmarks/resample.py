"""What it costs to bring sample rates to 16 kHz, beside soxr; why soxr is used for odd rates, such as 44101 Hz, alone.

Blocks of 100 ms of white noise. soxr is asked for its HQ: in int16, of which a stream is made, and in float32, which is
faster and alone gives the same samples for every cutting of a stream, without the conversions that it would need.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Cell, Report, Table, interleave, ratio, spread
from edge_ser.capture.resample import Resampler
from edge_ser.settings import SAMPLE_RATE

RATES = (8000, 11025, 22050, 24000, 32000, 44100, 48000, 96000, 44101)  # Hz; ours interpolates the last
BLOCK_SECONDS = 0.1
SECONDS = 5  # of signal in each turn
ROUNDS, QUICK_ROUNDS = 40, 3
SOXR_DTYPES = ("int16", "float32")
OURS = "edge-ser"

Pcm = NDArray[np.int16]


def run(quick: bool = False) -> Report:
    """Measure every rate and return the report."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    figures: dict[str, float] = {}
    rows: list[tuple[Cell, ...]] = []
    soxr = _soxr()
    for rate in RATES:
        signal = white(rate)
        size = round(rate * BLOCK_SECONDS)
        blocks = [signal[i : i + size] for i in range(0, len(signal) - size + 1, size)]
        times = interleave(_candidates(soxr, rate, blocks), rounds, clock=time.process_time)
        row: list[Cell] = [f"{rate} Hz"]
        for name, seconds in times.items():
            micros = 1e6 * spread(seconds).median / len(blocks)
            figures[f"{rate}.{name.replace(' ', '_')}_us"] = micros
            row.append(micros)
        for name in list(times)[1:]:
            against = ratio(times, OURS, name)
            figures[f"{rate}.{name.replace(' ', '_')}_ratio"] = against.median
            row.append(str(against))
        rows.append(tuple(row))
    rivals = [] if soxr is None else [f"soxr {dtype}" for dtype in SOXR_DTYPES]
    columns = ("source", OURS, *rivals, *(f"ours / {name}" for name in rivals))
    tables = [Table(f"To {SAMPLE_RATE // 1000} kHz, µs for 100 ms, one core", columns, tuple(rows))]
    if soxr is None:
        return Report("resample", tuple(tables), figures, ("soxr is not installed: pip install soxr",))
    tables.append(_cuttings(soxr))
    return Report("resample", tuple(tables), figures)


def white(rate: int) -> Pcm:
    """Return white noise (n,) at -15 dBFS."""
    samples = np.random.default_rng(0).standard_normal(rate * SECONDS) * 32768 * 10 ** (-15 / 20)
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def differing_samples(resample: Callable[[list[Pcm]], NDArray[Any]], signal: Pcm, size: int) -> int:
    """Return how many output samples change where a signal comes in blocks of `size` and not at once."""
    whole = resample([signal])
    cut = resample([signal[i : i + size] for i in range(0, len(signal), size)])
    if len(whole) != len(cut):
        return max(len(whole), len(cut))
    return int(np.count_nonzero(whole != cut))


def _soxr() -> Any:
    try:
        import soxr
    except ImportError:
        return None
    return soxr


def _candidates(soxr: Any, rate: int, blocks: list[Pcm]) -> Mapping[str, Callable[[], object]]:
    ours = Resampler(rate, allow_soxr=False)
    found: dict[str, Callable[[], object]] = {OURS: lambda: [ours.push(block) for block in blocks]}
    for dtype in SOXR_DTYPES if soxr else ():
        stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype=dtype, quality="HQ")
        ready = [block.astype(dtype) for block in blocks]
        found[f"soxr {dtype}"] = lambda stream=stream, ready=ready: [stream.resample_chunk(block) for block in ready]
    return found


def _cuttings(soxr: Any) -> Table:
    """Return how many samples depend on how a stream was cut."""

    def ours(blocks: list[Pcm]) -> Pcm:
        resampler = Resampler(rate, allow_soxr=False)
        return np.concatenate([*map(resampler.push, blocks), resampler.flush()])

    def theirs(blocks: list[Pcm], dtype: str) -> NDArray[Any]:
        stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype=dtype, quality="HQ")
        pieces = [stream.resample_chunk(block.astype(dtype)) for block in blocks]
        return np.concatenate([*pieces, stream.resample_chunk(np.zeros(0, dtype), last=True)])

    rate = 44100
    signal = white(rate)
    candidates: dict[str, Callable[[list[Pcm]], NDArray[Any]]] = {OURS: ours}
    for dtype in SOXR_DTYPES:
        candidates[f"soxr {dtype}"] = lambda blocks, dtype=dtype: theirs(blocks, dtype)
    rows = tuple(
        (name, *(differing_samples(resample, signal, round(rate * ms / 1000)) for ms in (10, 20, 100)))
        for name, resample in candidates.items()
    )
    title = f"From 44.1 kHz, samples of {SECONDS * SAMPLE_RATE} that differ from those of the uncut stream"
    return Table(title, ("resampler", "blocks of 10 ms", "20 ms", "100 ms"), rows)
