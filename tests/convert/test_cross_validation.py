"""Cross-validation: every speaker is tested once, and nobody is tested by a student who heard or chose with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convert.corpora.manifest import Clip
from convert.cross_validation import Fold, averages, fold_recipe, write_results
from convert.evaluate.judge import Judged
from convert.evaluate.measures import measure
from convert.recipe_file import load_recipe
from convert.splits import folds_of, split_by_speaker

RECIPE = load_recipe(Path(__file__).parents[2] / "convert" / "recipes" / "default.toml")
CLIPS = [
    Clip("ravdess", f"{actor}-{take}.wav", f"ravdess/{actor:02d}", "fm"[actor % 2], "happy", "", "", "en", "")
    for actor in range(1, 25)
    for take in range(2)
]


@pytest.mark.parametrize("seed", [0, 1])
def test_each_speaker_is_tested_once_and_never_heard_before(seed: int) -> None:
    tested: list[str] = []
    for number, speakers in enumerate(folds_of(CLIPS, "ravdess")):
        recipe = fold_recipe(RECIPE, CLIPS, "ravdess", speakers, seed, number)
        held_out, validation = recipe.data.held_out, {"ravdess": recipe.data.validation["ravdess"]}
        split = split_by_speaker(CLIPS, held_out, validation)
        parts = [{CLIPS[clip].speaker for clip in part} for part in (split.train, split.validation, split.held_out)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 24
        assert len(parts[1]) == 2
        assert {CLIPS[clip].gender for clip in split.validation} == {"f", "m"}
        tested += held_out["ravdess"]
    assert sorted(tested) == [f"{actor:02d}" for actor in range(1, 25)]


def test_folds_and_seeds_have_names_of_their_own_and_share_what_no_split_touches() -> None:
    speakers = folds_of(CLIPS, "ravdess")
    recipes = [fold_recipe(RECIPE, CLIPS, "ravdess", speakers[n], s, n) for n in range(2) for s in range(2)]
    assert len({recipe.name for recipe in recipes}) == 4
    for recipe in recipes:
        assert set(recipe.data.held_out) == {"ravdess"}
        assert recipe.data.validation["emodb"] == RECIPE.data.validation["emodb"]
        same = {"data": RECIPE.data, "name": RECIPE.name, "seed": RECIPE.seed}
        assert replace(recipe, **same) == RECIPE


def test_a_corpus_that_is_tested_as_a_whole_has_nobody_left_to_choose_with() -> None:
    everybody = {clip.speaker.removeprefix("ravdess/") for clip in CLIPS}
    recipe = fold_recipe(RECIPE, CLIPS, "ravdess", everybody, 0, 0)
    assert recipe.data.held_out == {"ravdess": sorted(everybody)}
    assert set(recipe.data.validation) == set(RECIPE.data.validation) - {"ravdess"}


def test_averages_are_over_folds_and_the_worst_speaker_is_of_all(tmp_path: Path) -> None:
    def fold(number: int, right: int) -> Fold:
        shares = np.eye(2)[[0] * right + [1] * (4 - right)]
        speakers = ["own/a", "own/a", "own/b", "own/b"]
        found = measure(shares, np.zeros(4, int), ("a", "b"), speakers, ["f"] * 4)
        return Fold(0, number, ["a", "b"], [Judged("own, 2 labels", {"float": found, "int8": found})])

    folds = [fold(0, 4), fold(1, 3)]
    found = averages(folds)["own, 2 labels"]
    assert found["int8"]["uar"] == pytest.approx(0.875)
    assert found["int8"]["speaker_worst"] == 0.5
    write_results(folds, tmp_path / "folds.json")
    written = json.loads((tmp_path / "folds.json").read_text(encoding="utf-8"))
    assert written["mean"]["own, 2 labels"] == found
    assert [one["fold"] for one in written["folds"]] == [0, 1]
