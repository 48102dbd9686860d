"""Notices on the input: told once, when what they say begins, however the stream is cut, and never on sound audio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from speech import STEP, demo, silence

from edge_ser.capture.input_health import WATCHED_SECONDS
from edge_ser.events import Event
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile

WATCHED = round(WATCHED_SECONDS / 0.08)  # steps


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(ModelFile.load_bundled())


def told(pipeline: Pipeline, *parts: NDArray[np.int16], block: int = 1600) -> list[tuple[int, str]]:
    """Return (step, notice) of a whole stream."""
    pcm = np.concatenate(parts)
    pipeline.reset()
    events: list[Event] = []
    for first in range(0, len(pcm), block):
        events += pipeline.push(pcm[first : first + block])
    return [(step, notice) for step, event in enumerate(events, 1) for notice in event.notices]


def steps(count: int, value: int = 0) -> NDArray[np.int16]:
    return np.full(count * STEP, value, np.int16)


def square(count: int, level: int = 32767) -> NDArray[np.int16]:
    return np.where(np.arange(count * STEP) // 40 % 2, level, -level).astype(np.int16)


def test_speech_and_a_quiet_room_are_sound(pipeline):
    loud = (demo() * (32767 / np.abs(demo().astype(int)).max())).astype(np.int16)  # normalised to its peak
    assert told(pipeline, demo(), silence(2 * WATCHED), loud) == []


@pytest.mark.parametrize("value", [0, -1, 300], ids=["zeros", "an open I2S line", "stuck"])
def test_one_value_for_long_is_silent_input_once_each_time(pipeline, value):
    heard = told(pipeline, silence(3), steps(3 * WATCHED, value), silence(1), steps(WATCHED, value), silence(9))
    assert heard == [(3 + WATCHED, "silent_input"), (3 + 4 * WATCHED + 1, "silent_input")]


def test_a_pause_of_zeros_is_no_matter(pipeline):
    assert told(pipeline, steps(WATCHED - 1), silence(1), steps(WATCHED - 1)) == []


def test_clipping_that_goes_on_is_told_once(pipeline):
    few = WATCHED // 10
    assert told(pipeline, silence(5), square(few), silence(2 * WATCHED), square(few)) == []
    again = told(pipeline, silence(5), square(30), silence(2 * WATCHED), square(30), silence(5))
    assert again == [(5 + few + 1, "clipping_input"), (5 + 30 + 2 * WATCHED + few + 1, "clipping_input")]


def test_an_offset_is_told_once_and_a_small_one_is_not(pipeline):
    assert told(pipeline, silence(3 * WATCHED) + np.int16(600)) == []
    off, on = silence(2 * WATCHED), silence(2 * WATCHED) - np.int16(1400)
    assert [notice for _, notice in told(pipeline, on, off, on)] == ["dc_offset"] * 2
    ((step, _),) = told(pipeline, on)
    assert 0 < step <= WATCHED


@settings(max_examples=20, deadline=None)
@given(block=st.integers(1, 40_000))
def test_how_the_stream_is_cut_does_not_matter(block):
    pipeline = Pipeline(ModelFile.load_bundled())
    parts = (steps(WATCHED + 5), square(20), silence(WATCHED) + np.int16(2000))
    assert told(pipeline, *parts, block=max(block, 200)) == told(pipeline, *parts)
