"""Child processes that measure themselves: memory, start-up and other runtimes' threads stay theirs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.resident import MB_PER_KIB
from edge_ser.errors import EdgeSerError

ROOT = Path(__file__).parents[1]


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment, in which an installed edge-ser and a checkout are found alike."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **more}


def python(*arguments: str, complaints: bool = False, **more: str) -> str:
    """Run Python with these environment variables besides, and return what it prints, or what it complains of.

    Raises
    ------
    EdgeSerError
        It fails; the last line of what it complains of is in the message.
    """
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(**more), check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise EdgeSerError(f"A process that measures failed: {last[0]}", f"Run it by hand: {' '.join(arguments)[:200]}")
    return done.stderr if complaints else done.stdout


def answer(module: str, *arguments: str, **more: str) -> Any:
    """Run a module and return the JSON of the last line that it prints."""
    return json.loads(python("-m", module, *arguments, **more).splitlines()[-1])


def children_seconds() -> float:
    """Return the processor time of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children_memory_mb() -> float:
    """Return the most memory that one of the child processes held that have ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * MB_PER_KIB
