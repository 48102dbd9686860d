"""The machine: processor, governor, temperature, throttling, memory, clock, and whether this is a service.

Files are looked for below `root`, so that another machine's can be looked at.
"""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import edge_ser
from edge_ser.doctor.finding import Finding, unknown

ROOT = Path("/")

GOVERNOR = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
DRIVER = "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"  # Raspberry Pi
DRIVERS_THAT_SCALE = ("intel_pstate", "amd-pstate-epp")  # whose `powersave` goes up to full speed

HOT_CELSIUS = 80.0  # from which a Raspberry Pi slows itself down
PLAUSIBLE_CELSIUS = range(1, 130)  # some sensors give 0 or nonsense
FREE_MEGABYTES = 100.0  # a recogniser takes some 55

_FASTER = "Run `echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor`"
_COOLER = "Fit a heat sink or a fan, and give it air"
_POWER = "Use the power supply made for the board, and a short cable"
_THROTTLED_BITS = ("under-voltage", "frequency capped", "throttled", "close to the temperature limit")
SINCE_START_BIT = 16  # the same four, for what was and is over


def processor(root: Path) -> Finding:
    """Name the board, its cores and its load."""
    name = (_read(root, "proc/device-tree/model") or "").strip("\0 \n")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = (_read(root, "proc/loadavg") or "").split(" ")[0]
    parts = [name, f"{cores} core{'s' if cores > 1 else ''}", f"load {load}" if load else ""]
    return Finding("ok", "processor", ", ".join(part for part in parts if part))


def governor(root: Path) -> Finding:
    """Say whether the processor may go to full speed."""
    name = (_read(root, GOVERNOR) or "").strip()
    driver = (_read(root, DRIVER) or "").strip()
    if not name:
        return unknown("governor")
    if name == "powersave" and driver not in DRIVERS_THAT_SCALE:
        return Finding("warn", "governor", f"{name}: the processor stays at its lowest speed", _FASTER)
    return Finding("ok", "governor", name)


def temperature(root: Path) -> Finding:
    """Say how hot the hottest sensor is."""
    measured = []
    for sensor in (root / "sys/class/thermal").glob("thermal_zone*/temp"):
        with suppress(OSError, ValueError):
            measured.append(int(sensor.read_text()) / 1000)
    plausible = [celsius for celsius in measured if int(celsius) in PLAUSIBLE_CELSIUS]
    if not plausible:
        return unknown("temperature")
    celsius = max(plausible)
    if celsius >= HOT_CELSIUS:
        return Finding("warn", "temperature", f"{celsius:.0f} C: from 80 C on a Raspberry Pi slows down", _COOLER)
    return Finding("ok", "temperature", f"{celsius:.0f} C")


def throttling(root: Path) -> Finding:
    """Say whether a Raspberry Pi slows itself down, or has since it was started, and why."""
    text = _read(root, THROTTLED) or (_vcgencmd() if root == ROOT else None)
    try:
        flags = int((text or "").strip().split("=")[-1], 16)
    except ValueError:
        return unknown("throttling")
    now, before = (_named(flags >> shift) for shift in (0, SINCE_START_BIT))
    parts = [f"{when}: {', '.join(what)}" for when, what in (("now", now), ("since it was started", before)) if what]
    if not parts:
        return Finding("ok", "throttling", "none since it was started")
    cure = _POWER if _THROTTLED_BITS[0] in now + before else _COOLER
    return Finding("warn", "throttling", "; ".join(parts), cure)


def memory(root: Path) -> Finding:
    """Say how much memory is free for a recogniser."""
    lines = dict(line.split(":", 1) for line in (_read(root, "proc/meminfo") or "").splitlines() if ":" in line)
    try:
        free, total = (int(lines[key].split()[0]) * 1024 / 1e6 for key in ("MemAvailable", "MemTotal"))
    except (KeyError, ValueError):
        return unknown("memory")
    found = f"{free:.0f} of {total:.0f} MB free"
    if free < FREE_MEGABYTES:
        return Finding("warn", "memory", found, "End what takes it: `ps aux --sort=-rss | head` shows it")
    return Finding("ok", "memory", found)


def clock(now: float | None = None) -> Finding:
    """Say whether the clock is set: it cannot be earlier than the files of this program."""
    now = time.time() if now is None else now
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if now < Path(edge_ser.__file__).stat().st_mtime:
        found = f"{shown}: it is not set; the times that others write beside events will be wrong"
        return Finding("warn", "clock", found, "Run `sudo timedatectl set-ntp true`, or fit a real-time clock")
    return Finding("ok", "clock", shown)


def service(root: Path, environment: Mapping[str, str]) -> Finding:
    """Say whether this runs in a systemd service, which has no sound server but its own."""
    groups = (_read(root, "proc/self/cgroup") or "").split()
    units = [Path(group).name for group in groups if group.endswith(".service")]
    if not units:
        return Finding("ok", "service", "not run by one")
    found = f"run by {units[0]} as {_user()}"
    if "XDG_RUNTIME_DIR" not in environment:
        cure = (
            "Name a card with `--device` and put `SupplementaryGroups=audio` into the unit, "
            "or make it a unit of the user, `systemctl --user`"
        )
        return Finding("warn", "service", f"{found}, without XDG_RUNTIME_DIR: it reaches no sound server", cure)
    return Finding("ok", "service", found)


def _read(root: Path, path: str) -> str | None:
    try:
        return (root / path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _vcgencmd() -> str | None:
    if not shutil.which("vcgencmd"):
        return None
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5).stdout
    return None


def _named(flags: int) -> list[str]:
    return [name for bit, name in enumerate(_THROTTLED_BITS) if flags >> bit & 1]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name
        return f"user {os.getuid()}"
