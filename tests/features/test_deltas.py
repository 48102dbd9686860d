"""Slope, curvature and flux of the bands are librosa's of the same bands, two frames late where two must follow."""

from __future__ import annotations

import numpy as np
import pytest
from features.signals import at_level, everything, voice_like

from edge_ser.features import LOG_UNIT, LogMel, cepstra
from edge_ser.features.deltas import N_CEPSTRA, Fit, Flux, delta, delta_delta
from edge_ser.features.tables import N_MELS

VOICE = at_level(voice_like(16000), -20)


@pytest.mark.parametrize("pcm", [VOICE, everything()], ids=["voice", "everything"])
@pytest.mark.parametrize(("name", "order", "one"), [("delta", 1, 10), ("delta_delta", 2, 7)])
def test_slope_and_curvature_are_librosas(pcm: np.ndarray, name: str, order: int, one: int) -> None:
    librosa = pytest.importorskip("librosa")
    frames = LogMel([name]).push(pcm)
    expected = librosa.feature.delta(cepstra(frames[:, :N_MELS], N_CEPSTRA), width=5, order=order, axis=0)
    found = frames[:, N_MELS:] / (one * LOG_UNIT)
    np.testing.assert_allclose(found[4:], expected[2:-2], atol=1e-4)


@pytest.mark.parametrize(("feature", "one", "slope"), [(delta(), 10, True), (delta_delta(), 7, False)])
def test_a_parabola_has_its_slope_and_its_curvature(feature: Fit, one: int, slope: bool) -> None:
    t = np.arange(20.0)
    log_mel = np.repeat((3 * t**2 + 40 * t)[:, None], N_MELS, axis=1)  # the 0th cepstrum is sqrt(40) of it
    expected = (6 * t + 40 if slope else np.full(20, 6.0)) * np.sqrt(N_MELS)
    np.testing.assert_allclose(feature(log_mel)[4:, 0] / one, expected[2:-2], atol=0.2)


def test_flux_is_librosas_onset_strength() -> None:
    librosa = pytest.importorskip("librosa")
    frames = LogMel(["flux"]).push(VOICE)
    expected = librosa.onset.onset_strength(S=frames[:, :N_MELS].T, center=False, detrend=False)
    np.testing.assert_allclose(frames[1:, N_MELS] / N_MELS, expected[1:], rtol=1e-5)


def test_flux_counts_what_rises_and_not_what_falls() -> None:
    log_mel = np.zeros((3, N_MELS))
    log_mel[1, :2] = 100.0, 50.0
    log_mel[2, 0] = 160.0
    assert Flux()(log_mel).ravel().tolist() == [0.0, 150.0, 60.0]
