"""Runs `edge-ser-convert` and dies as by a power cut: `python killed_run.py PATTERN NTH ARGUMENTS...`.

The process kills itself when it is about to open, for the NTH time, a file to be written whose path has PATTERN in it.
"""

from __future__ import annotations

import os
import re
import signal
import sys

WRITING = os.O_WRONLY | os.O_RDWR


def kill_at(pattern: str, nth: int) -> None:
    """Let this process die at a moment; what it starts does not."""
    seen, here = 0, os.getpid()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event != "open" or os.getpid() != here:
            return
        path, _, flags = arguments
        if isinstance(flags, int) and flags & WRITING and re.search(pattern, str(path)):
            seen += 1
            if seen == nth:
                os.kill(here, signal.SIGKILL)

    sys.addaudithook(watch)


if __name__ == "__main__":
    kill_at(sys.argv[1], int(sys.argv[2]))
    from convert.cli import main

    raise SystemExit(main(sys.argv[3:]))
