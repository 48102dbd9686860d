"""LogMel computes what its documentation says, exactly, and no worse than promised beside float64."""

from __future__ import annotations

import numpy as np
import pytest
from features import reference
from features.signals import at_level, everything, noise, square, voice_like
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from edge_ser.features import LOG_UNIT, LogMel, cepstra

# Largest error of 13 cepstra in natural-log units by RMS level in dBFS; +10 dB clips hard.
MFCC_ERROR = {-60: 9.7e-2, -40: 2e-3, -20: 2e-3, 0: 2e-3, 10: 2e-3}


def mfcc_error(pcm: NDArray[np.int16]) -> float:
    found = cepstra(LogMel().push(pcm), 13)
    return float(np.abs(found - reference.cepstra(pcm, 13)).max())


@pytest.mark.parametrize("dbfs", MFCC_ERROR)
def test_cepstra_of_a_voice_in_noise_are_as_near_float64_as_promised(dbfs: int) -> None:
    assert mfcc_error(at_level(voice_like(80000), dbfs)) <= MFCC_ERROR[dbfs]


@pytest.mark.parametrize("dbfs", MFCC_ERROR)
def test_cepstra_of_real_speech_in_noise_are_as_near_float64_as_promised(dbfs: int, speech: NDArray[np.int16]) -> None:
    voice = speech / speech.std()
    noisy = voice + 0.1 * noise(voice.size) / noise(voice.size).std()
    assert mfcc_error(at_level(noisy / noisy.std(), dbfs)) <= MFCC_ERROR[dbfs]


def test_clean_loud_speech_is_as_near_float64_as_promised(speech: NDArray[np.int16]) -> None:
    assert mfcc_error(at_level(speech / speech.std(), 0)) <= 2e-3


def test_single_bands_stay_near_float64() -> None:
    pcm = at_level(voice_like(80000), -20)
    error = np.abs(LogMel().push(pcm) / LOG_UNIT - reference.log_mel(pcm))
    assert error.max() <= 6e-3
    assert error.mean() <= 3e-4


@pytest.mark.parametrize("period", [2, 3, 5, 16, 17, 32, 50, 64, 100, 256, 321, 400, 512, 10**9])
def test_loudest_signals_are_summed_without_any_rounding(period: int) -> None:
    pcm = square(1600, period).astype(np.int16)
    np.testing.assert_array_equal(LogMel().push(pcm), reference.log_mel_in_integers(pcm))


def test_the_whole_test_signal_is_what_integer_arithmetic_gives() -> None:
    pcm = everything()
    np.testing.assert_array_equal(LogMel().push(pcm), reference.log_mel_in_integers(pcm))


@given(arrays(np.int16, 640, elements=st.sampled_from([-32768, -32767, 32767, 0, 1, -1])))
@settings(deadline=None, max_examples=40)
def test_no_extreme_samples_bring_rounding_in(pcm: NDArray[np.int16]) -> None:
    np.testing.assert_array_equal(LogMel().push(pcm), reference.log_mel_in_integers(pcm))


def test_values_are_whole_and_in_their_documented_range() -> None:
    log_mel = LogMel().push(everything())
    assert (log_mel == np.rint(log_mel)).all()
    assert log_mel.min() == 0
    assert 2**17 < log_mel.max() < 2**18


def test_a_frame_ends_with_its_hop_and_looks_back_400_samples() -> None:
    def heard(first: int) -> list[int]:
        pcm = np.zeros(20 * 160, np.int16)
        pcm[first : first + 4] = 30000
        return np.flatnonzero(LogMel().push(pcm).any(axis=1)).tolist()

    # Frame t covers samples (t + 1) * 160 - 400 to (t + 1) * 160 - 1, under a window that is nearly 0 at both ends.
    assert heard(10 * 160) == [10, 11]
    assert heard(10 * 160 + 100) == [10, 11, 12]


def test_there_are_zeros_before_the_first_sample() -> None:
    pcm = at_level(voice_like(1600), -20)
    padded = np.concatenate([np.zeros(800, np.int16), pcm])
    np.testing.assert_array_equal(LogMel().push(pcm), LogMel().push(padded)[5:])


def test_reset_starts_a_new_stream() -> None:
    pcm = at_level(voice_like(7000), -20)
    stream = LogMel()
    first = stream.push(pcm)
    stream.push(pcm)
    stream.reset()
    np.testing.assert_array_equal(stream.push(pcm), first)


def test_results_are_the_callers_own() -> None:
    pcm = at_level(voice_like(3200), -20)
    stream = LogMel()
    first = stream.push(pcm[:1600])
    kept = first.copy()
    stream.push(pcm[1600:])
    np.testing.assert_array_equal(first, kept)


def test_the_callers_buffer_may_be_reused() -> None:
    pcm = at_level(voice_like(16000), -20)
    stream, buffer, blocks = LogMel(), np.empty(100, np.int16), []
    for start in range(0, pcm.size, 100):
        buffer[:] = pcm[start : start + 100]
        blocks.append(stream.push(buffer))
        buffer[:] = -1
    np.testing.assert_array_equal(np.concatenate(blocks), LogMel().push(pcm))


def test_strided_and_read_only_samples_are_taken() -> None:
    stereo = np.stack([at_level(voice_like(1600), -20), np.zeros(1600, np.int16)], axis=1)
    stereo.flags.writeable = False
    np.testing.assert_array_equal(LogMel().push(stereo[:, 0]), LogMel().push(stereo[:, 0].copy()))


def test_too_few_samples_give_no_frame() -> None:
    stream = LogMel()
    assert stream.push(np.empty(0, np.int16)).shape == (0, 40)
    assert stream.push(np.zeros(159, np.int16)).shape == (0, 40)
    assert stream.push(np.zeros(1, np.int16)).shape == (1, 40)


@pytest.mark.parametrize("wrong", [np.zeros(160), np.zeros(160, np.float32), np.zeros((160, 1), np.int16)])
def test_samples_of_another_type_or_shape_are_refused(wrong: NDArray[np.generic]) -> None:
    with pytest.raises(TypeError, match="int16"):
        LogMel().push(wrong)
