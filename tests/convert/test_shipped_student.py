"""The student that ships is as good as its card says, on real recordings of people it never heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.evaluate.judge import STREAMING, judge
from convert.evaluate.model_file import held_out_speakers, read_clips
from convert.evaluate.students import ask, streaming_student
from edge_ser.student.model_file import ModelFile

TOLERANCE = 0.005  # of UAR: another processor's last bits may tip a near tie


def test_the_card_holds(corpora: Path) -> None:
    model = ModelFile.load_bundled()
    named = {name.split("/")[0] for name in model.metadata.provenance.held_out}
    if missing := sorted(name for name in named if not (corpora / name).is_dir()):
        pytest.skip(f"not all corpora are in {corpora}: {', '.join(missing)} missing")
    clips, told_apart = held_out_speakers(model, corpora)
    answers = ask(streaming_student(model), read_clips(corpora, clips), len(model.metadata.classes))
    assert answers.heard.mean() > 0.99
    judged = {each.name: each for each in judge(model, {STREAMING: answers}, clips, told_apart)}
    stated_of = {
        name.removesuffix(": UAR"): value for name, value in model.metadata.metrics.items() if name.endswith(": UAR")
    }
    assert set(stated_of) <= set(judged)
    assert next(iter(judged.values())).measures[STREAMING].recordings == len(clips)
    for name, stated in stated_of.items():
        each = judged[name]
        assert each.measures[STREAMING].uar > stated - TOLERANCE, each.name
        assert f"| {each.name} | {each.measures[STREAMING].recordings} |" in model.card


def test_speakers_who_are_held_out_are_not_in_the_recipes_training() -> None:
    from convert.recipe_file import RECIPES, load_recipe

    recipe = load_recipe(RECIPES / "default.toml")
    model = ModelFile.load_bundled()
    held_out = {f"{corpus}/{name}" for corpus, names in recipe.data.held_out.items() for name in names}
    assert set(model.metadata.provenance.held_out) == held_out
    assert recipe.version == model.metadata.version
    assert np.isfinite(list(model.metadata.metrics.values())).all()
