"""Somebody is enrolled from ordinary speech; the file is for one model, small, and holds nothing to be heard."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from speech import demo, silence

from edge_ser.capture.source import ArraySource
from edge_ser.errors import OutputError, SettingsError
from edge_ser.pipeline import Pipeline
from edge_ser.recognizer import Recognizer
from edge_ser.settings import Settings
from edge_ser.speakers import enrol, known_speakers, load_speaker, path_of, save_speaker
from edge_ser.student.model_file import ModelFile

MODEL = ModelFile.load_bundled()


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def ordinary_speech() -> ArraySource:
    return ArraySource(np.concatenate([demo(), silence(20), demo()]), 16000)


def test_an_enrolled_speaker_is_heard_beside_themselves() -> None:
    heard: list[float] = []
    speaker = enrol(MODEL, ordinary_speech(), 8.0, heard.append)
    assert 8.0 <= speaker.speech_seconds < 9.0
    assert heard == sorted(heard)
    path = save_speaker("Anna", speaker)
    assert path.stat().st_size < 4000
    assert known_speakers() == ["Anna"]
    known, unknown = Pipeline(MODEL, Settings(speaker="Anna")), Pipeline(MODEL)
    for pipeline in (known, unknown):
        pipeline.push(demo())
    assert known.recognition().probabilities != unknown.recognition().probabilities
    with Recognizer(settings=Settings(speaker="Anna", baseline=False)) as recognizer:
        one, other = (recognizer.recognize(demo(), 16000) for _ in range(2))
    assert one == other


def test_how_the_audio_was_cut_does_not_count() -> None:
    pcm = np.concatenate([demo(), silence(20)])
    states = [enrol(MODEL, ArraySource(pcm, 16000, block_seconds=seconds), 60.0).state for seconds in (0.01, 0.0803, 1)]
    assert states[0] == states[1] == states[2]


def test_too_little_speech_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"Only 0\.0 s of speech"):
        enrol(MODEL, ArraySource(silence(100), 16000), 20.0)


def test_somebody_unknown_and_a_damaged_file_are_told() -> None:
    with pytest.raises(SettingsError, match="nobody yet"):
        load_speaker("Anna", MODEL)
    path_of("Anna").parent.mkdir(parents=True)
    path_of("Anna").write_text('{"format": 1')
    with pytest.raises(SettingsError, match="cannot be used"):
        load_speaker("Anna", MODEL)
    with pytest.raises(SettingsError, match="cannot be used"):
        Pipeline(MODEL, Settings(speaker="Anna"))


def test_another_model_needs_another_enrolment() -> None:
    speaker = enrol(MODEL, ordinary_speech(), 6.0)
    save_speaker("Anna", dataclasses.replace(speaker, tflite_sha256="0" * 64))
    with pytest.raises(SettingsError, match="another model"):
        load_speaker("Anna", MODEL)
    without = ModelFile(MODEL.tflite, dataclasses.replace(MODEL.metadata, baseline=None), MODEL.card)
    with pytest.raises(SettingsError, match="no baseline"):
        load_speaker("Anna", without)
    with pytest.raises(SettingsError, match="no baseline"):
        enrol(without, ordinary_speech(), 6.0)
    assert Pipeline(without).push(demo()[:16000])  # and nobody is learnt


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "a\nb"])
def test_a_name_cannot_be_a_path(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be called"):
        path_of(name)


def test_a_folder_that_cannot_be_written_is_told(data_folder: Path) -> None:
    speaker = enrol(MODEL, ordinary_speech(), 6.0)
    (data_folder / "edge-ser").write_text("a file in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        save_speaker("Anna", speaker)
