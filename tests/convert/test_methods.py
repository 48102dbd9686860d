"""The table of methods, teachers together, speech without labels: all on one tiny corpus, an epoch each."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from convert.cli import main
from convert.corpora.manifest import COLUMNS
from convert.corpora.synthetic import SENTENCES, make_corpus
from convert.errors import RecipeError
from convert.listing import sections
from convert.methods.judged import Judged, softmax
from convert.methods.measure import Result, measure_methods
from convert.methods.plan import BASE, DISTILLATION, ENSEMBLE, Method, changed, chosen, methods
from convert.methods.report import markdown, read_results, write_results
from convert.prepare import Prepared, examples_of, prepare
from convert.recipe import Recipe
from convert.recipe_file import RECIPES, load_recipe
from convert.teachers import distilled, teach

RECIPE = """
name = "tiny"
version = "0"
description = "d"
licence = "CC0-1.0"
ships = false
classes = ["neutral", "angry"]
label_of_class = {}
distillation = {folds = 2}
[data]
corpora = ["known"]
variants = 1
held_out = {known = ["01"]}
validation = {known = ["02"]}
[student]
architecture = "streaming_cnn"
options = {channels = [4], pools = [8], embedding = 4}
training = {epochs = 1, batch_size = 8, averaging = 0.0, max_frames = 80, early_answers = 0.0}
"""


@dataclass(frozen=True)
class Place:
    """Two corpora, of which one has no labels, and where runs are kept."""

    recipe: Recipe
    corpora: Path
    out: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("methods")
    make_corpus(folder / "corpora" / "known", range(1, 7), ("neutral", "angry"), SENTENCES[:1])
    make_corpus(folder / "corpora" / "unknown", range(7, 9), ("neutral", "angry"), SENTENCES[:1])
    manifest = folder / "corpora" / "unknown" / "manifest.csv"
    with manifest.open(newline="") as stream:
        rows = [{**row, "emotion": ""} for row in csv.DictReader(stream)]
    with manifest.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    return Place(load_recipe(folder / "tiny.toml"), folder / "corpora", folder / "out")


@pytest.fixture(autouse=True)
def _eagerly() -> Iterator[None]:
    """Tracing graphs would take longer than the few steps there are."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


TRIED = [
    Method(BASE, BASE),
    Method("stack", ENSEMBLE, {"teachers": ["tcn"], "distillation.ensemble": "stacked"}),
    Method("weighted", ENSEMBLE, {"teachers": ["tcn"], "distillation.ensemble": "weighted"}),
    Method("many terms", "loss", {f"student.training.losses.{name}": 0.1 for name in ("affect", "speaker_adversary")}),
    Method("impossible", "loss", {"student.training.curriculum": 0.5}),
    Method("misspelt", "loss", {"student.options": {"chanels": [4]}}),
]


def test_each_method_is_measured_kept_and_written(place: Place, tmp_path: Path) -> None:
    results = list(measure_methods(place.recipe, place.corpora, place.out, TRIED))
    assert [each.name for each in results] == [each.name for each in TRIED]
    base, stacked, weighted, terms, impossible, misspelt = results
    for each in (base, stacked, weighted, terms):
        assert not each.error
        assert 0 <= each.uar_low <= each.uar <= each.uar_high <= 1
        assert each.parameters > 0
    assert "curriculum needs teachers" in impossible.error
    assert "chanels" in misspelt.error
    assert base.after["labels in a conformal set, mean"] >= 1
    networks = {path.parent for path in place.out.glob("*/weights.h5")}
    assert sum(path.name.startswith("teacher-tcn") for path in networks) == 3, "one, and one without each fold"
    again = list(measure_methods(place.recipe, place.corpora, place.out, TRIED[:4]))
    assert again == results[:4]
    assert {path.parent for path in place.out.glob("*/weights.h5")} == networks, "nothing is trained twice"

    about = {"command": "edge-ser-convert methods tiny", "epochs": 1}
    write_results(results[:1], about, tmp_path / "table")
    write_results(results[1:], about, tmp_path / "table")
    assert read_results(tmp_path / "table.json", about) == results
    assert read_results(tmp_path / "table.json", {**about, "epochs": 2}) == [], "made otherwise, they are not kept"
    table = (tmp_path / "table.md").read_text()
    assert all(f"| {each.name} |" in table for each in results)
    assert "## After training" in table


@pytest.fixture(scope="module")
def with_unlabelled(place: Place) -> Prepared:
    data = replace(place.recipe.data, unlabelled=["unknown"])
    recipe = changed(replace(place.recipe, data=data), {"teachers": ["tcn"], "distillation.ensemble": "stacked"})
    return prepare(recipe, place.corpora, place.out)


