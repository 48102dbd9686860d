"""Sample formats: the right int16, and a plain word on samples that are none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_ser.capture.pcm import to_mono_int16
from edge_ser.errors import AudioFileError


def convert(samples, dtype):
    return to_mono_int16(np.array(samples, dtype).reshape(-1, 1), "it").tolist()


@pytest.mark.parametrize(
    ("dtype", "samples", "expected"),
    [
        ("<i2", [-32768, -1, 0, 32767], [-32768, -1, 0, 32767]),
        (">i2", [-32768, -1, 0, 32767], [-32768, -1, 0, 32767]),
        ("<i4", [-(2**31), -65536, 0, 2**31 - 1], [-32768, -1, 0, 32767]),
        ("u1", [0, 127, 128, 255], [-32768, -256, 0, 32512]),
        ("<f4", [-1.0, -(2.0**-15), 0.0, 0.5, 1.0], [-32768, -1, 0, 16384, 32767]),
        (">f8", [-1.0, -(2.0**-15), 0.0, 0.5, 1.0], [-32768, -1, 0, 16384, 32767]),
        ("<f2", [-1.0, 0.0, 0.5], [-32768, 0, 16384]),
    ],
)
def test_full_scale_of_every_format(dtype, samples, expected):
    assert convert(samples, dtype) == expected


def test_halves_are_rounded_to_even_whatever_the_format():
    steps = np.array([-1.5, -0.5, 0.5, 1.5, 2.5])
    assert convert(steps / 32768, "f8") == [-2, 0, 0, 2, 2]
    assert convert(steps * 65536, "i4") == [-2, 0, 0, 2, 2]


def test_slight_overshoot_is_clipped():
    assert convert([1.5, -1.5], "f4") == [32767, -32768]


@settings(deadline=None)
@given(hnp.arrays(np.int16, st.tuples(st.integers(1, 40), st.integers(1, 8))))
def test_channels_are_mixed_by_their_mean_rounded_half_to_even(frames):
    expected = [round(sum(int(sample) for sample in frame) / frames.shape[1]) for frame in frames]
    assert to_mono_int16(frames, "it").tolist() == expected


@settings(deadline=None)
@given(hnp.arrays(np.int16, st.integers(1, 40)))
def test_int16_survives_the_way_through_float(samples):
    assert convert(samples.astype(np.float32) / 32768, "f4") == samples.tolist()


def test_result_is_contiguous_and_native():
    strided = np.zeros((10, 2), ">i2")[::2, :1]
    converted = to_mono_int16(strided, "it")
    assert converted.flags.c_contiguous
    assert converted.dtype == np.dtype(np.int16)
    assert converted.dtype.isnative


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_named_with_its_place(bad):
    frames = np.zeros((10, 2), np.float32)
    frames[3, 1] = bad
    with pytest.raises(AudioFileError, match=rf"it holds {bad} at sample 1003.*nan_to_num"):
        to_mono_int16(frames, "it", first=1000)


def test_integers_kept_as_floats_are_refused_with_the_cure():
    with pytest.raises(AudioFileError, match=r"holds -250 at sample 1, far outside.*Divide by the full scale"):
        convert([3.0, -250.0, 1.0], "f4")


@pytest.mark.parametrize("dtype", ["i8", "i1", "u2", "bool", "c8", "U1"])
def test_a_type_without_a_known_full_scale_is_refused_with_the_cure(dtype):
    with pytest.raises(AudioFileError, match=r"full scale is not known.*int16"):
        to_mono_int16(np.zeros((3, 1), dtype), "it")
