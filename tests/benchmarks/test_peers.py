"""The peers do the same job on the same audio, each in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import networks
from benchmarks.operations import work_of
from benchmarks.peers.jobs import JOBS, LIVE, RECORDING, SAMPLE_RATE, numpy_mfcc
from benchmarks.peers.worker import Worker
from convert.architectures import ARCHITECTURES
from edge_ser.errors import EdgeSerError
from edge_ser.student.backend import build_interpreter
from edge_ser.student.model_file import ModelFile


def test_a_worker_answers_with_its_own_time_and_memory(tmp_path: Path) -> None:
    with Worker("edge-ser", tmp_path) as worker:
        assert worker.start_seconds > 0
        assert worker.seconds(RECORDING) > 0
        assert worker.seconds(LIVE) > 0
        assert 20 < worker.memory_mb() < 500


def test_a_peer_that_cannot_run_says_why_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(EdgeSerError, match=r"light_sernet\.tflite") as raised:
        Worker("light_sernet", tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("window", "hop", "name"), [(1024, 256, "light_sernet"), (800, 200, "tim_net")])
def test_the_mfcc_of_a_window_has_the_frames_that_the_network_takes(window: int, hop: int, name: str) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 500, 3 * SAMPLE_RATE).astype(np.int16)
    mfcc = numpy_mfcc(window, hop, 40)
    quiet, loud = mfcc(noise), mfcc(noise * 4)
    assert quiet.shape == (networks.PEERS[name], 40)
    # Loudness is in the first coefficient alone.
    np.testing.assert_allclose(loud[:, 1:], quiet[:, 1:], atol=0.05)
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], 40 * np.log(16), rtol=0.01)


@pytest.mark.parametrize("name", networks.PEERS)
def test_a_network_of_others_is_int8_or_says_why_it_is_not_there(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    failed = networks.build(tmp_path, [name])
    if name not in ARCHITECTURES:
        assert failed == {name: f"convert has no architecture {name}"}
        pytest.skip(failed[name])
    assert not failed
    interpreter = build_interpreter((tmp_path / f"{name}.tflite").read_bytes())
    (given,) = interpreter.get_input_details()
    assert given["dtype"] is np.int8
    assert tuple(given["shape"][:2]) == (1, networks.PEERS[name])


def test_multiplications_are_those_of_the_students_layers() -> None:
    work = work_of(ModelFile.load_bundled().tflite)
    spectral, blocks = 8 * 40 * 40, 9 * (8 * 40 * 16 + 4 * 20 * 32 * 16 + 2 * 10 * 60 * 32 + 5 * 84 * 60)
    assert work.macs == spectral + blocks + 420 * 60 + 3 * 60 * 60 + 60 * 8 + 60
    assert 100e3 < work.weight_bytes < 130e3
    assert work.operations["CONV_2D"] == 9


def test_every_candidate_has_a_name_of_its_own() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