def test_speech_without_labels_is_answered_by_teachers_who_did_not_learn_from_it(
    with_unlabelled: Prepared, place: Place
) -> None:
    prepared = with_unlabelled
    taught = examples_of(prepared, prepared.split.train, variants=True)
    assert taught.labelled is not None
    assert set(taught.corpus[~taught.labelled]) == {"unknown"}
    assert not set(taught.corpus[taught.labelled]) & {"unknown"}
    assert {clip.corpus for clip in map(prepared.recordings.clips.__getitem__, prepared.split.held_out)} == {"known"}
    soft = [teach(prepared, prepared.recipe.teachers[0], taught, place.out)]
    answered = distilled(prepared, taught, soft, place.out).soft
    assert answered is not None
    np.testing.assert_allclose(answered.sum(axis=1), 1, atol=1e-4)
    labels_changed = replace(taught, target=np.where(taught.labelled, taught.target, 1 - taught.target))
    np.testing.assert_array_equal(distilled(prepared, labels_changed, soft, place.out).soft, answered)


def test_copies_of_what_is_judged_are_trained_with_where_the_split_says_so_and_only_there(place: Place) -> None:
    trained = {}
    for split in ("random", "random-after-augmentation"):
        data = replace(place.recipe.data, split=split, share=0.25, held_out={}, validation={})
        prepared = prepare(replace(place.recipe, data=data), place.corpora, place.out)
        features, test = prepared.features, prepared.split.held_out
        taught = examples_of(prepared, prepared.split.train, variants=True)
        row_of = {int(start): row for row, start in enumerate(features.start[:-1])}
        rows = [row_of[int(start)] for start in taught.start]
        trained[split] = {int(features.variant[row]) for row in rows if features.clip[row] in test}
    assert trained == {"random": set(), "random-after-augmentation": {1}}


def test_utterances_of_a_clip_count_by_their_length() -> None:
    judged = Judged.__new__(Judged)
    examples = type("Stretches", (), {"frames": np.array([10, 30, 20])})()
    for name, value in {
        "classes": ["a", "b"],
        "clips": [0, 1, 2],
        "examples": examples,
        "place": np.array([0, 0, 2]),
    }.items():
        object.__setattr__(judged, name, value)
    logits = judged.clip_logits(np.array([[4.0, 0.0], [0.0, 4.0], [1.0, 2.0]]))
    np.testing.assert_allclose(logits, [[1, 3], [0, 0], [1, 2]])
    assert judged.heard.tolist() == [True, False, True]
    np.testing.assert_allclose(softmax(logits).sum(axis=1), 1)


def test_every_planned_method_is_a_valid_recipe_and_names_are_unique() -> None:
    base = load_recipe(RECIPES / "methods.toml")
    names = [each.name for each in methods()]
    assert len(set(names)) == len(names) > 50
    for method in methods():
        recipe = changed(base, method.changes)
        assert (recipe == base) == (method.kind == BASE), method.name
        assert not recipe.ships
    with pytest.raises(RecipeError, match="no key 'epoch'"):
        changed(base, {"student.training.epoch": 3})
    assert [each.name for each in chosen(["focal"], None)] == [BASE, "focal"]
    assert {each.kind for each in chosen(None, [DISTILLATION])} == {BASE, DISTILLATION}
    with pytest.raises(RecipeError, match="'fockal'"):
        chosen(["fockal"], None)


def test_a_result_that_failed_says_why_in_its_line() -> None:
    failed = Result("x", "loss", 0, *[0.0] * 7, error="no teachers")
    assert "| x | no teachers |" in markdown([failed], {"command": "c", "epochs": 1})


def test_the_list_has_a_line_for_every_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert "[student.training.losses]" in said
    for name in (
        "savee",
        "random-after-augmentation",
        "pitch",
        "tim_net",
        "codec",
        "mixup",
        "contrastive",
        "stacked",
        "pruning",
        "conformal",
    ):
        assert f" {name} " in said, name
    for kind, lines in sections().items():
        assert all(lines.values()), kind


def test_the_command_refuses_what_it_does_not_know(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--corpora", str(place.corpora), "--out", str(tmp_path)]
    assert main(["methods", "methods", *common, "--only", "fockal"]) == 2
    assert "fockal" in capsys.readouterr().err
    recipe = place.corpora.parent / "tiny.toml"
    assert main(["methods", str(recipe), *common, "--fold", "9"]) == 2
    assert "no fold 9" in capsys.readouterr().err


def test_the_command_writes_its_table(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = place.corpora.parent / "tiny.toml"
    command = ["methods", str(recipe), "--corpora", str(place.corpora), "--out", str(place.out), "--only", "focal"]
    assert main([*command, "--results", str(tmp_path / "quality" / "methods")]) == 0
    assert "focal: UAR" in capsys.readouterr().out
    plain = json.loads((tmp_path / "quality" / "methods.json").read_text())
    assert [each["name"] for each in plain["methods"]] == [BASE, "focal"]
    assert str(place.out) not in plain["about"]["command"]
