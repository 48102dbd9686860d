"""The same bytes everywhere: for every cutting of the stream, NumPy, BLAS kernel and thread count."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from features.fingerprint import ALL, fingerprint
from features.signals import everything
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_ser.features import LogMel, VoiceActivity
from edge_ser.features.tables import N_MELS

# Of tests/features/fingerprint.py, in every environment. They change with the tables or the arithmetic, and then every
# model has to be trained again.
EXPECTED = {
    "log_mel": "4975e11033661e552946fca3b5261505240e5de0a87d7aa86fe7f09e39a9f5d7",
    "mfcc": "f7d4ea58b615572bc5b89827b43e8b101858b6ceaada53e228e8a0ff4c3f6b03",
    "mfcc_13": "9cdc81778d0e8b491edd6339f8449fe01c7b3a38d0d9876e00821720e4f0ac53",
    "running_mean": "9dda7b8fa35009acce2fca382e2f794e32e641c742d4852fbdfde29ff8b5d9da",
    "extras": "2ca66f4d48c4ccf3f0d4b7aaa31e05cc6c0f5dc44c486e5befe3d8e511483021",
    "extras_int8": "2b144780c1c1369f36abbce96dc5214c8f5913c607f800be551e9ed28746fac9",
    "speech": "4de143e6a483a5c990c77842a378db086cfd2b7d04853918768ae43afd130e59",
}
KERNELS = ("Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX", "Zen")  # OpenBLAS falls back where it must


@lru_cache(maxsize=1)
def at_once() -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the test signal, and its features as one block gives them."""
    pcm = everything()
    frames = LogMel(ALL).push(pcm)
    return pcm, frames, VoiceActivity()(frames[:, :N_MELS])


@pytest.mark.parametrize("block", [1, 7, 159, 160, 161, 320, 1280, 1600, 5121, 16000, 10**6])
def test_every_block_size_gives_the_expected_bytes(block: int) -> None:
    pcm = everything()
    stream = LogMel(ALL)
    frames = np.concatenate([stream.push(pcm[i : i + block]) for i in range(0, pcm.size, block)])
    assert fingerprint(frames) == EXPECTED


def test_bands_are_the_same_whether_or_not_more_is_heard() -> None:
    pcm, frames, _ = at_once()
    np.testing.assert_array_equal(LogMel().push(pcm), frames[:, :N_MELS])


@given(st.lists(st.one_of(st.integers(0, 400), st.integers(0, 20000)), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_no_cutting_of_the_stream_changes_a_column_or_a_decision(lengths: list[int]) -> None:
    pcm, frames, speech = at_once()
    stream, activity = LogMel(ALL), VoiceActivity()
    cuts = np.minimum(np.cumsum(lengths), pcm.size)
    blocks = [stream.push(part) for part in np.split(pcm, cuts)]
    np.testing.assert_array_equal(np.concatenate(blocks), frames)
    np.testing.assert_array_equal(np.concatenate([activity(block[:, :N_MELS]) for block in blocks]), speech)


def run_with(**environment: str) -> dict[str, str]:
    """Return what the fingerprint program prints under these environment variables."""
    program = Path(__file__).with_name("fingerprint.py")
    path = os.pathsep.join([str(program.parents[2]), str(program.parents[1]), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, f"{environment}: {result.stderr}"
    return json.loads(result.stdout)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_number_of_blas_threads_changes_nothing(threads: str) -> None:
    found = run_with(OPENBLAS_NUM_THREADS=threads, OMP_NUM_THREADS=threads)
    found.pop("blas_control")
    assert found == EXPECTED


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the kernels named here are x86's")
def test_no_blas_kernel_changes_anything() -> None:
    runs = {kernel: run_with(OPENBLAS_CORETYPE=kernel, OPENBLAS_NUM_THREADS="1") for kernel in KERNELS}
    controls = {run.pop("blas_control") for run in runs.values()}
    if len(controls) == 1:
        pytest.skip("this BLAS cannot be told which kernel to use, so nothing would be shown")
    assert len(controls) >= 3, "the kernels were not really different ones"
    for kernel, found in runs.items():
        assert found == EXPECTED, kernel
