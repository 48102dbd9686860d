"""The callback: it makes no array, raises nothing, waits for nobody, and what it cannot take is counted."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_ser.capture.intake import Intake
from edge_ser.capture.pcm import to_mono_int16

FINE = SimpleNamespace(input_overflow=False)
OVERFLOW = SimpleNamespace(input_overflow=True)
SMALL_OBJECTS = 1500  # bytes: views, slices and counters; a block of one channel at 48 kHz has 1920


def call(intake: Intake, frames: NDArray[np.int16], status: SimpleNamespace = FINE) -> None:
    intake.callback(memoryview(np.ascontiguousarray(frames).tobytes()), len(frames), None, status)


def noise(frames: int, channels: int, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-32768, 32768, (frames, channels)).astype(np.int16)


@settings(deadline=None)
@given(
    channels=st.integers(1, 6),
    channel=st.none() | st.integers(0, 5),
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=4),
)
def test_what_is_read_is_the_channel_or_the_mean_to_the_bit(channels, channel, sizes):
    channel = None if channel is None or channel >= channels else channel
    intake = Intake(16000, channels, channel, ring_seconds=1)
    frames = noise(sum(sizes), channels)
    for part in np.split(frames, np.cumsum(sizes)[:-1]):
        call(intake, part)
    samples, lost = intake.read(16000, 0.0)
    wanted = to_mono_int16(frames, "frames") if channel is None else frames[:, channel]
    np.testing.assert_array_equal(samples, wanted)
    assert lost == 0


@pytest.mark.parametrize(("channels", "channel"), [(1, None), (2, None), (2, 1), (8, None)])
def test_a_callback_makes_no_array(channels: int, channel: int | None) -> None:
    intake = Intake(48000, channels, channel, ring_seconds=0.1)
    data = memoryview(noise(intake.block, channels).tobytes())

    def peak(times: int) -> int:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(times):
            intake.callback(data, intake.block, None, FINE)
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peak(10)
        once, often = peak(1), peak(1000)
    finally:
        tracemalloc.stop()
    assert once < SMALL_OBJECTS
    assert often < SMALL_OBJECTS + 300  # and nothing stays


def fail(*_: object, **__: object) -> None:
    raise MemoryError


FAULTS: list[Callable[[pytest.MonkeyPatch, Intake], None]] = [
    lambda patch, intake: patch.setattr(intake.ring, "_copy_in", fail),
    lambda patch, intake: patch.setattr(intake.ring, "write", fail),
    lambda patch, intake: patch.setattr(intake, "_mix", fail),
    lambda patch, intake: patch.setattr(np, "frombuffer", fail),
]


@pytest.mark.parametrize("fault", FAULTS, ids=["copy", "ring", "mix", "view"])
def test_a_fault_raises_nothing_and_loses_nothing_uncounted(monkeypatch, fault) -> None:
    intake = Intake(16000, 2, None, ring_seconds=1)
    call(intake, noise(320, 2))
    with monkeypatch.context() as patch:
        fault(patch, intake)
        for _ in range(3):
            call(intake, noise(320, 2))
    call(intake, noise(320, 2, seed=1))
    read = lost = 0
    while read < 640:
        samples, gap = intake.read(16000, 0.0)
        read, lost = read + len(samples), lost + gap
    assert (read, lost) == (640, 3 * 320)


def test_a_buffer_that_is_no_whole_frames_raises_nothing() -> None:
    intake = Intake(16000, 2, None, ring_seconds=1)
    intake.callback(memoryview(bytes(7)), 2, None, FINE)
    call(intake, noise(320, 2))
    assert intake.read(16000, 0.0)[1] == 2


def test_the_devices_own_overflows_are_told_with_the_next_samples() -> None:
    intake = Intake(16000, 1, None, ring_seconds=1)
    call(intake, noise(320, 1), OVERFLOW)
    assert intake.read(16000, 0.0)[1] == 1
    call(intake, noise(320, 1))
    assert intake.read(16000, 0.0)[1] == 0
    assert intake.device_overflows == 1


def test_a_callback_does_not_wait_for_a_reader_or_its_counters() -> None:
    """A thousand callbacks come through while another thread reads, and asks for counters, all the time."""
    intake = Intake(16000, 2, None, ring_seconds=0.1)
    stop = threading.Event()
    counted = [0, 0]

    def read() -> None:
        while not stop.is_set() or intake.ring.stats().depth:
            samples, lost = intake.read(480, 0.001)
            counted[0] += len(samples)
            counted[1] += lost
            intake.ring.stats()

    reader = threading.Thread(target=read)
    reader.start()
    frames = noise(320, 2)
    for _ in range(1000):
        call(intake, frames)
        time.sleep(0)
    stop.set()
    reader.join()
    assert sum(counted) == 320_000
