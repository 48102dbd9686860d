"""Samples as a feature: mu-law as ITU-T G.711 has it, fine where it is soft."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ser.features import LogMel
from edge_ser.features.tables import N_MELS
from edge_ser.features.waveform import Waveform

EVERY = np.arange(-32768, 32768).astype(np.int16)


def codes(pcm: np.ndarray) -> np.ndarray:
    return Waveform()(np.pad(pcm, (0, -len(pcm) % 160))).reshape(-1)[: len(pcm)]


def test_every_sample_has_a_code_and_louder_ones_a_higher_one() -> None:
    found = codes(EVERY)
    assert found.min() == -127
    assert found.max() == 127
    assert (np.diff(found) >= 0).all()
    assert found[EVERY == 0] == 0
    np.testing.assert_array_equal(found[1:], -found[:0:-1], "both sides of zero are alike")


def test_the_codes_follow_the_continuous_law() -> None:
    share = np.abs(EVERY.astype(float)) / 32636
    law = 127 * np.log1p(255 * share) / np.log(256)
    assert np.abs(np.abs(codes(EVERY)) - law).max() < 3


@given(st.integers(0, 6))
def test_an_octave_has_sixteen_steps(octave: int) -> None:
    first = (33 * 2**octave - 33) * 4
    assert codes(np.array([first], np.int16))[0] == pytest.approx(16 * octave)


def test_a_frame_has_the_samples_that_came_with_it() -> None:
    pcm = np.random.default_rng(0).integers(-32768, 32768, 4800).astype(np.int16)
    np.testing.assert_array_equal(LogMel(["waveform"]).push(pcm)[:, N_MELS:].reshape(-1), codes(pcm))
