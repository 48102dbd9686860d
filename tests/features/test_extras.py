"""The optional features: only the chosen ones are there, each with its columns, and int8 holds whatever comes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from features.signals import everything
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_ser.errors import SettingsError
from edge_ser.features import FrontEnd, LogMel, Mfcc, RunningMean, ToInt8
from edge_ser.features.extras import EXTRAS, Extras, ExtrasToInt8, count_columns
from edge_ser.features.tables import N_MELS

MODULES = {extra.place.partition(".")[0] for extra in EXTRAS.values()}
EVERYTHING = everything()


@pytest.mark.parametrize("name", EXTRAS)
def test_each_gives_its_columns_of_integers_that_fit_int32(name: str) -> None:
    frames = LogMel([name]).push(EVERYTHING)
    assert frames.shape == (EVERYTHING.size // 160, N_MELS + count_columns([name]))
    assert (frames == np.rint(frames)).all()
    assert np.abs(frames).max() < 2**31
    assert frames[:, N_MELS:].std(axis=0).min() > 0, "silence to clipping moves every column"


@pytest.mark.parametrize("name", EXTRAS)
def test_each_is_the_same_alone_as_among_all_and_after_a_reset(name: str) -> None:
    together = LogMel(tuple(EXTRAS))
    together.push(EVERYTHING[5000:30000])
    together.reset()
    first = N_MELS + count_columns(list(EXTRAS)[: list(EXTRAS).index(name)])
    column = slice(first, first + count_columns([name]))
    np.testing.assert_array_equal(together.push(EVERYTHING)[:, column], LogMel([name]).push(EVERYTHING)[:, N_MELS:])


@pytest.mark.parametrize("name", EXTRAS)
def test_an_endless_stream_needs_no_more_memory_than_a_short_one(name: str) -> None:
    stream = LogMel([name])
    assert stream._extras is not None
    stream.push(EVERYTHING)
    before = held(stream._extras._features)
    for _ in range(5):
        stream.push(EVERYTHING[:-77])
    assert held(stream._extras._features) == before
    assert before or name == "waveform", "which alone remembers nothing"


def held(thing: object) -> int:
    """Return the bytes of all arrays in an object, and of the bits in its integers."""
    if isinstance(thing, np.ndarray):
        return thing.nbytes if thing.base is None else held(thing.base)
    if isinstance(thing, list | tuple):
        return sum(held(each) for each in thing)
    return sum(held(each) for each in getattr(thing, "__dict__", {}).values())


def test_no_samples_give_no_frames_of_full_width() -> None:
    assert LogMel(["chroma", "rms"]).push(np.empty(0, np.int16)).shape == (0, N_MELS + 13)


@pytest.mark.parametrize("chosen", [(), ("pitch",), ("flux", "rms"), ("log_energy", "chroma")])
def test_what_was_not_chosen_is_not_even_imported(chosen: tuple[str, ...]) -> None:
    code = (
        "import json, sys, dataclasses, numpy as np;"
        "from edge_ser.segmenter import Segmenter; from edge_ser.student.model_file import ModelFile;"
        "spec = ModelFile.load_bundled().metadata.features;"
        f"chosen = {chosen!r}; more = [1.0] * {count_columns(chosen)};"
        "spec = dataclasses.replace(spec, mean=(*spec.mean, *more), std=(*spec.std, *more), extras=chosen);"
        "steps = [Segmenter(spec, 0.8)(np.zeros(1280, np.int16)) for _ in range(3)];"
        "print(json.dumps([m[18:] for m in sys.modules if m.startswith('edge_ser.features.')]))"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    loaded = set(json.loads(result.stdout))
    assert loaded & MODULES == {EXTRAS[name].place.partition(".")[0] for name in chosen}
    assert ("extras" in loaded) == bool(chosen)


def test_only_the_chosen_ones_are_computed() -> None:
    heard = Extras(["rms", "flux"])(np.zeros(320, np.int16), np.zeros((2, N_MELS)), np.zeros((2, 272)))
    assert [each.shape for each in heard] == [(2, 1), (2, 1)]


@pytest.mark.parametrize(
    ("names", "problem", "cure"),
    [(["pich"], "'pich'", "'pitch'"), (["loudness"], "'loudness'", "Choose from"), (["rms", "rms"], "twice", "once")],
)
def test_a_wrong_name_is_refused_with_the_right_one(names: list[str], problem: str, cure: str) -> None:
    with pytest.raises(SettingsError) as caught:
        LogMel(names)
    assert problem in caught.value.problem
    assert cure in caught.value.cure


@given(
    arrays(np.float64, (8, 4), elements=st.integers(-(2**31), 2**31).map(float)),
    arrays(np.float64, (4,), elements=st.floats(-(2**31), 2**31)),
    arrays(np.float64, (4,), elements=st.floats(1, 2**31)),
)
def test_int8_is_the_standardised_integer_clipped_whatever_comes(values, mean, std) -> None:
    found = ExtrasToInt8(["pitch", "rms"], mean, std, 24.0, prior_frames=50)(values)
    expected = np.clip(np.rint((values - mean) * (24.0 / std)), -128, 127)
    np.testing.assert_array_equal(found[:, 1:], expected[:, 1:])  # voicing, its rate and loudness keep their mean
    height = RunningMean(1, 50)(expected[:, :1].astype(np.int8))
    np.testing.assert_array_equal(found[:, :1], height)


def test_beside_extras_the_mfcc_are_what_they_are_without() -> None:
    frames = LogMel(["pitch", "flux"]).push(EVERYTHING[: 160 * 8 * 20])
    mean, std = np.linspace(0, 40, 17), np.linspace(3, 30, 17)
    both = ToInt8(FrontEnd(n_mfcc=13), mean, std, 20.0, 50, ("pitch", "flux"))
    mfcc, running_mean = Mfcc(FrontEnd(n_mfcc=13), mean[:13], std[:13], 20.0), RunningMean(13, 50)
    for step in np.split(frames, 20):
        found = both(step)
        assert found.shape == (8, 17)
        np.testing.assert_array_equal(found[:, :13], running_mean(mfcc(step[:, :N_MELS])))


def test_statistics_for_other_columns_are_refused() -> None:
    with pytest.raises(SettingsError, match="3 columns"):
        ExtrasToInt8(["pitch"], np.zeros(2), np.ones(2), 24.0, 50)
