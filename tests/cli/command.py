"""The command as a person starts it: another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "edge_ser.cli.main")


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    options = {"capture_output": True, "text": True, "timeout": 120, "cwd": REPOSITORY, **options}
    return subprocess.run([*PROGRAM, *map(str, arguments)], **options)


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start it, its streams as pipes."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": REPOSITORY, **options}
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], **options)


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the rest of what a started process prints, once it has ended."""
    # Not communicate(), which overlooks what readline() has read ahead.
    out, error = process.stdout.read(), process.stderr.read()
    process.wait(10)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return out, error


def seconds_to_end(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send a signal and return how long the process takes to end, without the time that others had its CPU."""
    before = _queued_seconds(process)
    sent = time.monotonic()
    process.send_signal(number)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie still has its figures
    took = time.monotonic() - sent
    return took - (_queued_seconds(process) - before)


def _queued_seconds(process: subprocess.Popen[str]) -> float:
    """Return the time that the process and this one were ready to run and waited for a CPU (Linux)."""
    try:
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9 for pid in (process.pid, "self"))
    except OSError:  # a kernel without these figures
        return 0.0


def is_one_error(stderr: str) -> bool:
    """Say whether this is one line with a problem and a cure."""
    problem, _, cure = stderr.partition(". ")
    return stderr.startswith("edge-ser: error: ") and stderr.count("\n") == 1 and len(problem) > 20 and len(cure) > 5
