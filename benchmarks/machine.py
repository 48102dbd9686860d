"""The machine that measured: what a figure means nothing without, and whether it kept its speed meanwhile."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

Fact = str | int | float | None
"""None where the machine does not tell."""

PACKAGES = ("edge-ser", "ai-edge-litert", "tflite-runtime", "tensorflow")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
TEMPERATURES = Path("/sys/class/thermal")
PI_THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
THROTTLING = {
    0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit",
    16: "under-voltage has occurred", 17: "frequency capping has occurred", 18: "throttling has occurred",
    19: "soft temperature limit has occurred",
}  # fmt: skip
"""Bits of a Raspberry Pi's `vcgencmd get_throttled`."""

KHZ_PER_MHZ, MILLI, MB = 1000, 1000, 1e6
SPEED_SECONDS = 0.05  # of the loop that tells this machine's speed from one run to the next


def machine_facts() -> dict[str, Fact]:
    """Return processor, operating system, versions and what may slow the machine down."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_mb": _memory_mb(),
        "governor": _read(GOVERNOR),
        "frequency_mhz": _scaled(_read(FREQUENCY), KHZ_PER_MHZ),
        "throttling": throttling(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        **{name: _version(name) for name in PACKAGES},
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS"),
        "blas_kernel": os.environ.get("OPENBLAS_CORETYPE"),
        "load_average": load_average(),
        "date": time.strftime("%Y-%m-%d"),
    }


def state() -> dict[str, Fact]:
    """Return what may change while something is measured."""
    return {"temperature_c": temperature(), "load": load_average(), "loop_us": loop_us()}


def before_and_after(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return two states as facts of one report."""
    return {
        f"{name}_{when}": value
        for when, found in (("before", before), ("after", after))
        for name, value in found.items()
    }


def loop_us() -> float:
    """Return the least time of a small loop of Python and NumPy: compare runs with it, and before with after."""
    square = np.arange(64.0 * 64).reshape(64, 64)
    best, end = float("inf"), time.perf_counter() + SPEED_SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(10):
            square.dot(square)
        best = min(best, time.perf_counter() - start)
    return round(best * 1e6, 2)


def processor() -> str:
    """Return the processor's name as the kernel tells it; boards say `Model`, PCs `model name`."""
    lines = (_read(Path("/proc/cpuinfo")) or "").splitlines()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return facts.get("Model") or facts.get("model name") or platform.processor()


def temperature() -> float | None:
    """Return the hottest thermal zone, in degrees Celsius."""
    zones = [_scaled(_read(zone), MILLI) for zone in TEMPERATURES.glob("thermal_zone*/temp")]
    return max((zone for zone in zones if zone is not None), default=None)


def throttling() -> str | None:
    """Return what a Raspberry Pi says has slowed it down since it was started; None on other machines."""
    bits = _read(PI_THROTTLED) or vcgencmd("get_throttled")
    return None if bits is None else throttling_of(bits)


def throttling_of(bits: str) -> str:
    """Name the bits of `vcgencmd get_throttled`.

    Examples
    --------
    >>> throttling_of("throttled=0x50005")
    'under-voltage, throttled, under-voltage has occurred, throttling has occurred'
    >>> throttling_of("0")
    'none'
    """
    value = int(bits.rpartition("=")[2], 16)
    return ", ".join(name for bit, name in THROTTLING.items() if value >> bit & 1) or "none"


def vcgencmd(*arguments: str) -> str | None:
    """Return what the Raspberry Pi's firmware answers; None where there is none."""
    if shutil.which("vcgencmd") is None:
        return None
    done = subprocess.run(["vcgencmd", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def load_average() -> float | None:
    """Return how many processes wanted to run in the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _scaled(value: str | None, unit: int) -> float | None:
    return round(int(value) / unit, 1) if value else None


def _memory_mb() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MB)
    except (AttributeError, ValueError, OSError):
        return None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
