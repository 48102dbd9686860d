"""What an hour of listening costs in energy, where the machine counts it, and in processor time everywhere.

A file is listened to in real time, as a microphone is: between the steps the processor sleeps and its caches are other
programs', which a file at full speed would not show.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.machine import vcgencmd
from benchmarks.report import Cell, Figure, Report, Table
from edge_ser.capture.source import Block, Source, open_source
from edge_ser.recognizer import Recognizer
from edge_ser.recordings import DEMO

SECONDS, QUICK_SECONDS = 30.0, 2.0
SECONDS_PER_HOUR = 3600
PMIC_SECONDS = 0.2  # between two looks at a Pi's power controller
RAPL = Path("/sys/class/powercap")
MICRO = 1e6
PMIC_CURRENT = re.compile(r"(\w+)_A current\(\d+\)=([\d.]+)A")
PMIC_VOLTAGE = re.compile(r"(\w+)_V volt\(\d+\)=([\d.]+)V")

Meter = Callable[[Callable[[], object]], float]
"""Runs an action and returns the joules that the machine spent meanwhile."""


class Paced(Source):
    """The recording that comes with edge-ser, again and again, as fast as it is spoken."""

    def __init__(self, seconds: float) -> None:
        self.name = "paced"
        with open_source(DEMO) as source:
            self.sample_rate = source.sample_rate
            self._blocks = list(iter(source.read, None))
        self._end = time.monotonic() + seconds
        self._due = time.monotonic()
        self._next = 0

    def read(self) -> Block | None:
        """Wait until the next block has been spoken."""
        block = self._blocks[self._next % len(self._blocks)]
        self._next += 1
        self._due += len(block.samples) / self.sample_rate
        if self._due > self._end:
            return None
        time.sleep(max(0.0, self._due - time.monotonic()))
        return block

    def close(self) -> None:
        """Nothing to let go of."""


def run(quick: bool = False) -> Report:
    """Listen for half a minute."""
    seconds = QUICK_SECONDS if quick else SECONDS
    meter = energy_meter()
    with Recognizer() as recognizer:
        recognizer.recognize(str(DEMO))
        idle = None if meter is None else meter(lambda: time.sleep(seconds))
        began, worked = time.monotonic(), time.process_time()

        def listen() -> None:
            for _ in recognizer.listen(Paced(seconds)):
                pass

        listening = listen() if meter is None else meter(listen)
        heard, worked = time.monotonic() - began, time.process_time() - worked
    hour = worked / heard * SECONDS_PER_HOUR
    figures: dict[str, Figure] = {"processor_seconds_per_hour": hour, "busy_ratio": worked / heard}
    rows: list[tuple[Cell, ...]] = [
        ("processor time an hour of listening, s", hour),
        ("busy, % of one core", 100 * worked / heard),
    ]
    notes: tuple[str, ...] = (f"listened to speech for {seconds:g} s in real time",)
    if idle is None or listening is None:
        notes = (*notes, "this machine counts no joules: what is given is processor time, which is no energy")
    else:
        more = (listening - idle) / heard * SECONDS_PER_HOUR
        figures |= {"joules_per_hour": more, "idle_watts": idle / seconds}
        rows += [("joules an hour of listening, above idle", more), ("idle, W", idle / seconds)]
        notes = (*notes, "joules are those of the whole processor or board, above the same time idle")
    return Report("energy", (Table("An hour of listening", ("what", "found"), tuple(rows)),), figures, notes)


def energy_meter() -> Meter | None:
    """Return what measures the joules of an action, by RAPL or by a Pi's power controller; None where neither is."""
    if packages := [_Rapl(zone) for zone in sorted(RAPL.glob("intel-rapl:?")) if _Rapl.may_read(zone)]:
        return lambda action: _counted(packages, action)
    return None if pmic_watts() is None else _sampled


class _Rapl:
    """The energy counter of one processor package, which begins again at its end."""

    def __init__(self, zone: Path) -> None:
        self._counter = zone / "energy_uj"
        self._range = int((zone / "max_energy_range_uj").read_text())

    @staticmethod
    def may_read(zone: Path) -> bool:
        """Say whether the kernel lets this user read it."""
        return os.access(zone / "energy_uj", os.R_OK) and os.access(zone / "max_energy_range_uj", os.R_OK)

    def read(self) -> int:
        return int(self._counter.read_text())

    def joules_since(self, before: int) -> float:
        return (self.read() - before) % self._range / MICRO


def _counted(packages: Sequence[_Rapl], action: Callable[[], object]) -> float:
    before = [package.read() for package in packages]
    action()
    return sum(package.joules_since(start) for package, start in zip(packages, before, strict=True))


def _sampled(action: Callable[[], object]) -> float:
    """Return the joules of an action as the mean of the power that the controller tells meanwhile."""
    watts: list[float] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(PMIC_SECONDS):
            watts.append(pmic_watts() or 0.0)

    sampler = threading.Thread(target=sample, daemon=True)
    began = time.monotonic()
    sampler.start()
    action()
    done.set()
    sampler.join()
    return (time.monotonic() - began) * sum(watts) / max(1, len(watts))


def pmic_watts() -> float | None:
    """Return what a Raspberry Pi 5's power controller delivers now; None on other machines."""
    told = vcgencmd("pmic_read_adc")
    return None if told is None else watts_of(told)


def watts_of(told: str) -> float | None:
    r"""Return the sum over the rails of what `vcgencmd pmic_read_adc` prints.

    Examples
    --------
    >>> watts_of("VDD_CORE_A current(7)=2.00000000A\nVDD_CORE_V volt(15)=0.75000000V")
    1.5
    """
    amperes = {name: float(value) for name, value in PMIC_CURRENT.findall(told)}
    volts: Mapping[str, float] = {name: float(value) for name, value in PMIC_VOLTAGE.findall(told)}
    rails = amperes.keys() & volts.keys()
    return sum(amperes[rail] * volts[rail] for rail in rails) if rails else None
