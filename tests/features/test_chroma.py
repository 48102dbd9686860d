"""Chroma is librosa's, and its weights are the same integers in any mathematics library."""

from __future__ import annotations

import numpy as np
import pytest
from features.signals import at_level, voice_like
from features.test_shape import sine, spectrum

from edge_ser.features import LogMel
from edge_ser.features.chroma import CHROMA_ONE, chroma_weights, real_weights
from edge_ser.features.tables import FRAME_POWER_MAX, N_MELS

ROUNDING_ROOM = 1e-6  # of one; a mathematics library errs by 1e-13 of it


def test_no_weight_lies_near_a_half() -> None:
    fraction = CHROMA_ONE * real_weights()[1:256] % 1
    assert np.abs(fraction - 0.5).min() > ROUNDING_ROOM
    assert FRAME_POWER_MAX * chroma_weights().max() < 2.0**53


def test_weights_and_chroma_are_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    weights = librosa.filters.chroma(sr=16000, n_fft=512, tuning=0.0).T
    np.testing.assert_allclose(real_weights()[1:], weights[1:], atol=1e-6)
    voice = at_level(voice_like(32000), -20)
    expected = librosa.feature.chroma_stft(S=spectrum(voice), sr=16000, tuning=0.0).T
    np.testing.assert_allclose(LogMel(["chroma"]).push(voice)[:, N_MELS:] / CHROMA_ONE, expected, atol=5e-3)


@pytest.mark.parametrize(("hz", "semitone"), [(523.25, 0), (880.0, 9), (1760.0, 9), (1396.91, 5), (2793.83, 5)])
def test_a_tone_is_on_its_semitone_in_every_octave(hz: float, semitone: int) -> None:
    chroma = LogMel(["chroma"]).push(sine(hz, 10000))[3:, N_MELS:]
    assert (chroma.argmax(axis=1) == semitone).all()
    assert (chroma.max(axis=1) == CHROMA_ONE).all()


def test_silence_has_no_semitone() -> None:
    assert not LogMel(["chroma"]).push(np.zeros(1600, np.int16))[:, N_MELS:].any()
