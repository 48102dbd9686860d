"""A recipe from corpora to one verified file, stage after stage; read `run` from top to bottom."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert import distribution
from convert.architectures import architecture
from convert.balance import class_offsets
from convert.calibration import calibrate, corpus_weights
from convert.card.write import write_card
from convert.compress import prune, quantisation_aware
from convert.distill import soft_targets
from convert.ensemble import cross_fitted, speaker_folds, stack, stacked_logits, teacher_weights
from convert.errors import RecipeError
from convert.evaluate.run import evaluate_student
from convert.examples import Examples
from convert.export.assemble import AFFECT
from convert.export.parity import check_parity
from convert.export.streaming_step import streaming_step
from convert.export.tflite import to_tflite
from convert.feedback import add_feedback
from convert.prepare import Prepared, examples_of, prepare
from convert.recipe import Network, Recipe, Training
from convert.stages import INPUTS, code_digest, run_stage
from convert.train import WEIGHTS, predict, train

LOGITS = "logits.npy"
INT8, FLOAT = "student.int8.tflite", "student.float.tflite"

TRAINING_CODE = (
    "convert/architectures",
    "convert/losses",
    *(f"convert/{file}.py" for file in ("train", "examples", "mixup", "curriculum", "class_weights", "ensemble")),
)

log = logging.getLogger(__name__)

Wrap = Callable[[keras.Model, Examples], tuple[keras.Model, dict[str, Any]]]


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


def train_network(
    prepared: Prepared,
    network: Network,
    taught: Examples,
    out: Path,
    stage: str,
    *,
    soft: list[str] | None = None,
    training: Training | None = None,
    start: Path | None = None,
    begin: tuple[Any, ...] = (),
    model: keras.Model | None = None,
) -> Path:
    """Train one network as a stage; return its folder, which holds `weights.h5`.

    Parameters
    ----------
    prepared, network, taught, out
        What to train, on what, and where to keep it.
    stage : str
        Name of the stage.
    soft : list of str
        Stages that the soft targets in `taught` are from; none without distillation.
    training : Training, optional
        Instead of the network's own.
    start : Path, optional
        Folder with weights to begin from; at random without it.
    begin : tuple
        What `model` was made from, for the stage's hash.
    model : keras.Model, optional
        To train on; otherwise the network is built anew.
    """
    recipe, training = prepared.recipe, training or network.training
    inputs = {
        "network": [network.architecture, with_digests(network.options)],
        "training": asdict(training),
        "features": prepared.digest,
        "sampling": [recipe.data.sampling, recipe.data.class_weights],
        "soft": soft,
        "distillation": asdict(recipe.distillation) if soft else None,
        "start": start and start.name,
        "begin": begin,
        "seed": recipe.seed,
        "code": code_digest(*TRAINING_CODE, *(["convert/compress"] if begin else [])),
    }
    judged = examples_of(prepared, prepared.split.validation, variants=False)

    def make(folder: Path) -> None:
        with distribution.scope() if model is None else nullcontext():  # what wraps a model is not shared
            trained = build(prepared, network, training.precision) if model is None else model
            if start is not None:
                trained.load_weights(start / WEIGHTS)
            train(
                trained,
                taught,
                training,
                folder,
                **scales(prepared, network),
                seed=recipe.seed,
                distil=recipe.distillation if soft else None,
                validate=(lambda each: accuracy(each, judged, **scales(prepared, network))) if judged.draws else None,
                places=places_of(recipe) if training.losses.affect or training.losses.hierarchy else None,
            )

    return run_stage(out, stage, inputs, make, agree=distribution.agree if model is None else bool)


def build(prepared: Prepared, network: Network, precision: str = "float32") -> keras.Model:
    """Return a network with fresh weights, the same for the same seed."""
    keras.utils.set_random_seed(prepared.recipe.seed)
    with computing_in(precision):
        return configuration(prepared, network).build(prepared.features.std)


def places_of(recipe: Recipe) -> NDArray[np.float32]:
    """Return the valence and arousal (n_classes, 2) of the classes: those of their labels.

    Raises
    ------
    RecipeError
        A label's are not known.
    """
    labels = [recipe.label_of_class.get(name, name) for name in recipe.classes]
    if unknown := set(labels) - set(AFFECT):
        raise RecipeError(f"{sorted(unknown)[0]!r} has no known valence and arousal", "Set losses.affect to 0")
    return np.array([[AFFECT[label].valence, AFFECT[label].arousal] for label in labels], np.float32)


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let layers that are made meanwhile compute in this precision."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(precision)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def with_digests(options: dict[str, Any]) -> dict[str, Any]:
    """Return a network's options with its file of weights by content, not by place."""
    weights = options.get("weights")
    if not weights:
        return options
    try:
        return {**options, "weights": hashlib.sha256(Path(weights).read_bytes()).hexdigest()}
    except OSError as error:
        raise RecipeError(f"the encoder {weights} cannot be read: {error.strerror}", "Name a file there is") from error


