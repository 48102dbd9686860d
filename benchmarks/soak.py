"""Whether it can run for days: audio as a microphone gives it, from the callback's ring to the last event, speeded up.

A thread stands for the callback. It writes 20 ms at a time and waits only where the ring is full, so that nothing
need be lost; in the part with overruns it does not wait, and what is lost must be counted to the sample. Every sample
that is read is compared with the one that was written at its place in the stream.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Cell, Report, Table
from benchmarks.soak_material import Loop, material, to_48_khz
from benchmarks.student import working_backends
from edge_ser.capture.microphone import RING_SECONDS
from edge_ser.capture.ring import Ring
from edge_ser.capture.source import LIVE_BLOCK_SECONDS, Block, Source
from edge_ser.errors import SettingsError
from edge_ser.recognizer import Recognizer
from edge_ser.settings import SAMPLE_RATE
from edge_ser.student.backend import PACKAGES

HOURS = 24.0
QUICK_HOURS = 0.05
OTHER_PARTS = 24  # the 48 kHz part and the one with overruns are this much shorter than the day
HIGH_RATE = 48_000  # Hz, of the part that is resampled
HIGH_RATE_SECONDS = 120  # of the loop that are heard at that rate

OVERRUN_EVERY, OVERRUN_SECONDS = 60.0, 10.0  # the last seconds of each minute come at once
WAIT_SECONDS = 0.001  # of a writer that finds the ring full
SILENT_WRITER_SECONDS = 60.0  # after which it must have died

MEMORY_SAMPLES = 48  # of a part, or less: they are at least so many seconds of audio apart
MEMORY_APART_SECONDS = 10.0
MEMORY_ROWS = 8  # of the table
WARM_UP_SAMPLES = 2  # of the first day, after which memory should stay what it is
GROWTH_GOAL_MB = 1.0
PROGRESS_SECONDS = 5.0
MB = 1e6
PART_COLUMNS = ("part", "h", "samples written", "lost", "unaccounted", "overflows", "events", "with gap", "x real time")
STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Part:
    """What went into the ring in one part of the soak, and what came out at the other end."""

    name: str
    sample_rate: int  # Hz
    written: int
    """Samples that the writer wrote."""

    read: int
    lost: int
    """Samples that the ring says it lost."""

    altered: int
    """Samples that are not what was written at their place."""

    overflows: int
    events: int
    gaps: int
    """Events with the flag."""

    end_seconds: float
    """Time of the last event."""

    digest: str
    """SHA-256 of all events."""

    wall_seconds: float
    memory_mb: tuple[float, ...]
    """Resident, through the part; empty where it cannot be known."""

    @property
    def unaccounted(self) -> int:
        """Samples missing, doubled or altered between the writer and the last event."""
        expected = round(self.written * SAMPLE_RATE / self.sample_rate)
        missing_events = abs(round(self.end_seconds * SAMPLE_RATE) - expected)
        return abs(self.written - self.read - self.lost) + self.altered + missing_events


def run(quick: bool = False, hours: float = HOURS, corpora: Path | None = None) -> Report:
    """Run the parts one after the other, through one recogniser.

    Parameters
    ----------
    quick : bool
        Some minutes of audio.
    hours : float
        Of audio in the day, which is then repeated.
    corpora : Path, optional
        Folder of real recordings.
    """
    if not 0 < hours < float("inf"):
        raise SettingsError(f"hours is {hours}", "Give a positive number of hours of audio")
    hours = min(hours, QUICK_HOURS) if quick else hours
    samples, described = material(corpora)
    day = _loop(samples, SAMPLE_RATE)
    high = _loop(to_48_khz(samples[: HIGH_RATE_SECONDS * SAMPLE_RATE]), HIGH_RATE)
    seconds, short = hours * 3600, max(OVERRUN_EVERY, hours * 3600 / OTHER_PARTS)
    with Recognizer() as recognizer:
        parts = [
            _run_part("day", recognizer, day, SAMPLE_RATE, seconds),
            _run_part("the day again", recognizer, day, SAMPLE_RATE, seconds),
            _run_part("48 kHz", recognizer, high, HIGH_RATE, short),
            _run_part("overruns", recognizer, day, SAMPLE_RATE, short, overruns=True),
        ]
        runtime = PACKAGES[working_backends(recognizer.model)[0]]
    return report_of(parts, hours, (f"on {runtime}; {described}",))


def _loop(samples: NDArray[np.int16], sample_rate: int) -> Loop:
    return Loop(samples, round(sample_rate * LIVE_BLOCK_SECONDS))


class RingSource(Source):
    """The program's side of the ring, as a microphone's is, which checks and counts what comes."""

    def __init__(self, ring: Ring, loop: Loop, sample_rate: int) -> None:
        self.name = "soak"
        self.sample_rate = sample_rate
        self.samples = self.lost = self.altered = 0
        self._ring, self._loop = ring, loop
        self._capacity = ring.stats().capacity

    def read(self) -> Block | None:
        """Wait for audio and return all there is; None at the end."""
        samples, lost = self._ring.read(self._capacity, SILENT_WRITER_SECONDS)
        self.lost += lost
        self.altered += self._loop.differs(samples, self.samples + self.lost)
        self.samples += len(samples)
        return Block(samples, lost) if len(samples) else None

    def close(self) -> None:
        """Nothing to let go of."""


class _Memory:
    """Watches the resident memory while a part runs, and says how far it is."""

    def __init__(self, name: str, seconds: float) -> None:
        self.mb: list[float] = []
        self._name, self._seconds = name, seconds
        self._apart = max(seconds / MEMORY_SAMPLES, MEMORY_APART_SECONDS)
        self._began = self._told = time.monotonic()

    def look(self, heard_seconds: float) -> None:
        """Take a sample where it is time for one."""
        if heard_seconds < self._apart * (len(self.mb) + 1):
            return
        gc.collect()
        self.mb.append(_resident_mb())
        now = time.monotonic()
        if now - self._told > PROGRESS_SECONDS:
            self._told = now
            speed = heard_seconds / (now - self._began)
            done = f"{heard_seconds / 3600:.2f} of {self._seconds / 3600:.2f} h"
            print(f"{self._name}: {done}, {speed:.0f} x real time, {self.mb[-1]:.2f} MB", file=sys.stderr, flush=True)


def _run_part(
    name: str, recognizer: Recognizer, loop: Loop, sample_rate: int, seconds: float, overruns: bool = False
) -> Part:
    ring = Ring(round(sample_rate * RING_SECONDS))
    source = RingSource(ring, loop, sample_rate)
    total = round(seconds * sample_rate)
    writer = threading.Thread(target=_write, args=(ring, loop, total, sample_rate if overruns else 0), daemon=True)
    memory = _Memory(name, seconds)
    digest, events, gaps, end_seconds = hashlib.sha256(), 0, 0, 0.0
    began = time.monotonic()
    writer.start()
    for event in recognizer.listen(source):
        digest.update(repr(event).encode())
        events += 1
        gaps += event.flags.gap
        end_seconds = event.time
        memory.look(end_seconds)
    writer.join()
    return Part(
        name=name,
        sample_rate=sample_rate,
        written=total,
        read=source.samples,
        lost=source.lost,
        altered=source.altered,
        overflows=ring.stats().overflows,
        events=events,
        gaps=gaps,
        end_seconds=end_seconds,
        digest=digest.hexdigest(),
        wall_seconds=time.monotonic() - began,
        memory_mb=tuple(memory.mb) if STATM.is_file() else (),
    )


def _write(ring: Ring, loop: Loop, total: int, overrun_rate: int) -> None:
    """Write the stream as the callback does; where `overrun_rate` (Hz) is not 0, parts of it without waiting."""
    capacity = ring.stats().capacity
    every, calm = round(OVERRUN_EVERY * overrun_rate), round((OVERRUN_EVERY - OVERRUN_SECONDS) * overrun_rate)
    position = 0
    while position < total:
        block = loop.at(position, total - position)
        waits = not every or position % every < calm
        while waits and ring.stats().depth + len(block) > capacity:
            time.sleep(WAIT_SECONDS)
        ring.write(block)
        position += len(block)
    ring.close()


def _resident_mb() -> float:
    """Return this process's resident memory; 0 where the system does not tell."""
    if not STATM.is_file():
        return 0.0
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MB


