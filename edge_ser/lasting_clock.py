"""A clock that never goes back, over boots of the machine, kept in a file.

Within a boot it follows the kernel's time since boot, and from one boot to the next the wall clock as far as that went
forward. What is due by it is not delayed by setting the wall clock back; setting that forward may hasten it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from edge_ser.data_folder import write_durably
from edge_ser.student.strict import StrictError, from_json, to_json

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a clock was last looked at."""

    seconds: float
    """Of the clock."""

    wall: float
    """Wall clock, seconds since 1970."""

    boot: str
    """Which boot of the machine it was; empty where the system does not say."""

    since_boot: float
    """Seconds, time asleep included."""


def moment_now() -> tuple[float, str, float]:
    """Return wall clock, boot and seconds since boot."""
    boot = ""
    with suppress(OSError):
        boot = BOOT_ID.read_text(encoding="ascii").strip()
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.time(), boot, time.clock_gettime(clock)


def move_on(path: Path, now: tuple[float, str, float]) -> Moment:
    """Move a clock on, and write it down.

    Parameters
    ----------
    path : Path
        Its file; where there is none, or none that can be read, it begins at 0.
    now : (float, str, float)
        See `moment_now`.

    Raises
    ------
    OSError
        It cannot be written.
    """
    wall, boot, since_boot = now
    before = None
    with suppress(OSError, StrictError, UnicodeDecodeError):
        before = from_json(path.read_text(encoding="utf-8"), Moment)
    moment = Moment(0.0, wall, boot, since_boot)
    if before is not None:
        passed = since_boot - before.since_boot if boot and boot == before.boot else wall - before.wall
        moment = replace(moment, seconds=before.seconds + max(0.0, passed))
    write_durably(path, to_json(moment))
    return moment
