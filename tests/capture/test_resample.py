"""The resampler: the right audio at the right time, and the same bytes however it comes."""

import hashlib
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ser.capture import polyphase
from edge_ser.capture import resample as resample_module
from edge_ser.errors import AudioFileError

Resampler = partial(resample_module.Resampler, allow_soxr=False)  # what soxr does is tested in test_odd_rate.py

USUAL_RATES = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000, 384000]
ODD_RATES = [4000, 4001, 5000, 12345, 15999, 44101, 50000, 100_003]
HIGH_RATES = [rate for rate in USUAL_RATES + ODD_RATES if rate > 17000]

# Of two seconds' output for the noise below. Whoever changes the filter makes every model's input another.
SHA256 = {
    8000: "e87e9287a2f64d9b779093a45c28515096231609d49ba55b5aec99474e3e4e26",
    11025: "057760d802c890d3304ab485273289866517075f2124df95668f4ee6491fb74f",
    22050: "6bc04c3267525c6748e096af0387c9c2b5178dc4919220fb7fba103552b1297b",
    44100: "25616bde0fa942ca9d2e731e76b310cbaee9b0d2cbfe16ae733cbc51d02d419d",
    44101: "daaab5d2041c7749e7d992c654b70a3152b83c88a7318473ba82a7aa86451f58",
    48000: "85002cddd8dcd40cef92bf4fdd7c291bdd3f5cb3163a330294b0a343810ebcf0",
    96000: "c7e36737a8a03d2cbb8bfc9537b452d2dcbdd204b1a278c5f63d851e290b16bf",
}


def resample(samples, rate, cuts=()):
    resampler = Resampler(rate)
    pieces = [resampler.push(piece) for piece in np.split(samples, cuts)]
    return np.concatenate([*pieces, resampler.flush()])


def sine(frequency, rate, seconds=1.0, amplitude=32000):
    time = np.arange(round(rate * seconds)) / rate
    return np.rint(amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def noise(count):
    """Integers from integers: the same on every machine and NumPy."""
    state = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (state >> np.uint64(48)).astype(np.uint16).view(np.int16)


def level_db(samples, amplitude=32000):
    return 10 * np.log10(np.mean(samples.astype(float) ** 2) + 1e-12) - 20 * np.log10(amplitude / np.sqrt(2))


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from(USUAL_RATES + ODD_RATES),
    seconds=st.floats(0.0, 1.2),
    cuts=st.lists(st.floats(0.0, 1.0), max_size=30),
)
def test_how_the_stream_is_cut_does_not_change_a_byte(rate, seconds, cuts):
    samples = noise(round(rate * seconds))
    positions = sorted(round(cut * len(samples)) for cut in cuts)
    np.testing.assert_array_equal(resample(samples, rate, positions), resample(samples, rate))


