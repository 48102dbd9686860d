"""Blocks of any size become the same steps at the same times, and no lost sample goes uncounted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_ser.capture.steps import Steps

STEP = 8

Cut = list[tuple[int, float, int, list[int]]]


def cut(pcm: NDArray[np.int16], sizes: list[int], lost: dict[int, int]) -> tuple[Cut, float]:
    """Return each step's number, end, losses and samples, and the time passed; samples are lost before these places."""
    steps = Steps(STEP)
    found: Cut = []

    def note() -> None:
        found.append((len(found), steps.seconds, steps.lost, steps.pcm.tolist()))

    edges = np.cumsum(sizes * (1 + len(pcm) // sum(sizes))).tolist()
    edges = sorted({0, *(edge for edge in edges if edge < len(pcm)), *lost, len(pcm)})
    for start, stop in zip(edges, [*edges[1:], len(pcm)], strict=True):
        for _ in steps.push(pcm[start:stop], lost.get(start, 0)):
            note()
    for _ in steps.flush():
        note()
    return found, steps.seconds_passed


@given(
    length=st.integers(0, 60),
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5),
    losses=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 100)), max_size=3),
)
def test_no_cut_changes_a_step(length: int, sizes: list[int], losses: list[tuple[int, int]]) -> None:
    pcm = np.arange(1, length + 1, dtype=np.int16)
    lost = {min(place, length): samples for place, samples in losses}
    found, seconds = cut(pcm, sizes, lost)
    assert (found, seconds) == cut(pcm, [10**6], lost)
    assert seconds == (length + sum(lost.values())) / 16000
    assert [sample for _, _, _, step in found for sample in step if sample] == pcm.tolist()
    assert sum(samples for _, _, samples, _ in found) == sum(lost[place] for place in lost if place < length)


def test_erased_steps_hold_nothing_and_begin_anew() -> None:
    steps = Steps(STEP)
    list(steps.push(np.full(STEP + 3, 7, np.int16), lost=5))
    steps.erase()
    assert not steps.pcm.any()
    assert (steps.seconds, steps.seconds_passed, steps.lost, list(steps.flush())) == (0.0, 0.0, 0, [])
