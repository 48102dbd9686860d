"""Loudness and zero crossings are librosa's of the same 400 samples, or those of a sine."""

from __future__ import annotations

import numpy as np
import pytest
from features.signals import at_level, clipped, everything, voice_like
from features.test_shape import heard, sine

from edge_ser.features.energy import RMS_ONE

PCM = np.concatenate([at_level(voice_like(16000), -20), everything()])


def test_rms_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    padded = np.concatenate([np.zeros(240), PCM.astype(np.float64)])
    expected = librosa.feature.rms(y=padded, frame_length=400, hop_length=160, center=False)[0]
    np.testing.assert_allclose(heard("rms", PCM) / RMS_ONE, expected[: PCM.size // 160], atol=0.5 / RMS_ONE, rtol=1e-4)


@pytest.mark.parametrize(("hz", "amplitude"), [(200.0, 8000), (1000.0, 300)])
def test_rms_of_a_sine_is_its_amplitude_over_the_root_of_two(hz: float, amplitude: int) -> None:
    np.testing.assert_allclose(heard("rms", sine(hz, amplitude))[3:] / RMS_ONE, amplitude / np.sqrt(2), rtol=2e-3)


def test_loudest_and_quietest_fit() -> None:
    assert heard("rms", np.full(1600, -32768, np.int16))[-1] == 32768 * RMS_ONE
    assert not heard("rms", np.zeros(1600, np.int16)).any()


def test_zero_crossings_are_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    padded = np.concatenate([np.zeros(400, np.int16), PCM])
    until = np.cumsum(librosa.zero_crossings(padded, pad=False))  # crossings up to each sample
    last = 400 + 160 * np.arange(1, PCM.size // 160 + 1) - 1
    expected = until[last] - until[last - 400]
    np.testing.assert_array_equal(heard("zero_crossings", PCM), expected)


@pytest.mark.parametrize("hz", [100.0, 440.0, 3000.0])
def test_a_sine_crosses_zero_twice_a_period(hz: float) -> None:
    crossings = heard("zero_crossings", sine(hz, 9000, 16000))[3:]
    assert crossings.mean() == pytest.approx(2 * hz * 0.025, rel=0.01)
    assert np.ptp(crossings) <= 1


def test_zero_counts_as_positive() -> None:
    pcm = np.tile(np.array([0, 5, 0, -5], np.int64), 400)
    assert heard("zero_crossings", clipped(pcm))[-1] == 200
