"""Changes, ablation and search: keys are changed or refused by name, differences have intervals, work is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.ablation import BASE, Difference, differences, variant
from convert.changes import change_table, parse_changes
from convert.cli import main
from convert.errors import RecipeError
from convert.recipe import Recipe
from convert.recipe_file import load_recipe

SMOKE = Path(__file__).parents[2] / "convert" / "recipes" / "smoke.toml"


def test_a_changed_recipe_differs_in_that_key_alone() -> None:
    plain, changed = load_recipe(SMOKE), load_recipe(SMOKE, parse_changes(["teachers.1.training.epochs=7"]))
    assert changed.teachers[1].training.epochs == 7
    assert changed.teachers[0] == plain.teachers[0]
    assert changed.student == plain.student
    assert load_recipe(SMOKE, parse_changes(["augment.noise.probability=0"])).augment.noise.probability == 0


@pytest.mark.parametrize("text", ["student.epocks=3", "teachers.5.architecture=cnn", "name.first=a", "no value", "=3",
                                  "seed=much"])  # fmt: skip
def test_a_change_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(SMOKE, parse_changes([text]))
    assert caught.value.cure


def test_changing_leaves_the_table_as_it_was() -> None:
    table = {"a": {"b": 1}}
    assert change_table(table, {"a.b": 2, "c.d": 3}) == {"a": {"b": 2}, "c": {"d": 3}}
    assert table == {"a": {"b": 1}}


def test_a_difference_is_paired_by_seed() -> None:
    """Seeds differ by much more than the switch changes; within each seed it changes the same."""
    one = Difference("x=1", "all", (0.50, 0.60, 0.70), (0.52, 0.62, 0.72))
    assert one.mean == pytest.approx(0.02)
    assert one.interval == (pytest.approx(0.02), pytest.approx(0.02))
    unsure = Difference("x=1", "all", (0.5, 0.6, 0.7), (0.6, 0.5, 0.75))
    low, high = unsure.interval or (0.0, 0.0)
    assert low < 0 < high
    assert Difference("x=1", "all", (0.5,), (0.6,)).interval is None


def test_each_switch_is_compared_with_the_recipe_on_the_same_recordings() -> None:
    uar = {BASE: [{"all": 0.5, "one": 0.4}], "x=1": [{"all": 0.6, "one": 0.3}], "y=2": [{"all": 0.5}]}
    found = {(each.switch, each.recordings): each.mean for each in differences(uar)}
    assert found == {("x=1", "all"): pytest.approx(0.1), ("x=1", "one"): pytest.approx(-0.1), ("y=2", "all"): 0.0}


def test_runs_have_names_of_their_own() -> None:
    recipe = load_recipe(SMOKE)
    names = {variant(recipe, name, seed).name for name in (BASE, "augment.noise.probability=0") for seed in (0, 1)}
    assert len(names) == 4
    assert all("/" not in name and " " not in name for name in names)


def test_a_search_goes_on_where_it_was_stopped_and_finds_the_better_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna", reason="pip install optuna")
    asked: list[Recipe] = []

    def uar(
        recipe: Recipe, corpora: Path, out: Path
    ) -> float:  # training itself is tested elsewhere, and takes minutes
        asked.append(recipe)
        return 1 - abs(recipe.distillation.alpha - 0.3)

    monkeypatch.setattr("convert.search.validation_uar", uar)
    space = tmp_path / "space.toml"
    space.write_text(
        '"distillation.alpha" = {low = 0.0, high = 1.0}\n"student.options.embedding" = {choices = [16, 24]}\n'
    )
    command = ["search", "smoke", "--corpora", str(tmp_path), "--space", str(space), "--out", str(tmp_path / "out")]
    (tmp_path / "synthetic").mkdir()
    (tmp_path / "synthetic" / "manifest.csv").write_text("")
    assert main([*command, "--trials", "6"]) == 0
    assert len(asked) == 6
    assert main([*command, "--trials", "25"]) == 0
    assert len(asked) == 25
    best = capsys.readouterr().out.rsplit("--set distillation.alpha=", 1)[1].split()[0]
    assert abs(float(best) - 0.3) < 0.1
    assert {recipe.student.options["embedding"] for recipe in asked} == {16, 24}


@pytest.mark.parametrize(
    "line",
    ["seed = 3", "seed = {low = 3}", "seed = {choices = []}", "seed = {low = 3, high = 1}",
     "sead = {low = 1, high = 3}", "seed = {"],
)  # fmt: skip
def test_a_space_that_says_nothing_is_refused_before_anything_is_trained(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna", reason="pip install optuna")
    space = tmp_path / "space.toml"
    space.write_text(line + "\n")
    (tmp_path / "synthetic").mkdir()
    (tmp_path / "synthetic" / "manifest.csv").write_text("")
    command = ["search", "smoke", "--corpora", str(tmp_path), "--space", str(space), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert capsys.readouterr().err.startswith("edge-ser-convert: ")


def test_an_ablation_without_seeds_or_with_a_wrong_key_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "synthetic").mkdir()
    (tmp_path / "synthetic" / "manifest.csv").write_text("")
    command = ["ablate", "smoke", "--corpora", str(tmp_path), "--out", str(tmp_path / "out"), "--switch"]
    assert main([*command, "augment.nois.probability=0"]) == 2
    assert "'nois'" in capsys.readouterr().err
    assert main([*command, "seed=1", "--seeds", "0"]) == 2
