"""Corrections as training data: the same features as on the board, each label where it belongs, and no stranger's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convert.errors import FeedbackDataError
from convert.examples import epoch_batches
from convert.feedback import add_feedback, feedback_examples
from convert.packing import student_features
from convert.prepare import Prepared, examples_of, prepare
from convert.recipe_file import load_recipe
from edge_ser.errors import FeedbackError
from edge_ser.events import Event, Flags
from edge_ser.feedback import CONSENT_VERSION, Consent, Correction, correct
from edge_ser.kept import KeptUtterance
from edge_ser.student.metadata import Metadata
from edge_ser.student.model_file import ModelFile
from edge_ser.student.strict import to_json

RECIPE = """
name = "small"
version = "0"
description = "d"
licence = "CC0-1.0"
classes = ["neutral", "calm", "happy", "angry"]
label_of_class = {calm = "neutral"}

[data]
corpora = ["small"]
variants = 0
held_out = {small = ["02"]}
validation = {}
sampling = {feedback = 2.0}

[student]
architecture = "streaming_cnn"
"""

DECISION = Event(
    time=1.0, state="emotion", emotion="happy", probabilities={"happy": 1.0}, confidence=1.0, valence=0.8, arousal=0.5,
    speech=True, speech_seconds=1.0, attention=0.1, level_dbfs=-25.0, flags=Flags(),
)  # fmt: skip

YES = Consent(CONSENT_VERSION, "2026-11-25T09:00:00+00:00")


@pytest.fixture(scope="module")
def prepared(small_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("run")
    (folder / "recipe.toml").write_text(RECIPE)
    return prepare(load_recipe(folder / "recipe.toml"), small_corpora, folder)


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> Metadata:
    """What a model file of this run says of itself."""
    return replace(ModelFile.load_bundled().metadata, features=student_features(prepared))


def correction(prepared: Prepared, model: Metadata, row: int, label: str, consent: Consent | None = YES) -> Correction:
    frames = prepared.features.row(row)
    return correct(KeptUtterance(DECISION, tuple(np.split(frames, len(frames) // 8))), label, model, consent)


def exported(folder: Path, *corrections: Correction) -> Path:
    file = folder / "export.jsonl"
    file.write_text("".join(to_json(each, indent=None) for each in corrections), encoding="utf-8")
    return file


def test_a_correction_is_taught_as_what_the_board_heard_and_somebody_said(prepared, model, tmp_path: Path) -> None:
    said = [(0, "happy"), (3, "neutral"), (1, "angry")]
    unheard = correction(prepared, model, 2, "happy", consent=None)
    file = exported(tmp_path, unheard, *(correction(prepared, model, *each) for each in said))
    found = feedback_examples(file, prepared)
    classes = prepared.recipe.classes
    assert [classes[i] for i in found.target] == ["happy", "neutral", "angry"]
    for i, (row, _) in enumerate(said):
        stretch = found.features[found.start[i] : found.start[i] + found.frames[i]]
        np.testing.assert_array_equal(stretch, prepared.features.row(row))
    # Nobody who says `neutral` tells whether it was calm: calm counts as neutral, as in a corpus without it.
    assert found.counts_as.tolist() == [[0, 0, 2, 3]] * 3
    assert found.draws == 3


def test_corrections_are_drawn_beside_the_corpora_as_often_as_the_recipe_says(prepared, model, tmp_path: Path) -> None:
    taught = examples_of(prepared, prepared.split.train, variants=True)
    file = exported(tmp_path, *(correction(prepared, model, row, "angry") for row in (0, 1)))
    changed, both = add_feedback(prepared, taught, file, tmp_path)
    assert both.draws == taught.draws + 2
    assert both.probability.sum() == pytest.approx(1)
    own = both.corpus == "feedback"
    assert both.probability[own].sum() == pytest.approx(2 * 2 / (taught.draws + 2 * 2))
    for i in np.flatnonzero(own):
        stretch = both.features[both.start[i] : both.start[i] + both.frames[i]]
        np.testing.assert_array_equal(stretch, prepared.features.row(int(i) - len(taught.start)))
    np.testing.assert_array_equal(both.features[: len(taught.features)], taught.features)
    drawn = [batch.index for _ in range(5) for batch in epoch_batches(both, 4, 400, np.random.default_rng(0))]
    assert own[np.concatenate(drawn)].any()
    assert changed.digest != prepared.digest  # so that no network of before is taken for one of now
    assert changed.corrections == 2


def test_features_of_another_front_end_are_refused(prepared, tmp_path: Path) -> None:
    strange = correction(prepared, ModelFile.load_bundled().metadata, 0, "angry")
    with pytest.raises(FeedbackDataError, match=f"{strange.id} has features of another front end"):
        feedback_examples(exported(tmp_path, strange), prepared)


def test_a_label_that_the_recipe_has_not_is_refused(prepared, model, tmp_path: Path) -> None:
    with pytest.raises(FeedbackDataError, match="'fearful', which is no label of small"):
        feedback_examples(exported(tmp_path, correction(prepared, model, 0, "fearful")), prepared)


def test_a_file_without_features_teaches_nothing_and_says_so(prepared, model, tmp_path: Path) -> None:
    with pytest.raises(FeedbackDataError, match="no correction with features"):
        feedback_examples(exported(tmp_path, correction(prepared, model, 0, "angry", consent=None)), prepared)
    with pytest.raises(FeedbackError, match="--export"):
        feedback_examples(tmp_path / "nothing.jsonl", prepared)
