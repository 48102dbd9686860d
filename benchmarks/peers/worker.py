"""A candidate's own process, and how the measuring one talks to it.

`python -m benchmarks.peers.worker NAME FOLDER` decides once, prints a line, and answers each line it reads with one:
`recording` or `live` with seconds of processor time, `memory` with megabytes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks import processes
from edge_ser.errors import EdgeSerError

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TF_ENABLE_ONEDNN_OPTS": "0"}
MARK = "> "
"""Of the lines that answer: libraries print others."""

SPEECH_AT_SECONDS = 1.0  # in the recording that comes with edge-ser


class Worker:
    """A candidate that runs.

    Raises
    ------
    EdgeSerError
        It cannot: something is not installed, or it failed.
    """

    def __init__(self, name: str, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.peers.worker", name, str(folder)]
        environment = processes.environment(**ONE_THREAD, **QUIET)
        began = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self._answer()
        self.start_seconds = time.perf_counter() - began

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seconds(self, kind: str) -> float:
        """Return the processor time of a job: of a recording, or of a second of live audio."""
        return self._ask(kind)

    def memory_mb(self) -> float:
        """Return what is resident."""
        return self._ask("memory")

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()

    def _ask(self, what: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> float:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(MARK):
                return float(line.removeprefix(MARK))
        last = self._process.communicate()[1].strip().splitlines()[-1:] or ["it ended without a word"]
        raise EdgeSerError(last[0], "In the checkout, run: pip install '.[bench,convert]' ./convert")


def main() -> None:
    """Be a candidate."""
    import numpy as np

    from benchmarks.peers.jobs import JOBS, LIVE, LIVE_SECONDS, RECORDING, SAMPLE_RATE, WINDOW_SECONDS
    from benchmarks.resident import resident_mb
    from edge_ser.capture.source import open_source
    from edge_ser.recordings import DEMO

    name, folder = sys.argv[1], Path(sys.argv[2])
    with open_source(DEMO) as source:
        pcm = np.concatenate([block.samples for block in iter(source.read, None)])
    first = round(SPEECH_AT_SECONDS * SAMPLE_RATE)
    job = next(job for job in JOBS if job.name == name)
    recording, live = job.make(folder, pcm[first : first + round(WINDOW_SECONDS * SAMPLE_RATE)])
    recording()
    print(f"{MARK}0", flush=True)
    work = {RECORDING: (recording, 1.0), LIVE: (live, LIVE_SECONDS)}
    for line in sys.stdin:
        if line.strip() == "memory":
            print(f"{MARK}{resident_mb()}", flush=True)
            continue
        function, units = work[line.strip()]
        start = time.process_time()
        function()
        print(f"{MARK}{(time.process_time() - start) / units}", flush=True)


if __name__ == "__main__":
    main()
