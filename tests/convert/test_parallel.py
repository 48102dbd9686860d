"""Work in many processes: in order, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from convert.parallel import in_order, workers

REPOSITORY = Path(__file__).parents[2]
LIMIT_SECONDS = 60.0

KILLED = """
import os, signal
from convert.parallel import workers

if __name__ == "__main__":
    pool = workers(2)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_results_come_in_the_order_of_the_items() -> None:
    with workers(2) as pool:
        assert list(in_order(pool, abs, range(-20, 0))) == list(range(20, 0, -1))


def test_workers_end_when_the_one_that_they_work_for_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        worker = int(child.stdout.readline())
        assert child.wait(LIMIT_SECONDS) == -signal.SIGKILL
    limit = time.monotonic() + LIMIT_SECONDS
    while is_alive(worker) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not is_alive(worker)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"  # nobody may be there to ask how it ended
