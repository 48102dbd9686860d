"""Resident memory of this process, with nothing imported that would add to it."""

from pathlib import Path

STATUS = Path("/proc/self/status")
MB_PER_KIB = 1024 / 1e6


def resident_mb(field: str = "VmRSS") -> float:
    """Return what is resident now, or with `VmHWM` the most that was; 0 where /proc does not tell."""
    if not STATUS.is_file():
        return 0.0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * MB_PER_KIB