def configuration(prepared: Prepared, network: Network) -> Any:
    """Return a network's configuration, with the sizes that the recipe's features and classes demand."""
    recipe = prepared.recipe
    return architecture(
        network.architecture,
        n_mfcc=recipe.features.n_mfcc,
        n_extras=recipe.features.n_extras,
        n_classes=len(recipe.classes),
        **network.options,
    )


def accuracy(model: keras.Model, judged: Examples, *, lsb_per_std: float, frames_per_step: int) -> float:
    """Return the mean recall over classes (UAR), of utterances; each among the classes of its corpus."""
    logits = predict(model, judged, lsb_per_std=lsb_per_std, frames_per_step=frames_per_step)
    answer = np.where(judged.allowed, logits, -np.inf).argmax(axis=1)
    return float(np.mean([(answer == c)[judged.target == c].mean() for c in np.unique(judged.target)]))


def balance(prepared: Prepared, student: keras.Model) -> None:
    """Put offsets that the validation speakers ask for into the bias of the student's logits; see `convert.balance`."""
    recipe = prepared.recipe
    judged = examples_of(prepared, prepared.split.validation, variants=False)
    logits = predict(student, judged, **scales(prepared, recipe.student))
    label_of_class = np.array([recipe.labels.index(recipe.label_of_class.get(name, name)) for name in recipe.classes])
    offsets = class_offsets(
        logits, label_of_class[judged.target], label_of_class, corpus_weights(judged.corpus.tolist())
    )
    bias = next(weight for weight in student.weights if "logits/bias" in weight.name)
    bias.assign_add(offsets)
    log.info("offsets of %s: %s", recipe.classes, offsets.round(2).tolist())


def export(prepared: Prepared, student: tuple[keras.Model, str], out: Path) -> Path:
    """Convert the student to int8 and, to compare with, to float32; prove that they say the same."""
    model, digest = student
    recipe = prepared.recipe

    def make(folder: Path) -> None:
        step = streaming_step(configuration(prepared, recipe.student), model)
        recordings = some_recordings(prepared, recipe.quantisation.representative_clips)
        int8 = to_tflite(step, recordings, recipe.features.lsb_per_std, seed=recipe.seed)
        (folder / INT8).write_bytes(int8)
        (folder / FLOAT).write_bytes(to_tflite(step, None, recipe.features.lsb_per_std))
        log.info("%s", check_parity(model, int8, recordings, recipe.features.lsb_per_std))

    inputs = {
        "student": digest,
        "offsets": recipe.decision.offsets,
        "code": code_digest("convert/export", "convert/balance.py"),
    }
    return run_stage(out, "export", inputs, make)


def some_recordings(prepared: Prepared, count: int) -> list[NDArray[np.int8]]:
    """Return features of `count` training utterances and copies, drawn by the seed."""
    features = prepared.features
    rows = np.flatnonzero(np.isin(features.clip, prepared.split.train))
    chosen = np.random.default_rng(prepared.recipe.seed).permutation(rows)[:count]
    return [features.row(row) for row in chosen]


def steps_of(taught: Examples, training: Training) -> int:
    """Return how many steps a training takes."""
    return max(1, taught.draws // training.batch_size) * training.epochs


def scales(prepared: Prepared, network: Network) -> dict[str, Any]:
    """Return what `train` and `predict` must know of a network's input and output."""
    return {
        "lsb_per_std": prepared.recipe.features.lsb_per_std,
        "frames_per_step": configuration(prepared, network).frames_per_step,
    }
