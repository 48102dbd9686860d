"""RunningMean keeps its formula to the last step, saturates, and starts afresh on reset."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from edge_ser.errors import SettingsError
from edge_ser.features import RunningMean

blocks_of_frames = st.lists(st.integers(0, 9).flatmap(lambda n: arrays(np.int8, (n, 3))), max_size=12)


@given(blocks_of_frames, st.integers(0, 200))
@settings(max_examples=150, deadline=None)
def test_it_is_the_documented_formula_in_exact_fractions(blocks: list[NDArray[np.int8]], prior: int) -> None:
    removal = RunningMean(3, prior_frames=prior)
    total, count = [0, 0, 0], prior
    for block in blocks:
        found = removal(block)
        count += len(block)
        total = [s + int(block[:, i].sum(dtype=int)) for i, s in enumerate(total)]
        assert found.dtype == np.int8
        assert found.shape == block.shape
        for i in range(3):
            mean = round(Fraction(total[i], max(count, 1)))  # to even on a tie, as rint
            expected = [max(-128, min(127, int(x) - mean)) for x in block[:, i]]
            assert found[:, i].tolist() == expected


def test_reset_forgets_everything() -> None:
    frames = np.arange(24, dtype=np.int8).reshape(8, 3)
    removal = RunningMean(3, prior_frames=4)
    first = removal(frames)
    assert not np.array_equal(removal(frames), first)
    removal.reset()
    np.testing.assert_array_equal(removal(frames), first)


def test_a_constant_colour_vanishes_after_the_prior() -> None:
    removal = RunningMean(1, prior_frames=50)
    colour = np.full((8, 1), 40, np.int8)
    found = [int(removal(colour)[0, 0]) for _ in range(200)]
    assert found[0] > 30
    assert found == sorted(found, reverse=True)
    assert found[-1] <= 2


def test_a_mean_of_the_opposite_sign_saturates() -> None:
    removal = RunningMean(1, prior_frames=0)
    for _ in range(100):
        removal(np.full((8, 1), -128, np.int8))
    assert removal(np.full((1, 1), 127, np.int8)).tolist() == [[127]]


def test_the_input_is_left_alone() -> None:
    frames = np.full((8, 2), 7, np.int8)
    RunningMean(2, prior_frames=0)(frames)
    assert (frames == 7).all()


@pytest.mark.parametrize("wrong", [{"n_mfcc": 0, "prior_frames": 1}, {"n_mfcc": 13, "prior_frames": -1}])
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError):
        RunningMean(**wrong)
