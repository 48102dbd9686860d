"""Utterances are cut where the contract says, and their features are those of the front end, to the byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from speech import STEP, demo, silence, utterance

from convert.segments import Segmentation, segments
from edge_ser.features import LogMel, Mfcc, RunningMean, VoiceActivity
from edge_ser.segmenter import Segmenter, Step, is_clipped, level_dbfs
from edge_ser.student.model_file import ModelFile

FEATURES = ModelFile.load_bundled().metadata.features
FRAMES = FEATURES.frames_per_step


def steps_of(pcm: NDArray[np.int16], hangover_seconds: float = 0.8) -> list[Step]:
    segmenter = Segmenter(FEATURES, hangover_seconds)
    return [segmenter(pcm[i : i + STEP]) for i in range(0, len(pcm) - STEP + 1, STEP)]


def mfcc_of(log_mel: NDArray[np.float64]) -> NDArray[np.int8]:
    return Mfcc(FEATURES.front_end, FEATURES.mean, FEATURES.std, FEATURES.lsb_per_std)(log_mel)


def test_utterance_opens_with_speech_and_closes_after_the_hangover() -> None:
    steps = steps_of(np.concatenate([utterance(), silence(40)]))
    speech = [step.speech for step in steps]
    first, last = speech.index(True), len(speech) - 1 - speech[::-1].index(True)
    fed = [bool(step.features) for step in steps]
    assert first > 0
    assert [step.onset for step in steps] == [i == first for i in range(len(steps))]
    assert fed == [first <= i <= last + 10 for i in range(len(steps))]  # 10 steps are 0.8 s


def test_onset_brings_the_step_before() -> None:
    pcm = np.concatenate([utterance(), silence(20)])
    steps = steps_of(pcm)
    onset = next(i for i, step in enumerate(steps) if step.onset)
    assert [len(step.features) for step in steps[onset : onset + 3]] == [2, 1, 1]
    mfcc = mfcc_of(LogMel().push(pcm)).reshape(-1, FRAMES, FEATURES.front_end.n_mfcc)
    mean = RunningMean(FEATURES.front_end.n_mfcc, FEATURES.running_mean_prior_frames)
    expected = [mean(step) for step in mfcc[onset - 1 :]]
    fed = [features for step in steps for features in step.features]
    for found, wanted in zip(fed, expected, strict=False):
        np.testing.assert_array_equal(found, wanted)


def test_stream_that_begins_with_speech_has_no_step_before() -> None:
    onset = next(i for i, step in enumerate(steps_of(utterance())) if step.onset)
    steps = steps_of(utterance()[(onset + 4) * STEP :])
    first = next(step for step in steps if step.features)
    assert (steps.index(first), len(first.features)) == (0, 1)


@settings(max_examples=15, deadline=None)
@given(
    pauses=st.lists(st.integers(0, 25), min_size=1, max_size=3),
    start=st.integers(0, 5 * STEP),
    hangover=st.integers(0, 12),
)
def test_training_cuts_recordings_in_the_same_way(pauses: list[int], start: int, hangover: int) -> None:
    pcm = np.concatenate([piece for pause in pauses for piece in (utterance()[start:], silence(pause))])
    steps = steps_of(np.pad(pcm, (0, -len(pcm) % STEP)), hangover * FEATURES.step_seconds)
    mean = RunningMean(FEATURES.front_end.n_mfcc, FEATURES.running_mean_prior_frames)
    trained: list[NDArray[np.int8]] = []
    found = segments(pcm, Segmentation(FRAMES, hangover))
    for segment in found:
        mean.reset()
        trained += [mean(step) for step in mfcc_of(segment.log_mel).reshape(-1, FRAMES, FEATURES.front_end.n_mfcc)]
    fed = [features for step in steps for features in step.features]
    assert sum(step.onset for step in steps) == len(found)
    np.testing.assert_array_equal(np.array(fed), np.array(trained))


def test_loss_longer_than_the_hangover_ends_the_utterance() -> None:
    segmenter = Segmenter(FEATURES, 0.8)
    pcm = utterance()
    steps = [segmenter(pcm[i : i + STEP]) for i in range(0, len(pcm), STEP)]
    speaking = pcm[-10 * STEP : -9 * STEP]
    assert steps[-1].speech
    assert not segmenter(speaking, lost=STEP).onset
    assert segmenter(speaking, lost=20 * STEP).onset


def test_reset_forgets_everything() -> None:
    segmenter = Segmenter(FEATURES, 0.8)
    for i in range(0, len(demo()) - STEP, STEP):
        segmenter(demo()[i : i + STEP])
    segmenter.reset()
    again = [segmenter(utterance()[i : i + STEP]) for i in range(0, len(utterance()), STEP)]
    for found, wanted in zip(again, steps_of(utterance()), strict=True):
        assert (found.speech, found.onset, found.noise_floor_dbfs) == (
            wanted.speech,
            wanted.onset,
            wanted.noise_floor_dbfs,
        )
        np.testing.assert_array_equal(found.features, wanted.features)


def test_voice_activity_hears_the_whole_stream() -> None:
    pcm = demo()[: len(demo()) // STEP * STEP]
    speech = VoiceActivity()(LogMel().push(pcm)).reshape(-1, FRAMES).any(axis=1)
    assert [step.speech for step in steps_of(pcm)] == speech.tolist()


@pytest.mark.parametrize("dc", [0, 3000, -3000])
@pytest.mark.parametrize("dbfs", [-60.0, -20.0, -3.1])
def test_level_is_that_of_a_sine_whatever_the_offset(dc: int, dbfs: float) -> None:
    sine = 10 ** (dbfs / 20) * 29000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    wanted = dbfs + 20 * np.log10(29000 / 32768) - 10 * np.log10(2)
    assert level_dbfs(np.rint(sine + dc).astype(np.int16)) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize("value", [0, -32768, 1234])
def test_level_of_nothing_is_finite(value: int) -> None:
    assert level_dbfs(np.full(STEP, value, np.int16)) == -120.0


@pytest.mark.parametrize(("samples", "clipped"), [([32767] * 2, False), ([32767, -32767, -32768], True), ([], False)])
def test_clipping_is_more_than_a_peak_or_two(samples: list[int], clipped: bool) -> None:
    pcm = utterance()[-STEP:].copy()
    assert not is_clipped(pcm)
    pcm[100 : 100 + len(samples)] = samples
    assert is_clipped(pcm) is clipped


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, STEP - 1), st.sampled_from([-32768, -32767, 32766, 32767])), max_size=5))
def test_a_step_says_of_its_samples_what_they_say_by_themselves(peaks: list[tuple[int, int]]) -> None:
    """Level, clipping and sum of a step come from sums taken once; the quieter the rest, the nearer to the shortcut."""
    pcm = np.zeros(STEP, np.int16)
    for place, value in peaks:
        pcm[place] = value
    step = Segmenter(FEATURES, 0.8)(pcm)
    assert (step.level_dbfs, step.clipping, step.sample_sum) == (level_dbfs(pcm), is_clipped(pcm), int(pcm.sum()))
