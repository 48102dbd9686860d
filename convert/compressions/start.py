"""Where the float student of the table comes from: a run that is done, or stages that are made now."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from convert.corpora.recordings import open_recordings
from convert.errors import StageError
from convert.examples import Examples
from convert.features import open_features
from convert.prepare import Prepared, examples_of
from convert.recipe import Recipe
from convert.run import learn
from convert.splits import check_disjoint, split_by_speaker
from convert.stages import DONE
from convert.teachers import LOGITS, distilled
from convert.train import WEIGHTS

Start = tuple[Prepared, Examples, list[str], Path]
"""Data, what to learn from, the stages of its soft targets, and the file of the float student's weights."""


def start_anew(recipe: Recipe, corpora: Path, out: Path) -> Start:
    """Train teachers and student as `convert.run.run` does, or find them done."""
    learnt = learn(recipe, corpora, out)
    return learnt.prepared, learnt.taught, [folder.name for folder in learnt.soft], learnt.student / WEIGHTS


def start_from(recipe: Recipe, run: Path, weights: Path | None = None) -> Start:
    """Take the stages of a finished run as they are, whatever version of the code made them.

    Parameters
    ----------
    recipe : Recipe
        That made the run.
    run : Path
        Its folder.
    weights : Path, optional
        Of the float student; those of the run where it is not given.

    Raises
    ------
    StageError
        A stage is missing, or is not this recipe's.
    """
    recordings = open_recordings(_stage(run, "recordings"))
    written = _stage(run, "features")
    features = open_features(written)
    if features.options != recipe.features:
        raise StageError(f"{written} was made with other options than {recipe.name}", "Name the recipe of that run")
    split = split_by_speaker(recordings.clips, recipe.data.held_out, recipe.data.validation)
    check_disjoint(recordings.clips, recordings.pcm_sha256, split)
    prepared = Prepared(recipe, recordings, features, split, written.name)
    taught = examples_of(prepared, split.train, variants=True)
    soft = [_stage(run, f"soft-{teacher.architecture}") for teacher in recipe.teachers]
    if soft:
        if any(np.load(folder / LOGITS, "r").shape != taught.counts_as.shape for folder in soft):
            raise StageError(f"The teachers in {run} answered about other clips", "Name the recipe of that run")
        taught = distilled(prepared, taught, soft, run)
    return prepared, taught, [folder.name for folder in soft], weights or _stage(run, "student") / WEIGHTS


def _stage(run: Path, name: str) -> Path:
    """Return the stage's folder that was finished last."""
    found = sorted(run.glob(f"{name}-*/{DONE}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise StageError(f"{run} has no finished stage {name}", "Name the folder of a run that has ended")
    return found[-1].parent
