"""Corrections: features only with consent, files that are safe to read, a bounded number, and gone when deleted."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import demo

from edge_ser import Recognizer, Settings, feedback
from edge_ser.errors import FeedbackError
from edge_ser.feedback import store
from edge_ser.kept import KEPT_SECONDS, KeptUtterance
from edge_ser.segmenter import Segmenter
from edge_ser.student.strict import to_json

YES = feedback.Consent(feedback.CONSENT_VERSION, "2026-11-25T09:00:00+00:00")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(store, "folder", lambda: tmp_path / "edge-ser" / "feedback")
    return store.folder()


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    with Recognizer(settings=Settings(feedback=True)) as shared:
        shared.recognize(demo(), 16000)
        yield shared


@pytest.fixture
def utterance(recognizer: Recognizer) -> KeptUtterance:
    found = recognizer.last_utterance()
    assert found is not None
    return found


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    recognizer = Recognizer()
    recognizer.recognize(demo(), 16000)
    assert recognizer.last_utterance() is None


def test_what_is_kept_is_what_the_student_was_given_of_the_last_utterance(recognizer: Recognizer, utterance) -> None:
    metadata = recognizer.model.metadata
    segmenter = Segmenter(metadata.features, metadata.decision.hangover_seconds)
    steps: list[np.ndarray] = []
    pcm = np.pad(demo(), (0, -len(demo()) % segmenter.step_samples))
    for first in range(0, len(pcm), segmenter.step_samples):
        step = segmenter(pcm[first : first + segmenter.step_samples])
        steps = [*([] if step.onset else steps), *step.features]
    np.testing.assert_array_equal(utterance.features, np.concatenate(steps))
    assert utterance.decision.state in ("emotion", "uncertain")


def test_keeping_changes_no_decision() -> None:
    kept = Recognizer(settings=Settings(feedback=True)).recognize(demo(), 16000)
    assert kept == Recognizer().recognize(demo(), 16000)


def test_of_a_long_utterance_the_latest_is_kept() -> None:
    voice = demo()[14 * 1280 : 34 * 1280]  # without a pause
    recognizer = Recognizer(settings=Settings(feedback=True))
    recognizer.recognize(np.tile(voice, 30), 16000)
    assert len(recognizer.last_utterance().features) == KEPT_SECONDS * 100


def test_closing_forgets(recognizer: Recognizer) -> None:
    other = Recognizer(settings=Settings(feedback=True))
    other.recognize(demo(), 16000)
    assert other.last_utterance() is not None
    other.close()
    assert other.last_utterance() is None


def test_without_consent_there_is_the_answer_alone(recognizer: Recognizer, utterance) -> None:
    correction = feedback.correct(utterance, "sad", recognizer.model.metadata)
    path = feedback.save(correction)
    assert (correction.consent, correction.heard) == (None, None)
    assert path.stat().st_size < 1000
    assert set(json.loads(path.read_text())) == {"format", "id", "time", "label", "decided", "model", "tflite_sha256"}


def test_features_without_consent_are_refused_wherever_they_come_from(recognizer: Recognizer, utterance) -> None:
    with pytest.raises(FeedbackError, match="without consent"):
        replace(feedback.correct(utterance, "sad", recognizer.model.metadata, YES), consent=None)


def test_consent_to_another_text_is_none(recognizer: Recognizer, utterance) -> None:
    with pytest.raises(FeedbackError, match="version 7"):
        feedback.correct(utterance, "sad", recognizer.model.metadata, feedback.Consent(7, YES.time))


def test_with_consent_the_features_come_back_as_they_were(recognizer: Recognizer, utterance, tmp_path: Path) -> None:
    for label in ("sad", "angry"):
        feedback.save(feedback.correct(utterance, label, recognizer.model.metadata, YES))
    assert feedback.export(tmp_path / "export.jsonl") == 2
    read = list(feedback.read_export(tmp_path / "export.jsonl"))
    assert sorted(each.label for each in read) == ["angry", "sad"]
    for each in read:
        assert each.consent == YES
        np.testing.assert_array_equal(each.heard.array(), utterance.features)
        assert feedback.load_correction(each.id) == each
        assert each.heard.front_end_sha256 == feedback.front_end_sha256(recognizer.model.metadata.features)


def test_files_are_the_owners_alone(recognizer: Recognizer, utterance, data: Path, tmp_path: Path) -> None:
    path = feedback.save(feedback.correct(utterance, "sad", recognizer.model.metadata, YES))
    feedback.export(tmp_path / "export.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "export.jsonl").stat().st_mode) == 0o600


def test_an_unknown_label_is_refused(recognizer: Recognizer, utterance) -> None:
    with pytest.raises(FeedbackError, match="Choose one of neutral"):
        feedback.correct(utterance, "furious", recognizer.model.metadata)


def test_there_are_so_many_and_no_more(recognizer: Recognizer, utterance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_CORRECTIONS", 2)
    metadata = recognizer.model.metadata
    for _ in range(2):
        feedback.save(feedback.correct(utterance, "sad", metadata))
    with pytest.raises(FeedbackError, match="--delete all"):
        feedback.save(feedback.correct(utterance, "sad", metadata))
    assert len(feedback.known_corrections()) == 2


def test_what_is_deleted_is_gone(recognizer: Recognizer, utterance, data: Path) -> None:
    correction = feedback.correct(utterance, "sad", recognizer.model.metadata, YES)
    feedback.save(correction)
    feedback.delete(correction.id)
    assert list(data.iterdir()) == []
    with pytest.raises(FeedbackError, match="--list"):
        feedback.delete(correction.id)


@pytest.mark.parametrize(
    "id_", ["", "..", "../../etc/passwd", "20261125T092955-428fb695/../x", "20261125T092955-428fb695\n"]
)
def test_an_id_is_no_path(id_: str) -> None:
    for use in (feedback.delete, feedback.load_correction):
        with pytest.raises(FeedbackError):
            use(id_)


@settings(deadline=None)  # the machine may be busy
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_file_is_an_error_or_still_a_correction(
    place: int, byte: int, small_file: bytes, damaged: Path
) -> None:
    raw = bytearray(small_file)
    raw[place % len(raw)] = byte
    damaged.write_bytes(raw)
    with suppress(FeedbackError):  # nothing else may come of it
        for each in feedback.read_export(damaged):
            assert each.heard is None or each.consent is not None


@pytest.fixture(scope="module")
def small_file(recognizer: Recognizer) -> bytes:
    found = recognizer.last_utterance()
    short = KeptUtterance(found.decision, found.steps[:1])
    return to_json(feedback.correct(short, "sad", recognizer.model.metadata, YES), indent=None).encode()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "export.jsonl"


def test_an_endless_line_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_text('{"format": ' + "1" * store.MOST_BYTES * 3)
    with pytest.raises(FeedbackError, match="line 1"):
        list(feedback.read_export(file))