@pytest.mark.parametrize("rate", [8000, 44100, 44101, 48000])
def test_sample_by_sample_gives_the_bytes_of_all_at_once(rate):
    samples = noise(rate // 10)
    np.testing.assert_array_equal(resample(samples, rate, range(1, len(samples))), resample(samples, rate))


@settings(max_examples=100, deadline=None)
@given(rate=st.sampled_from(USUAL_RATES + ODD_RATES), count=st.integers(0, 9000))
def test_n_samples_become_n_times_the_ratio_rounded_half_up(rate, count):
    assert len(resample(noise(count), rate)) == (2 * count * 16000 + rate) // (2 * rate)


@settings(max_examples=15, deadline=None)
@given(rate=st.integers(4000, 384_000), level=st.integers(-32768, 32767))
def test_any_whole_rate_keeps_a_constant_exactly(rate, level):
    resampled = resample(np.full(rate // 10, level, np.int16), rate)
    assert set(resampled[100:-100].tolist()) == {level}


@pytest.mark.parametrize("rate", USUAL_RATES + ODD_RATES)
def test_pass_band_is_flat_and_output_sample_k_is_the_source_at_k_over_16000(rate):
    lower = min(rate, 16000)
    for frequency in (lower / 160, lower / 16, lower * 0.3, lower * 0.4):
        resampled = resample(sine(frequency, rate), rate)[400:-400]
        expected = 32000 * np.sin(2 * np.pi * frequency * np.arange(16000) / 16000)[400:-400]
        # A delay of a hundredth of a sample would differ by 2 % at the upper end.
        assert np.max(np.abs(resampled - expected)) < 32000 * 0.003
    assert -0.5 < level_db(resample(sine(lower * 7 / 16, rate), rate)[400:-400]) < 0.1


@pytest.mark.parametrize("rate", [22050, 24000, 32000, 44100, 48000, 96000])
def test_every_tone_passes_within_half_a_decibel_to_7_khz_and_none_from_8500_hz(rate):
    for frequency in range(125, 7001, 625):
        assert abs(level_db(resample(sine(frequency, rate), rate)[400:-400])) < 0.5
    for frequency in range(8500, min(rate // 2, 24000), 375):
        assert level_db(resample(sine(frequency, rate), rate)[400:-400]) < -85


@pytest.mark.parametrize("rate", HIGH_RATES)
def test_what_lies_above_the_band_does_not_fold_back_into_it(rate):
    for frequency in (8500, 8800, 9500, 12000, 15000, 16100, 23000, 31000, 47000, 95000):
        if frequency < rate / 2:
            assert level_db(resample(sine(frequency, rate), rate)[400:-400]) < -85


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 12000, 15999])
@pytest.mark.parametrize("share", [0.4, 15 / 32], ids=["in the pass band", "its image is where the stop band begins"])
def test_a_lower_rate_gets_no_images(rate, share):
    frequency = rate * share
    resampled, ideal = (
        samples[400:15600] for samples in (resample(sine(frequency, rate), rate), sine(frequency, 16000))
    )
    window = np.blackman(len(ideal))
    spectrum, reference = (np.abs(np.fft.rfft(samples * window)) ** 2 for samples in (resampled, ideal))
    bins = np.fft.rfftfreq(len(ideal), 1 / 16000)
    images = spectrum[np.abs(bins - frequency) > 20].sum()
    assert 10 * np.log10(images / reference.sum()) < -85


def test_full_scale_square_wave_is_clipped_not_wrapped():
    square = np.where(np.arange(4800) // 48 % 2, 32767, -32768).astype(np.int16)
    resampled = resample(square, 48000)
    assert resampled.max() == 32767
    assert resampled.min() == -32768
    middles = resampled[8::16]  # of the half waves
    assert (np.abs(middles.astype(int)) > 29000).all()


def test_16_khz_passes_as_it_is():
    samples = noise(1000)
    resampler = Resampler(16000)
    assert resampler.push(samples) is samples
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize("rate", [44100, 44101])
def test_after_flush_a_new_stream_begins(rate):
    resampler = Resampler(rate)
    first = np.concatenate([resampler.push(noise(5000)), resampler.flush()])
    second = np.concatenate([resampler.push(noise(5000)), resampler.flush()])
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rate", [0, -48000, 3999, 384_001])
def test_impossible_rate_is_refused_with_the_cure(rate):
    with pytest.raises(AudioFileError, match="4000 to 384000"):
        Resampler(rate)


@pytest.mark.parametrize("rate", [rate for rate in [*USUAL_RATES, 44101] if rate != 16000])
def test_sums_are_exact_and_taps_do_not_hang_on_the_last_bit_of_libm(rate, monkeypatch):
    made = []

    def spy(distance, axis):
        made.append((ideal(distance, axis), axis))
        return made[0][0].copy()

    ideal = polyphase.ideal_low_pass
    monkeypatch.setattr(polyphase, "ideal_low_pass", spy)
    Resampler(rate)
    taps, axis = made[0]
    assert 32768 * np.abs(taps).sum(axis=axis).max() < 2**53
    assert np.abs(taps - np.floor(taps) - 0.5).min() > 1e-7


@pytest.mark.parametrize("rate", SHA256)
def test_output_bytes_are_those_of_every_machine(rate):
    resampled = resample(noise(2 * rate), rate, range(0, 2 * rate, rate // 50))
    assert hashlib.sha256(resampled.astype("<i2").tobytes()).hexdigest() == SHA256[rate]


@pytest.mark.parametrize(("kernel", "threads"), [("Prescott", "1"), ("Haswell", "2"), ("Zen", "1")])
def test_output_bytes_do_not_depend_on_the_blas(kernel, threads):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", "of_every_machine", "-p", "no:cacheprovider"],
        env={**os.environ, "OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": threads},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout
