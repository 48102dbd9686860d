"""The ring: every sample once, in order, or counted as lost, whatever the two threads do and when."""

import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ser.capture.ring import Ring


class Writer:
    """Writes samples that say their place in the stream (modulo 2**16)."""

    def __init__(self, ring):
        self.ring = ring
        self.written = 0

    def write(self, count):
        self.ring.write(np.arange(self.written, self.written + count).astype(np.uint16).view(np.int16))
        self.written += count


class Reader:
    """Reads and checks that what comes, and what is said to be lost, is the whole stream."""

    def __init__(self, ring):
        self.ring = ring
        self.position = 0
        self.lost = 0
        self.gaps = 0

    def read(self, limit, timeout=0.0):
        samples, lost = self.ring.read(limit, timeout)
        self.position += lost
        self.lost += lost
        self.gaps += lost > 0
        places = np.arange(self.position, self.position + len(samples)).astype(np.uint16).view(np.int16)
        np.testing.assert_array_equal(samples, places)
        assert len(samples) <= limit
        self.position += len(samples)
        return len(samples)


class InterruptedRing(Ring):
    """Lets the writer come between the two halves of the reader's copy, as a thread may."""

    def __init__(self, capacity):
        super().__init__(capacity)
        self.during_copy = lambda: None

    def _copy_out(self, position, count):
        first = super()._copy_out(position, count // 2)
        self.during_copy()
        return np.concatenate([first, super()._copy_out(position + count // 2, count - count // 2)])


STEPS = st.lists(st.tuples(st.sampled_from(["write", "read"]), st.integers(0, 40)), max_size=60)


@settings(deadline=None)
@given(capacity=st.integers(1, 30), steps=STEPS)
def test_every_sample_is_read_once_in_order_or_counted(capacity, steps):
    ring = Ring(capacity)
    writer, reader = Writer(ring), Reader(ring)
    deepest = 0
    for action, count in steps:
        getattr(writer if action == "write" else reader, action)(count)
        stats = ring.stats()
        deepest = max(deepest, stats.depth)
        # What was read, what is lost and what waits is all that was written.
        assert reader.position - reader.lost + stats.lost + stats.depth == writer.written
        assert stats.depth == min(writer.written - reader.position, capacity)
        assert stats.high_water == deepest
        assert stats.capacity == capacity
    before_end = ring.stats()
    while reader.read(7):
        pass
    assert reader.position == writer.written
    assert (reader.lost, reader.gaps) == (before_end.lost, before_end.overflows)


@settings(max_examples=150, deadline=None)
@given(
    capacity=st.integers(1, 30),
    steps=st.lists(st.tuples(st.integers(0, 40), st.lists(st.integers(0, 20), max_size=3), st.integers(1, 40))),
)
def test_a_write_in_the_middle_of_a_read_spoils_nothing(capacity, steps):
    ring = InterruptedRing(capacity)
    writer, reader = Writer(ring), Reader(ring)
    for before, during, limit in steps:
        interruptions = iter(during)
        ring.during_copy = lambda coming=interruptions: writer.write(next(coming, 0))
        writer.write(before)
        reader.read(limit)
    ring.during_copy = lambda: None
    while reader.read(capacity):
        pass
    assert reader.position == writer.written
    assert ring.stats().lost == reader.lost


def test_a_half_done_write_is_not_read():
    """The writer's copy may be under way when the reader looks: the oldest samples are then no longer sure."""
    ring = Ring(10)
    ring.write(np.arange(10, dtype=np.int16))
    copy_in = ring._copy_in
    seen = []

    def read_during_copy(samples, position):
        copy_in(samples[:2], position)
        seen.append(ring.read(10, 0.0))
        copy_in(samples, position)

    ring._copy_in = read_during_copy
    ring.write(np.arange(10, 14, dtype=np.int16))
    samples, lost = seen[0]
    assert (samples.tolist(), lost) == ([4, 5, 6, 7, 8, 9], 4)
    samples, lost = ring.read(10, 0.0)
    assert (samples.tolist(), lost) == ([10, 11, 12, 13], 0)


@pytest.mark.parametrize(("capacity", "block", "pause"), [(1000, 7, 0.0), (1000, 320, 0.0005), (64, 50, 0.0)])
def test_two_threads_at_full_speed_lose_only_what_is_counted(capacity, block, pause):
    ring = Ring(capacity)
    writer, reader = Writer(ring), Reader(ring)

    def produce():
        for number in range(3000):
            writer.write(block)
            if number % 50 == 0:
                time.sleep(pause)
        ring.close()

    thread = threading.Thread(target=produce)
    thread.start()
    while reader.read(capacity, timeout=5.0):
        pass
    thread.join()
    stats = ring.stats()
    assert reader.position == writer.written == 3000 * block
    assert (stats.lost, stats.overflows, stats.depth) == (reader.lost, reader.gaps, 0)


def test_large_copies_that_let_go_of_the_gil_are_safe_too():
    ring = Ring(200_000)
    writer, reader = Writer(ring), Reader(ring)

    def produce():
        for _ in range(400):
            writer.write(90_000)
        ring.close()

    thread = threading.Thread(target=produce)
    thread.start()
    while reader.read(200_000, timeout=5.0):
        pass
    thread.join()
    assert reader.position == writer.written
    assert ring.stats().lost == reader.lost > 0


def test_reading_waits_until_something_comes():
    ring = Ring(100)
    timer = threading.Timer(0.1, ring.write, [np.ones(5, np.int16)])
    timer.start()
    started = time.monotonic()
    samples, lost = ring.read(100, timeout=5.0)
    assert (len(samples), lost) == (5, 0)
    assert 0.09 < time.monotonic() - started < 1.0


def test_reading_gives_up_after_the_timeout():
    started = time.monotonic()
    samples, lost = Ring(100).read(100, timeout=0.1)
    assert (len(samples), lost) == (0, 0)
    assert 0.09 < time.monotonic() - started < 1.0


def test_closing_wakes_the_reader_who_still_gets_what_was_written():
    ring = Ring(100)
    timer = threading.Timer(0.1, ring.close)
    timer.start()
    started = time.monotonic()
    assert len(ring.read(100, timeout=5.0)[0]) == 0
    assert time.monotonic() - started < 1.0
    ring = Ring(100)
    ring.write(np.ones(5, np.int16))
    ring.close()
    ring.close()
    assert len(ring.read(100, timeout=0.0)[0]) == 5
    assert len(ring.read(100, timeout=5.0)[0]) == 0
    assert ring.closed


def test_what_is_written_just_before_the_end_is_not_missed():
    """The last block and the end may come when the reader has just found nothing."""
    ring = InterruptedRing(100)
    writer, reader = Writer(ring), Reader(ring)

    def last_words():
        ring.during_copy = lambda: None
        writer.write(5)
        ring.close()

    ring.during_copy = last_words
    assert reader.read(100, timeout=5.0) == 5
    assert reader.read(100, timeout=5.0) == 0


def test_writing_never_waits_while_the_reader_is_slow():
    """A reader that stops in the middle of its copy, for ever, cannot hold up the writer."""
    ring = InterruptedRing(1000)
    reading, go_on = threading.Event(), threading.Event()
    ring.during_copy = lambda: (reading.set(), go_on.wait(10))
    ring.write(np.zeros(1000, np.int16))
    thread = threading.Thread(target=ring.read, args=(1000, 0.0))
    thread.start()
    assert reading.wait(5)
    started = time.monotonic()
    for _ in range(100):
        ring.write(np.zeros(320, np.int16))
    elapsed = time.monotonic() - started
    go_on.set()
    thread.join()
    assert elapsed < 0.2


def test_writing_keeps_no_memory():
    ring = Ring(32_000)
    block = np.zeros(320, np.int16)
    ring.write(block)
    tracemalloc.start()
    for _ in range(1000):
        ring.write(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1500  # two array views and some integers, and not a copy of the 640 bytes a block


def test_erase_leaves_no_audio_behind():
    ring = Ring(50)
    ring.write(np.full(80, 1234, np.int16))
    ring.erase()
    assert not ring._samples.any()
