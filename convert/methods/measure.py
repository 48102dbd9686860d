"""Trains a method's network and judges it, in float, on the held-out speakers; each result is a stage of its own."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.distill import soft_targets
from convert.ensemble import stack, stacked_logits, teacher_weights
from convert.evaluate.measures import LEAST_PROBABILITY
from convert.examples import Examples
from convert.methods.judged import Judged, after_training
from convert.methods.plan import BASE, ENSEMBLE, Method, changed
from convert.networks import build, scales
from convert.predict import predict
from convert.prepare import Prepared, examples_of, prepare
from convert.recipe import Recipe
from convert.stages import code_digest, run_stage
from convert.teachers import ask_teacher, distilled, out_of_fold, teach
from convert.train import WEIGHTS
from convert.training_stage import TRAINING_CODE, train_network
from edge_ser.errors import EdgeSerError

RESULT = "result.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What a method reached."""

    name: str
    kind: str
    parameters: int
    """Weights of all its networks."""

    uar: float
    """Of clips of the held-out speakers."""

    uar_low: float
    uar_high: float
    wa: float
    ece: float
    validation_uar: float
    train_seconds: float
    """Of the clock, in the run that ended it."""

    after: dict[str, float] = field(default_factory=dict)
    """What methods after training make of it; of the base alone."""

    error: str = ""
    """Why there are no figures."""


def measure_methods(recipe: Recipe, corpora: Path, out: Path, wanted: Sequence[Method]) -> Iterator[Result]:
    """Give the result of each method; what is done is kept, and one that fails does not stop the others."""
    for method in wanted:
        log.info("method: %s", method.name)
        try:
            yield measure_method(changed(recipe, method.changes), method, corpora, out)
        except EdgeSerError as error:
            log.warning("%s: %s", method.name, error)
            yield Result(method.name, method.kind, 0, *[0.0] * 7, error=str(error))


def measure_method(recipe: Recipe, method: Method, corpora: Path, out: Path) -> Result:
    """Return the result of one method.

    Parameters
    ----------
    recipe : Recipe
        Changed as the method wants.
    method : Method
    corpora, out : Path
        As in `convert.run.run`.
    """
    prepared = prepare(recipe, corpora, out)
    inputs = {
        "method": [method.name, method.kind],
        "recipe": asdict(recipe),
        "features": prepared.digest,
        "code": code_digest(
            *TRAINING_CODE, "convert/methods/measure.py", "convert/methods/judged.py", "convert/evaluate/measures.py"
        ),
    }

    def make(place: Path) -> None:
        began = time.monotonic()
        judged = [Judged.of(prepared, part) for part in (prepared.split.validation, prepared.split.held_out)]
        answers, parameters = _answers(prepared, method, [each.examples for each in judged], out)
        validation, held_out = (each.clip_logits(said) for each, said in zip(judged, answers, strict=True))
        found = judged[1].figures(held_out)
        result = Result(
            method.name, method.kind, parameters, found.uar, found.uar_low, found.uar_high, found.wa, found.ece,
            judged[0].figures(validation).uar, round(time.monotonic() - began, 1),
            after_training(judged, [validation, held_out]) if method.kind == BASE else {},
        )  # fmt: skip
        (place / RESULT).write_text(json.dumps(asdict(result)), encoding="utf-8")

    stage = run_stage(out, "method", inputs, make)
    return Result(**json.loads((stage / RESULT).read_text(encoding="utf-8")))


def _answers(
    prepared: Prepared, method: Method, asked: Sequence[Examples], out: Path
) -> tuple[list[NDArray[np.float32]], int]:
    """Train; return the logits on each set of utterances, and how many weights gave them."""
    recipe = prepared.recipe
    taught = examples_of(prepared, prepared.split.train, variants=True)
    soft = [teach(prepared, teacher, taught, out) for teacher in recipe.teachers]
    if method.kind == ENSEMBLE:
        return _ask_ensemble(prepared, taught, soft, asked, out)
    if soft:
        taught = distilled(prepared, taught, soft, out)
    folder = train_network(prepared, recipe.student, taught, out, "student", soft=[each.name for each in soft])
    model = build(prepared, recipe.student)
    model.load_weights(folder / WEIGHTS)
    return [predict(model, each, **scales(prepared, recipe.student)) for each in asked], model.count_params()


def _ask_ensemble(
    prepared: Prepared, taught: Examples, soft: Sequence[Path], asked: Sequence[Examples], out: Path
) -> tuple[list[NDArray[np.float32]], int]:
    recipe = prepared.recipe
    teachers = recipe.teachers
    said = [
        [ask_teacher(prepared, each, of, folder) for each, folder in zip(teachers, soft, strict=True)] for of in asked
    ]
    parameters = sum(build(prepared, each).count_params() for each in teachers)
    if recipe.distillation.ensemble == "stacked":
        outside, _ = out_of_fold(prepared, taught, out, ())
        machine = stack(outside, taught.target, taught.counts_as, taught.speaker)
        answers = [stacked_logits(machine, each, of.counts_as) for each, of in zip(said, asked, strict=True)]
        return answers, parameters
    weights = None
    if recipe.distillation.ensemble == "weighted":
        weights = teacher_weights(said[0], asked[0].target, asked[0].counts_as, asked[0].weight)
    shares = [soft_targets(each, of.counts_as, 1.0, weights) for each, of in zip(said, asked, strict=True)]
    return [np.log(np.maximum(each, LEAST_PROBABILITY)) for each in shares], parameters
