"""Odd rates through soxr where it is installed: right in time and level, and the same however the stream is cut."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ser.capture.odd_rate import OddRate
from edge_ser.capture.resample import Resampler

soxr = pytest.importorskip("soxr", reason="pip install soxr")

RATES = [12345, 44101, 50001, 100_003]


def resample(samples, rate, cuts=()):
    resampler = Resampler(rate)
    assert isinstance(resampler._odd_rate, OddRate)
    pieces = [resampler.push(piece) for piece in np.split(samples, cuts)]
    return np.concatenate([*pieces, resampler.flush()])


def sine(frequency, rate):
    return np.rint(32000 * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)).astype(np.int16)


def level_db(samples):
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples.astype(float)))) / (32000 / np.sqrt(2)) + 1e-9)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(RATES), st.lists(st.floats(0, 1), max_size=20), st.integers(0, 2**32))
def test_how_the_stream_is_cut_does_not_change_a_byte(rate, cuts, seed):
    samples = np.random.default_rng(seed).integers(-32768, 32768, rate // 2).astype(np.int16)
    positions = sorted(round(cut * len(samples)) for cut in cuts)
    np.testing.assert_array_equal(resample(samples, rate, positions), resample(samples, rate))


@pytest.mark.parametrize("rate", RATES)
def test_output_sample_k_is_the_source_at_k_over_16000(rate):
    for frequency in (100, 1000, min(rate, 16000) * 0.4):
        resampled = resample(sine(frequency, rate), rate)
        assert abs(len(resampled) - 16000) <= 1
        expected = 32000 * np.sin(2 * np.pi * frequency * np.arange(len(resampled)) / 16000)
        assert np.max(np.abs(resampled - expected)[400:-400]) < 32000 * 0.003


@pytest.mark.parametrize("rate", [44101, 50001, 100_003])
def test_the_band_is_flat_to_7_khz_and_nothing_folds_back_into_it(rate):
    assert abs(level_db(resample(sine(7000, rate), rate)[400:-400])) < 0.5
    for frequency in (8500, 9500, 12000, 16100, 21000):
        assert level_db(resample(sine(frequency, rate), rate)[400:-400]) < -85


def test_after_flush_a_new_stream_begins():
    samples = np.random.default_rng(0).integers(-32768, 32768, 5000).astype(np.int16)
    resampler = Resampler(44101)
    one, other = (np.concatenate([resampler.push(samples), resampler.flush()]) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_usual_rates_are_the_same_with_and_without_it(rate):
    assert Resampler(rate)._odd_rate is None


def test_without_it_odd_rates_work_too():
    code = (
        "import sys; sys.modules['soxr'] = None\n"
        "import numpy as np; from edge_ser.capture.resample import Resampler\n"
        "r = Resampler(44101); print(len(r.push(np.zeros(44101, np.int16))) + len(r.flush()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "16000\n", done.stderr
