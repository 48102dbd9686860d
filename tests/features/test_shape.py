"""Energy, centroid, spread and roll-off are librosa's of the same spectrum, or those of a sine."""

from __future__ import annotations

import numpy as np
import pytest
from features import reference
from features.signals import at_level, everything, voice_like
from numpy.typing import NDArray

from edge_ser.features import LOG_UNIT, LogMel
from edge_ser.features.shape import UNITS_PER_BIN
from edge_ser.features.tables import N_MELS

BIN_HZ = 31.25
VOICE = at_level(voice_like(32000), -20)


def heard(name: str, pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    return LogMel([name]).push(pcm)[:, N_MELS]


def spectrum(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return power (257, frames) in LSB^2, of the bins that count."""
    hann = np.sin(np.pi * np.arange(400) / 400) ** 2
    power = np.abs(np.fft.rfft(reference.frames(pcm) * hann, 512).T) ** 2
    power[[0, 256]] = 0
    return power


def sine(hz: float, amplitude: float, samples: int = 8000) -> NDArray[np.int16]:
    return np.rint(amplitude * np.sin(2 * np.pi * hz * np.arange(samples) / 16000)).astype(np.int16)


def test_log_energy_is_the_logarithm_of_the_power_of_all_bins() -> None:
    expected = np.log(np.maximum(spectrum(VOICE).sum(axis=0) / 16, 1))
    np.testing.assert_allclose(heard("log_energy", VOICE) / LOG_UNIT, expected, atol=2e-3)


def test_log_energy_rises_by_6_db_when_the_amplitude_doubles() -> None:
    quiet, loud = (heard("log_energy", sine(1000, amplitude))[3:] for amplitude in (2000, 4000))
    np.testing.assert_allclose((loud - quiet) / LOG_UNIT, 2 * np.log(2), atol=2e-3)


@pytest.mark.parametrize("name", ["log_energy", "centroid", "spread"])
def test_silence_is_zero(name: str) -> None:
    assert not heard(name, np.zeros(3200, np.int16)).any()


def test_centroid_and_spread_are_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    power = spectrum(VOICE)
    centroid = librosa.feature.spectral_centroid(S=power, sr=16000)[0]
    spread = librosa.feature.spectral_bandwidth(S=power, sr=16000, p=2)[0]
    np.testing.assert_allclose(heard("centroid", VOICE) / UNITS_PER_BIN * BIN_HZ, centroid, atol=0.6)
    np.testing.assert_allclose(heard("spread", VOICE) / UNITS_PER_BIN * BIN_HZ, spread, atol=0.6)


@pytest.mark.parametrize("hz", [500.0, 1234.5, 6000.0])
def test_a_sine_has_its_frequency_for_a_centroid_and_little_spread(hz: float) -> None:
    pcm = sine(hz, 12000)
    np.testing.assert_allclose(heard("centroid", pcm)[3:] / UNITS_PER_BIN * BIN_HZ, hz, atol=3)
    assert (heard("spread", pcm)[3:] / UNITS_PER_BIN * BIN_HZ < 60).all()


def test_rolloff_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    for pcm in (VOICE, everything()):
        found, power = heard("rolloff", pcm), spectrum(pcm)
        loud = power.sum(axis=0) > 1e5  # under that the rounding of the power shows
        expected = librosa.feature.spectral_rolloff(S=power, sr=16000, roll_percent=0.85)[0] / BIN_HZ
        off = np.abs(found - expected)[loud]
        assert np.mean(off == 0) > 0.98
        assert loud.sum() > 100
        assert off.max() <= 1