def report_of(parts: Sequence[Part], hours: float, notes: tuple[str, ...]) -> Report:
    """Judge the day, the day again, the part at 48 kHz and the one with overruns."""
    day, again, high, overrun = parts
    figures: dict[str, float] = {"hours_h": hours}
    for part in parts:
        key = re.sub("[^a-z0-9]+", "_", part.name.lower())
        figures |= {
            f"{key}_written_samples": part.written,
            f"{key}_lost_samples": part.lost,
            f"{key}_unaccounted_samples": part.unaccounted,
            f"{key}_overflows_count": part.overflows,
            f"{key}_gap_events_count": part.gaps,
            f"{key}_events_count": part.events,
            f"{key}_real_time_ratio": part.end_seconds / part.wall_seconds,
        }
    figures["decisions_differ_count"] = int(day.digest != again.digest)
    goals = [
        ("samples unaccounted for, all parts", sum(part.unaccounted for part in parts), "0"),
        ("samples lost where there is time", day.lost + again.lost + high.lost, "0"),
        ("days whose decisions differ from the first's", figures["decisions_differ_count"], "0"),
    ]
    rows = [(*goal, "no" if goal[1] else "yes") for goal in goals]
    rows.append(("overruns that were provoked and counted", overrun.overflows, "> 0", _yes(overrun.overflows > 0)))
    series = (*day.memory_mb[WARM_UP_SAMPLES:], *again.memory_mb)
    if series:
        growth = max(series) - series[0]
        figures |= {"memory_growth_mb": growth, "memory_mb": series[-1]}
        met = _yes(growth < GROWTH_GOAL_MB)
        rows.append(("growth of resident memory at its greatest, MB", growth, f"< {GROWTH_GOAL_MB:g}", met))
    else:
        notes = (*notes, "memory is not measured: the day is too short, or /proc is missing, which only Linux has")
    notes = (*notes, f"SHA-256 of the day's events {day.digest[:16]}, of the repeated day's {again.digest[:16]}")
    title = f"A soak of {hours:g} h of audio, heard twice"
    tables = (
        Table(title, ("what", "found", "goal", "reached"), tuple(rows)),
        Table("By part", PART_COLUMNS, tuple(_row(part) for part in parts)),
        _memory_table(day, again, hours),
    )
    return Report("soak", tables, figures, notes)


def _row(part: Part) -> tuple[Cell, ...]:
    speed = part.end_seconds / part.wall_seconds
    counts = (part.written, part.lost, part.unaccounted, part.overflows, part.events, part.gaps)
    return (part.name, part.end_seconds / 3600, *counts, round(speed))


def _memory_table(day: Part, again: Part, hours: float) -> Table:
    pairs = list(zip(day.memory_mb, again.memory_mb, strict=False))
    every = max(1, len(pairs) // MEMORY_ROWS)
    rows = tuple(
        (f"{hours * (i + 1) / len(pairs):.3g}", f"{pairs[i][0]:.2f}", f"{pairs[i][1]:.2f}")
        for i in range(every - 1, len(pairs), every)
    )
    return Table("Resident memory, MB", ("after h", day.name, again.name), rows)


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"
