"""A recipe from corpora to one verified file, stage after stage; read `run` from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures import architecture
from convert.balance import balance
from convert.calibration import calibrate
from convert.card.write import write_card
from convert.compress import prune, quantisation_aware
from convert.evaluate.run import evaluate_student
from convert.examples import Examples
from convert.export.run import export
from convert.feedback import add_feedback
from convert.networks import build
from convert.prepare import Prepared, examples_of, prepare
from convert.recipe import Network, Recipe
from convert.teachers import distilled, teach, trained_by
from convert.train import WEIGHTS
from convert.training_stage import steps_of, train_network


def run(recipe: Recipe, corpora: Path, out: Path, feedback: Path | None = None) -> Path:
    """Make the model file of a recipe.

    Parameters
    ----------
    recipe : Recipe
    corpora : Path
        Folder that holds one folder a corpus.
    out : Path
        Folder of the run: each stage keeps its result there, so that a run that was stopped goes on where it was.
    feedback : Path, optional
        Corrections to be taught too, see `convert.feedback`.

    Returns
    -------
    Path
        The model file; its card, its plots and the float student for comparison are beside it.

    Raises
    ------
    EdgeSerError
        Naming the file, key or stage, and the cure; stages that are done stay usable.
    """
    for network in (recipe.student, *recipe.teachers):
        architecture(network.architecture, **network.options)  # a wrong option is named before hours of work
    learnt = learn(recipe, corpora, out, feedback)
    prepared = learnt.prepared
    student = compress(learnt, out)
    if recipe.decision.offsets:
        balance(prepared, student[0])
    exported = export(prepared, student, out)
    decision = calibrate(prepared, exported, out)
    evaluation = evaluate_student(prepared, exported, decision, out)
    return write_card(prepared, exported, decision, evaluation, out)


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What the networks of a recipe have learnt."""

    prepared: Prepared

    taught: Examples
    """What the student was taught, with the teachers' answers."""

    soft: list[Path]
    """Folder of each teacher's answers on every training utterance and copy."""

    student: Path
    """Folder of the student's weights, before anything is made smaller."""


def first_run(recipe: Recipe) -> Recipe:
    """Return the recipe of a recipe's pretraining."""
    assert recipe.pretraining is not None

    def first(network: Network) -> Network:
        return replace(network, training=network.pretraining or network.training, pretraining=None)

    teachers = [first(teacher) for teacher in recipe.teachers]
    return replace(recipe, data=recipe.pretraining, student=first(recipe.student), teachers=teachers, pretraining=None)


def learn(recipe: Recipe, corpora: Path, out: Path, feedback: Path | None = None) -> Learnt:
    """Train the teachers, and on their answers the student; all begin with what they learnt in pretraining, if any."""
    first = None if recipe.pretraining is None else learn(first_run(recipe), corpora, out)
    prepared = prepare(recipe, corpora, out)
    taught = examples_of(prepared, prepared.split.train, variants=True)
    if feedback is not None:
        prepared, taught = add_feedback(prepared, taught, feedback, out)
    starts = [trained_by(soft) for soft in first.soft] if first else []
    soft = [
        teach(prepared, teacher, taught, out, start=start) for teacher, start in zip_longest(recipe.teachers, starts)
    ]
    if soft:
        taught = distilled(prepared, taught, soft, out, starts)
    names = [folder.name for folder in soft]
    student = train_network(prepared, recipe.student, taught, out, "student", soft=names, start=first and first.student)
    return Learnt(prepared, taught, soft, student)


def compress(learnt: Learnt, out: Path) -> tuple[keras.Model, str]:
    """Prune the student and make it ready for int8; return it and a digest of it."""
    prepared, taught, folder = learnt.prepared, learnt.taught, learnt.student
    recipe, soft = prepared.recipe, [each.name for each in learnt.soft]
    model = build(prepared, recipe.student)
    model.load_weights(folder / WEIGHTS)
    if recipe.pruning.sparsity:
        training = recipe.pruning.training
        pruned = prune(model, recipe.pruning.sparsity, steps_of(taught, training))
        folder = train_network(
            prepared, recipe.student, taught, out, "pruning", soft=soft, training=training,
            begin=(folder.name, recipe.pruning.sparsity), model=pruned.model,
        )  # fmt: skip
        pruned.model.load_weights(folder / WEIGHTS)
        model = pruned.strip()
    aware = quantisation_aware(model)
    folder = train_network(
        prepared, recipe.student, taught, out, "quantisation", soft=soft, training=recipe.quantisation.training,
        begin=(folder.name,), model=aware,
    )  # fmt: skip
    aware.load_weights(folder / WEIGHTS)
    return aware, folder.name
