"""The teachers of a run: trained, asked, and made one whose answers the student learns."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.distill import soft_targets
from convert.ensemble import cross_fitted, speaker_folds, stack, stacked_logits, teacher_weights
from convert.examples import Examples
from convert.networks import build, scales
from convert.predict import predict
from convert.prepare import Prepared, examples_of
from convert.recipe import Network
from convert.stages import INPUTS, run_stage
from convert.train import WEIGHTS
from convert.training_stage import train_network

LOGITS = "logits.npy"

log = logging.getLogger(__name__)


def teach(
    prepared: Prepared,
    teacher: Network,
    taught: Examples,
    out: Path,
    *,
    start: Path | None = None,
    fold: tuple[int, NDArray[np.bool_]] | None = None,
) -> Path:
    """Train a teacher; return the folder with its logits on every training utterance and copy.

    Parameters
    ----------
    prepared, teacher, taught, out
        Utterances without labels it is asked about, and does not learn from.
    start : Path, optional
        Folder with weights to begin from.
    fold : (int, bool array (n,)), optional
        Number and members of a fold that it is asked about and does not learn from either.
    """
    heard = np.ones(len(taught.start), bool) if taught.labelled is None else taught.labelled.copy()
    if fold is not None:
        heard &= ~fold[1]
    begin = () if fold is None else (f"without fold {fold[0]} of {prepared.recipe.distillation.folds}",)
    stage = f"teacher-{teacher.architecture}"
    folder = train_network(prepared, teacher, taught.only(heard), out, stage, start=start, begin=begin)

    def make(place: Path) -> None:
        model = build(prepared, teacher, teacher.training.precision)
        model.load_weights(folder / WEIGHTS)
        np.save(place / LOGITS, predict(model, taught, **scales(prepared, teacher)))

    return run_stage(out, f"soft-{teacher.architecture}", {"teacher": folder.name, "utterances": prepared.digest}, make)


def distilled(
    prepared: Prepared, taught: Examples, soft: list[Path], out: Path, starts: Sequence[Path] = ()
) -> Examples:
    """Return the examples with what the teachers say together as soft targets; see `convert.ensemble`."""
    distillation, teachers = prepared.recipe.distillation, prepared.recipe.teachers
    logits = [np.load(folder / LOGITS) for folder in soft]
    weights = None
    if distillation.ensemble == "weighted":
        judged = examples_of(prepared, prepared.split.validation, variants=False)
        answers = [
            ask_teacher(prepared, teacher, judged, folder) for teacher, folder in zip(teachers, soft, strict=True)
        ]
        weights = teacher_weights(answers, judged.target, judged.counts_as, judged.weight)
        log.info("teachers' weights: %s", weights.round(3).tolist())
    elif distillation.ensemble == "stacked":
        logits = [stack_teachers(prepared, taught, logits, out, starts)]
    return taught.with_soft(soft_targets(logits, taught.counts_as, distillation.temperature, weights))


def trained_by(soft: Path) -> Path:
    """Return the folder with the weights of the teacher whose answers are in `soft`."""
    return soft.parent / str(json.loads((soft / INPUTS).read_text(encoding="utf-8"))["teacher"])


def ask_teacher(prepared: Prepared, teacher: Network, asked: Examples, soft: Path) -> NDArray[np.float32]:
    """Return the logits (n, n_classes) of the teacher whose answers are in `soft`, on other utterances."""
    model = build(prepared, teacher, teacher.training.precision)
    model.load_weights(trained_by(soft) / WEIGHTS)
    return predict(model, asked, **scales(prepared, teacher))


def stack_teachers(
    prepared: Prepared, taught: Examples, logits: list[NDArray[np.float32]], out: Path, starts: Sequence[Path]
) -> NDArray[np.float32]:
    """Return what a machine above the teachers says of each training utterance, (n, n_classes) logits.

    No answer comes from a teacher or a machine that learnt from the utterance's speaker.
    """
    outside, fold = out_of_fold(prepared, taught, out, starts)
    known = np.ones(len(fold), bool) if taught.labelled is None else taught.labelled
    of_known = [each[known] for each in outside]
    learnt = (taught.target[known], taught.counts_as[known], taught.speaker[known])
    answers = np.zeros_like(logits[0])
    answers[known] = cross_fitted(of_known, *learnt, fold[known])
    if not known.all():
        machine = stack(of_known, *learnt)
        answers[~known] = stacked_logits(machine, [each[~known] for each in logits], taught.counts_as[~known])
    return answers


def out_of_fold(
    prepared: Prepared, taught: Examples, out: Path, starts: Sequence[Path]
) -> tuple[list[NDArray[np.float32]], NDArray[np.intp]]:
    """Return each teacher's logits on speakers that it had not heard, and the fold of each utterance."""
    count, teachers = prepared.recipe.distillation.folds, prepared.recipe.teachers
    fold = speaker_folds(taught.speaker, count)
    answers = [np.zeros(taught.counts_as.shape, np.float32) for _ in teachers]
    for number in range(count):
        inside = fold == number
        for nth, (teacher, start) in enumerate(zip_longest(teachers, starts)):
            folder = teach(prepared, teacher, taught, out, start=start, fold=(number, inside))
            answers[nth][inside] = np.load(folder / LOGITS)[inside]
    return answers, fold
