"""Two processors or two workers train one network; a worker that is killed is waited for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from convert import distribution
from convert.errors import RecipeError

REPOSITORY = Path(__file__).parents[2]
WORKER, TWO_PROCESSORS = (Path(__file__).parent / f"{name}.py" for name in ("worker", "two_processors"))
EPOCHS = 12
LIMIT_SECONDS = 600.0  # each is far quicker; this is for a machine that is busy


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(folder: Path, ports: list[int], index: int) -> subprocess.Popen[bytes]:
    """Start one of two workers, with a folder of its own."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    place = {"cluster": cluster, "task": {"type": "worker", "index": index}}
    environment = {**os.environ, "TF_CONFIG": json.dumps(place), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(WORKER), str(folder / str(index)), str(EPOCHS)]
    with (folder / f"{index}.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def epochs_done(folder: Path) -> int:
    files = list(folder.glob("student-*/epochs.csv"))
    return len(files[0].read_text().splitlines()) if files else 0


def weights(folder: Path) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    (path,) = folder.glob("student-*/weights.h5")
    with h5py.File(path) as file:
        file.visititems(lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


def test_a_worker_that_is_killed_and_restarted_ends_with_the_weights_of_the_other(tmp_path: Path) -> None:
    ports = free_ports(2)
    workers = [start(tmp_path, ports, index) for index in range(2)]
    limit = time.monotonic() + LIMIT_SECONDS
    try:
        while epochs_done(tmp_path / "1") < 2 and time.monotonic() < limit and workers[1].poll() is None:
            time.sleep(0.05)
        workers[1].kill()
        workers[1].wait()
        assert 2 <= epochs_done(tmp_path / "0") < EPOCHS
        while "waits for it" not in (tmp_path / "0.log").read_text() and time.monotonic() < limit:
            time.sleep(0.05)
        workers[1] = start(tmp_path, ports, 1)
        for each in workers:
            assert each.wait(LIMIT_SECONDS) == 0, (tmp_path / "0.log").read_text()[-3000:]
    finally:
        for each in workers:
            each.kill()
    # An epoch that one alone had done is done again; no other is.
    assert all(EPOCHS <= epochs_done(tmp_path / name) <= EPOCHS + 1 for name in "01")
    first, second = weights(tmp_path / "0"), weights(tmp_path / "1")
    assert len(first) > 5
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def two_processors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with weights of trainings on both and on one; see `two_processors.py`."""
    folder = tmp_path_factory.mktemp("two_processors")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(TWO_PROCESSORS), str(folder)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert child.returncode == 0, child.stderr[-3000:]
    return folder


def test_two_processors_learn_what_one_does(two_processors: Path) -> None:
    """Where every clip stands for itself: the mean over a batch is that of the means over its halves."""
    alone, shared = (np.load(two_processors / f"{name}.npz") for name in ("alone", "shared"))
    assert len(alone.files) > 5
    for name in alone.files:
        assert shared[name].shape == (2, *alone[name].shape)
        # Softmax is blind to a bias of all attention: what Adam makes of it is the rounding of a gradient of nought.
        tolerance = 1e-3 if name == "attention/bias:0" else 2e-6
        np.testing.assert_allclose(shared[name], [alone[name]] * 2, atol=tolerance, err_msg=name)


def test_both_processors_hold_one_network_and_go_on_where_they_were_stopped(two_processors: Path) -> None:
    """With batch norm, masks and dropout it is not the network that one would learn, but it is one network."""
    unbroken, resumed = (np.load(two_processors / f"{name}.npz") for name in ("usual", "resumed"))
    for name in unbroken.files:
        np.testing.assert_array_equal(unbroken[name][0], unbroken[name][1], err_msg=name)
        np.testing.assert_allclose(resumed[name], unbroken[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    "config",
    ["", "{", '{"cluster": {"worker": "one:1"}, "task": {"index": 0}}',
     '{"cluster": {"worker": ["a:1"]}, "task": {"index": 2}}'],
)  # fmt: skip
def test_a_cluster_that_is_none_is_refused(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(RecipeError, match="TF_CONFIG") as caught:
        distribution.use(distribution.MULTIWORKER)
    assert caught.value.cure


def test_without_a_strategy_nothing_is_shared() -> None:
    assert distribution.replicas() == 1
    assert distribution.everywhere(7) == [7]
    assert distribution.agree(True)
    assert not distribution.agree(False)
    with distribution.scope():
        assert distribution.replicas() == 1
