"""Pitch is that of the voice, at any height and in noise; what is not periodic is not voiced."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from features.recordings import read, some
from features.signals import at_level, noise
from numpy.typing import NDArray

from edge_ser.features import LOG_UNIT, LogMel
from edge_ser.features.pitch import (
    HALF_BAND,
    HALF_BAND_ONE,
    LONGEST,
    PERIOD_STEPS,
    SAMPLE_RATE,
    SHORTEST,
    VOICING_ONE,
    log_pitch,
)
from edge_ser.features.tables import N_MELS

ROUNDING_ROOM = 1e-6  # of a unit; a mathematics library errs by 1e-11 of it
SETTLED = 6  # frames


def tracked(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return Hz, voicing from 0 to 1, and voiced onsets (frames, 3)."""
    columns = LogMel(["pitch"]).push(pcm)[:, N_MELS:]
    return np.stack((np.exp(columns[:, 0] / LOG_UNIT), columns[:, 1] / VOICING_ONE, columns[:, 2]), axis=1)


def pulses(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a pulsed voice (n,) of this pitch at each sample, its formants fixed, of RMS 1."""
    phase = 2 * np.pi * np.cumsum(hz) / 16000
    number = np.arange(1, 40)[:, None]
    partial = number * hz[None]
    gain = np.where(partial < 7000, 1 / (1 + (partial / 500) ** 2) + 0.2 / (1 + ((partial - 1500) / 150) ** 2), 0)
    voice = (gain * np.sin(number * phase)).sum(axis=0)
    return voice / voice.std()


@pytest.mark.parametrize("snr_db", [40, 20])
@pytest.mark.parametrize("low_hz", [70, 110, 180, 280])
def test_99_percent_of_a_gliding_voice_are_within_5_percent(low_hz: int, snr_db: int) -> None:
    hz = low_hz * 1.6 ** (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(48000) / 32000))
    signal = pulses(hz) + 10 ** (-snr_db / 20) * noise(48000) / 18918
    found = tracked(at_level(signal / signal.std(), -20))[SETTLED:]
    lag = 16000 // 40  # samples from the middle of what is compared to the end of the frame
    expected = hz[np.arange(SETTLED + 1, 301) * 160 - 1 - lag]
    assert np.mean(np.abs(found[:, 0] / expected - 1) < 0.05) >= 0.99
    assert found[:, 1].mean() > 0.85


@pytest.mark.parametrize("hz", [65.0, 100.0, 150.0, 220.0, 330.0, 480.0])
def test_a_steady_voice_is_within_half_a_percent(hz: float) -> None:
    found = tracked(at_level(pulses(np.full(8000, hz)), -20))[SETTLED:, 0]
    np.testing.assert_allclose(found, hz, rtol=5e-3)


def test_noise_and_silence_are_not_voiced_and_hold_the_last_pitch() -> None:
    voice = at_level(pulses(np.full(8000, 200.0)), -20)
    hiss = at_level(noise(8000, seed=3) / 18918, -30)
    found = tracked(np.concatenate([np.zeros(3200, np.int16), voice, hiss, np.zeros(3200, np.int16)]))
    assert found[:20, 1].max() == 0
    np.testing.assert_allclose(found[:20, 0], 150.0, rtol=1e-3)  # said until something is voiced
    assert found[30:70, 1].min() > 0.95
    assert found[75:120, 1].mean() < 0.35
    np.testing.assert_allclose(found[80:, 0], found[80, 0])
    assert found[-10:, 1].max() == 0


def test_voiced_onsets_of_the_last_second_are_counted_and_forgotten() -> None:
    spoken = np.tile(np.repeat([1.0, 0.0], 1600), 8)[:24000]  # 5 voicings a second
    pcm = at_level(pulses(np.full(24000, 140.0)), -20) * spoken.astype(np.int16)
    onsets = tracked(np.concatenate([pcm, np.zeros(32000, np.int16)]))[:, 2]
    assert onsets[149] in (6, 7)  # in 1.28 s
    assert onsets[-1] == 0


def test_no_period_has_a_logarithm_near_a_half() -> None:
    periods = range((SHORTEST - 1) * PERIOD_STEPS, (LONGEST + 1) * PERIOD_STEPS + 1)
    exact = np.array([LOG_UNIT * math.log(SAMPLE_RATE * PERIOD_STEPS / period) for period in periods])
    assert np.abs(exact % 1 - 0.5).min() > ROUNDING_ROOM
    assert log_pitch(SAMPLE_RATE * PERIOD_STEPS // 100) == round(LOG_UNIT * math.log(100))


def test_half_band_filter_passes_voices_and_stops_what_would_fold_onto_them() -> None:
    response = np.abs(np.fft.rfft(HALF_BAND, 16000)) / HALF_BAND_ONE
    assert sum(HALF_BAND) == HALF_BAND_ONE
    np.testing.assert_allclose(20 * np.log10(response[:2500]), 0, atol=0.5)
    assert (20 * np.log10(response[6000:]) < -30).all()  # folds onto 0 to 2 kHz


def test_women_are_heard_higher_than_men(corpora: Path) -> None:
    """ravdess: actors with even numbers are women."""
    medians = {}
    for kind, actors in (("men", ("01", "03", "05", "07")), ("women", ("02", "04", "06", "08"))):
        heights = []
        for actor in actors:
            for path in some(corpora / "ravdess", 4, containing=f"03-01-01-01-01-01-{actor}"):
                found = tracked(read(path))
                heights += found[found[:, 1] > 0.9, 0].tolist()
        medians[kind] = float(np.median(heights))
    assert 80 < medians["men"] < 160 < medians["women"] < 280, medians
