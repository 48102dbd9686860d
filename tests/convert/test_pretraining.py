"""Pretraining: networks begin with what they learnt from other people, and with nothing of those who are tested."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from convert.corpora.synthetic import SENTENCES, make_corpus
from convert.cross_validation import cross_validate
from convert.errors import RecipeError
from convert.recipe import Data, Network, Recipe, Training
from convert.run import Learnt, first_run, learn
from convert.teachers import trained_by
from convert.train import WEIGHTS

CLASSES = ["neutral", "angry"]
SHORT = Training(epochs=1, batch_size=4, averaging=0.0)
STILL = replace(SHORT, learning_rate=0.0)
RECIPE = Recipe(
    name="tiny",
    version="0.1.0",
    description="A test",
    licence="CC0-1.0",
    classes=CLASSES,
    label_of_class={},
    data=Data(["small"], held_out={"small": ["01"]}, validation={}, variants=0),
    pretraining=Data(["other"], held_out={}, validation={}, variants=0),
    teachers=[Network("cnn", {"channels": [4, 6], "embedding": 8}, STILL, SHORT)],
    student=Network("streaming_cnn", {"channels": [4, 6], "pools": [4, 2], "embedding": 8}, STILL, SHORT),
)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    make_corpus(folder / "small", (1, 2), CLASSES, SENTENCES[:1])
    make_corpus(folder / "other", (3, 4), CLASSES, SENTENCES[:2])
    return folder


@pytest.fixture(scope="module")
def both(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Learnt, Learnt]:
    out = tmp_path_factory.mktemp("out")
    first = learn(first_run(RECIPE), corpora, out)
    return first, learn(RECIPE, corpora, out)


def kernels(folder: Path) -> list[bytes]:
    """Return what is in each kernel, in an order that does not depend on how many layers Keras has named before."""
    found: list[bytes] = []
    with h5py.File(folder / WEIGHTS) as file:
        file.visititems(lambda name, item: found.append(item[()].tobytes()) if name.endswith("kernel:0") else None)
    return sorted(found)


def test_the_first_training_hears_only_its_own_recordings(both: tuple[Learnt, Learnt]) -> None:
    first, second = both
    assert {clip.corpus for clip in first.prepared.recordings.clips} == {"other"}
    assert {clip.corpus for clip in second.prepared.recordings.clips} == {"small"}


def test_teacher_and_student_begin_with_what_they_learnt_first(both: tuple[Learnt, Learnt]) -> None:
    """The second training has a learning rate of nothing, so it ends where it began."""
    first, second = both
    teachers = (trained_by(first.soft[0]), trained_by(second.soft[0]))
    for before, after in (teachers, (first.student, second.student)):
        assert before.name != after.name
        assert len(kernels(before)) >= 4
        assert kernels(after) == kernels(before)


def test_a_corpus_whose_speakers_are_tested_is_no_pretraining(corpora: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="pretrains on other"):
        cross_validate(RECIPE, corpora, tmp_path, "other", [0])
