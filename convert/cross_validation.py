"""The honest figure for a recipe: every speaker of a corpus is tested once, by a student who never heard that speaker.

Harder still: every corpus is tested once, by a student who heard none of it, neither its people nor its microphones.

Each fold is a whole run with its own teachers, student, pruning, quantisation and calibration; what is judged is
the int8 student. Decoding and augmentation are shared, since they depend on no split.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convert.corpora.manifest import Clip, read_corpus
from convert.errors import RecipeError
from convert.evaluate.judge import COMMON, Judged
from convert.evaluate.report import from_plain, to_plain
from convert.recipe import Recipe
from convert.splits import folds_of

RESULTS = "folds.json"
AVERAGED = ("uar", "wa", "macro_f1", "ece", "nll", "brier", "wa_at_coverage")


@dataclass(frozen=True, slots=True)
class Fold:
    """One run of a cross-validation."""

    seed: int
    number: int

    speakers: list[str]
    """Who was tested."""

    judged: list[Judged]


def cross_validate(
    recipe: Recipe,
    corpora: Path,
    out: Path,
    corpus: str | None,
    seeds: Iterable[int],
    only: Collection[int] | None = None,
) -> list[Fold]:
    """Run a recipe once for each fold and seed; what is done is kept, so a run that was stopped goes on.

    Parameters
    ----------
    recipe : Recipe
        Its held-out speakers do not count; those of other corpora are trained on.
    corpora, out : Path
        As in `convert.run.run`.
    corpus : str, optional
        Whose speakers are tested: in the folds of the literature, else one at a time. Without it each corpus that tells
        the `COMMON` labels apart is tested as a whole.
    seeds : iterable of int
    only : collection of int, optional
        Numbers of the folds to run; all where it is not given.

    Raises
    ------
    RecipeError
        Pretraining would hear the speakers who are tested.
    EdgeSerError
        As `convert.run.run`.
    """
    if recipe.pretraining and (corpus is None or corpus in recipe.pretraining.corpora):
        heard = corpus or recipe.pretraining.corpora[0]
        raise RecipeError(f"{recipe.name} pretrains on {heard}", "Test another corpus, or take it out of pretraining")
    # Imported here: folds can be listed and averaged without TensorFlow.
    from convert.run import run

    tested = [corpus] if corpus else [name for name in recipe.data.corpora if _tells_common(recipe, corpora / name)]
    done: list[Fold] = []
    for seed in seeds:
        number = 0
        for name in tested:
            clips = read_corpus(corpora / name, recipe.classes)[1]
            everybody = frozenset(clip.speaker.removeprefix(f"{name}/") for clip in clips)
            for speakers in folds_of(clips, name) if corpus else [everybody]:
                if only is None or number in only:
                    one = fold_recipe(recipe, clips, name, speakers, seed, number)
                    figures = run(one, corpora, out).with_suffix(".json")
                    judged = from_plain(json.loads(figures.read_text(encoding="utf-8")))
                    done.append(Fold(seed, number, sorted(speakers), judged))
                    write_results(done, out / f"{recipe.name}-{corpus or 'corpora'}-{RESULTS}")
                number += 1
    return done


def fold_recipe(
    recipe: Recipe, clips: Sequence[Clip], corpus: str, speakers: Collection[str], seed: int, number: int
) -> Recipe:
    """Return the recipe of one fold.

    Parameters
    ----------
    recipe : Recipe
    clips : sequence of Clip
        Of the corpus.
    corpus : str
    speakers : collection of str
        To hold out, under the corpus's own names.
    seed, number : int
        Of the fold; they also draw its validation speakers, a woman and a man where both are left.
    """
    rng = np.random.default_rng([seed, number])
    left: dict[str, set[str]] = {}
    for clip in clips:
        name = clip.speaker.removeprefix(f"{corpus}/")
        if name not in speakers:
            left.setdefault(clip.gender, set()).add(name)
    chosen = [str(rng.choice(sorted(names))) for _, names in sorted(left.items()) if len(names) > 1]
    validation = {name: names for name, names in recipe.data.validation.items() if name != corpus}
    if chosen:
        validation[corpus] = chosen
    data = replace(recipe.data, held_out={corpus: sorted(speakers)}, validation=validation)
    return replace(recipe, name=f"{recipe.name}-{corpus}-s{seed}-f{number}", seed=seed, data=data)


def _tells_common(recipe: Recipe, folder: Path) -> bool:
    told_apart = read_corpus(folder, recipe.classes)[0].told_apart
    return set(COMMON) <= {recipe.label_of_class.get(name, name) for name in told_apart}


def averages(folds: Sequence[Fold]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the mean figures over folds and seeds, by set and form of the student, and the worst speaker of all."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in dict.fromkeys(each.name for fold in folds for each in fold.judged):
        of_set = [each for fold in folds for each in fold.judged if each.name == name]
        found[name] = {}
        for form in of_set[0].measures:
            measures = [each.measures[form] for each in of_set]
            means = {figure: float(np.mean([getattr(one, figure) for one in measures])) for figure in AVERAGED}
            found[name][form] = {**means, "speaker_worst": min(one.speaker_worst for one in measures)}
    return found


def write_results(folds: Sequence[Fold], path: Path) -> None:
    """Write all folds and their averages as JSON."""
    plain: dict[str, Any] = {
        "mean": averages(folds),
        "folds": [
            {"seed": fold.seed, "fold": fold.number, "speakers": fold.speakers, "sets": to_plain(fold.judged)}
            for fold in folds
        ],
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
