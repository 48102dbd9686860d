"""Corrections as training data: what people said that was wrong, beside the utterances of the corpora.

Their features were made on a board by the statistics in its model file. They fit a run that has the same: the recipe
and the corpora of that model, to which the corrections are added.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import FeedbackDataError
from convert.examples import Examples
from convert.features import INT8
from convert.packing import student_features
from convert.prepare import Prepared, class_weights, counting
from convert.recipe import Recipe
from convert.stages import run_stage
from edge_ser.feedback import Correction, front_end_sha256, read_export

CORPUS = "feedback"
"""What the corrections are called beside the corpora; `sampling` of a recipe may name it."""

CHUNK_FRAMES = 1 << 16  # copied at a time

log = logging.getLogger(__name__)


def add_feedback(prepared: Prepared, taught: Examples, file: Path, out: Path) -> tuple[Prepared, Examples]:
    """Return a run's data with the corrections in a file added to what is taught.

    Parameters
    ----------
    prepared : Prepared
    taught : Examples
        Of the training speakers.
    file : Path
        That `edge-ser feedback --export` wrote.
    out : Path
        Folder of the run.

    Raises
    ------
    FeedbackError, FeedbackDataError
        The file cannot be read; its corrections do not fit, or there are none with features.
    """
    added = feedback_examples(file, prepared)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    folder = run_stage(
        out, CORPUS, {"file": digest, "features": prepared.digest}, lambda place: _write(taught, added, place)
    )
    features = np.memmap(folder / INT8, np.int8, "r").reshape(-1, taught.features.shape[1])
    log.info("%d corrections are taught beside %d clips", added.draws, taught.draws)
    changed = replace(prepared, digest=folder.name, corrections=added.draws)
    return changed, joined(taught, added, features, prepared.recipe.data.sampling.get(CORPUS, 1.0))


def feedback_examples(file: Path, prepared: Prepared) -> Examples:
    """Return the corrections that have features as examples; those without taught nobody anything.

    Raises
    ------
    FeedbackError, FeedbackDataError
        As `add_feedback`.
    """
    recipe, own = prepared.recipe, front_end_sha256(student_features(prepared))
    targets, stretches = [], []
    for correction in read_export(file):
        if correction.heard is None:
            continue
        if correction.heard.front_end_sha256 != own:
            raise FeedbackDataError(
                f"The correction {correction.id} has features of another front end (of {correction.model}: "
                f"{correction.heard.front_end_sha256[:12]}, here {own[:12]})",
                "Run the recipe and the corpora that this model was made with, or leave the correction out",
            )
        targets.append(_class_of(correction, recipe))
        stretches.append(correction.heard.array())
    if not targets:
        raise FeedbackDataError(f"{file} holds no correction with features", "Ask for consent, or leave --feedback out")
    frames = np.array([len(stretch) for stretch in stretches], np.int64)
    target, corpus = np.array(targets, np.int64), np.full(len(targets), CORPUS)
    # People say labels: of the classes that share one they tell none apart.
    places = counting(recipe, {recipe.classes[_first_class(label, recipe)] for label in recipe.labels})
    return Examples(
        features=np.concatenate(stretches),
        start=np.cumsum(frames) - frames,
        frames=frames,
        corpus=corpus,
        target=target,
        counts_as=np.tile(np.array(places, np.int32), (len(targets), 1)),
        weight=class_weights(corpus, target, len(recipe.classes)),
        probability=np.full(len(targets), 1 / len(targets)),
        draws=len(targets),
    )


def joined(first: Examples, second: Examples, features: NDArray[np.int8], sampling: float) -> Examples:
    """Return both as one.

    Parameters
    ----------
    first, second : Examples
    features : int8 (frames of both, n_features)
        Those of the first, then those of the second.
    sampling : float
        How often a clip of the second is drawn, relative to one of the first.
    """
    probability = np.concatenate((first.probability * first.draws, second.probability * second.draws * sampling))
    return Examples(
        features=features,
        start=np.concatenate((first.start, second.start + len(first.features))),
        frames=np.concatenate((first.frames, second.frames)),
        corpus=np.concatenate((first.corpus, second.corpus)),
        target=np.concatenate((first.target, second.target)),
        counts_as=np.concatenate((first.counts_as, second.counts_as)),
        weight=np.concatenate((first.weight, second.weight)),
        probability=probability / probability.sum(),
        draws=first.draws + second.draws,
    )


def _class_of(correction: Correction, recipe: Recipe) -> int:
    if correction.label not in recipe.labels:
        raise FeedbackDataError(
            f"The correction {correction.id} says {correction.label!r}, which is no label of {recipe.name}",
            f"Leave it out, or add the label to the recipe; it has {', '.join(recipe.labels)}",
        )
    return _first_class(correction.label, recipe)


def _first_class(label: str, recipe: Recipe) -> int:
    """Return the class of a label, the first where it has several."""
    return next(i for i, name in enumerate(recipe.classes) if recipe.label_of_class.get(name, name) == label)


def _write(taught: Examples, added: Examples, folder: Path) -> None:
    with (folder / INT8).open("wb") as stream:
        for features in (taught.features, added.features):  # the first may be larger than memory
            for frame in range(0, len(features), CHUNK_FRAMES):
                stream.write(features[frame : frame + CHUNK_FRAMES].tobytes())
