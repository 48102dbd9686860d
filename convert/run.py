"""A recipe from corpora to one verified file, stage after stage; read `run` from top to bottom."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
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
from convert.errors import RecipeError
from convert.evaluate.run import evaluate_student
from convert.examples import Examples
from convert.export.parity import check_parity
from convert.export.streaming_step import streaming_step
from convert.export.tflite import to_tflite
from convert.prepare import Prepared, examples_of, prepare
from convert.recipe import Network, Recipe, Training
from convert.stages import code_digest, run_stage
from convert.train import WEIGHTS, predict, train

LOGITS = "logits.npy"
INT8, FLOAT = "student.int8.tflite", "student.float.tflite"

TRAINING_CODE = ("convert/architectures", "convert/train.py", "convert/losses", "convert/examples.py")

log = logging.getLogger(__name__)

Wrap = Callable[[keras.Model, Examples], tuple[keras.Model, dict[str, Any]]]


def run(recipe: Recipe, corpora: Path, out: Path) -> Path:
    """Make the model file of a recipe.

    Parameters
    ----------
    recipe : Recipe
    corpora : Path
        Folder that holds one folder a corpus.
    out : Path
        Folder of the run: each stage keeps its result there, so that a run that was stopped goes on where it was.

    Returns
    -------
    Path
        The model file; its card, its plots and the float student for comparison are beside it.

    Raises
    ------
    EdgeSerError
        Naming the file, key or stage, and the cure; stages that are done stay usable.
    """
    prepared = prepare(recipe, corpora, out)
    taught = examples_of(prepared, prepared.split.train, variants=True)
    soft = [teach(prepared, teacher, taught, out) for teacher in recipe.teachers]
    if soft:
        taught = distilled(taught, soft, recipe)
    student = train_student(prepared, taught, [folder.name for folder in soft], out)
    balance(prepared, student[0])
    exported = export(prepared, student, out)
    decision = calibrate(prepared, exported, out)
    evaluation = evaluate_student(prepared, exported, decision, out)
    return write_card(prepared, exported, decision, evaluation, out)


def teach(prepared: Prepared, teacher: Network, taught: Examples, out: Path) -> Path:
    """Train a teacher; return the folder with its logits on every training utterance and copy."""
    folder = train_network(prepared, teacher, taught, out, f"teacher-{teacher.architecture}")

    def make(place: Path) -> None:
        model = build(prepared, teacher, teacher.training.precision)
        model.load_weights(folder / WEIGHTS)
        np.save(place / LOGITS, predict(model, taught, **_scales(prepared, teacher)))

    return run_stage(out, f"soft-{teacher.architecture}", {"teacher": folder.name}, make)


def distilled(taught: Examples, soft: list[Path], recipe: Recipe) -> Examples:
    """Return the examples with the mean answer of the teachers as soft targets."""
    logits = [np.load(folder / LOGITS) for folder in soft]
    return taught.with_soft(soft_targets(logits, taught.counts_as, recipe.distillation.temperature))


def train_student(prepared: Prepared, taught: Examples, soft: list[str], out: Path) -> tuple[keras.Model, str]:
    """Train, prune and make ready for int8; return the student and a digest of it."""
    recipe = prepared.recipe
    folder = train_network(prepared, recipe.student, taught, out, "student", soft=soft)
    model = build(prepared, recipe.student)
    model.load_weights(folder / WEIGHTS)
    if recipe.pruning.sparsity:
        training = recipe.pruning.training
        pruned = prune(model, recipe.pruning.sparsity, steps_of(taught, training))
        folder = train_network(
            prepared, recipe.student, taught, out, "pruning", soft=soft, training=training,
            begin=(folder.name, recipe.pruning.sparsity), model=pruned.model, before_step=pruned.before_step,
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
    begin: tuple[Any, ...] = (),
    model: keras.Model | None = None,
    before_step: Callable[[], None] | None = None,
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
    begin : tuple
        What `model` was made from, for the stage's hash.
    model : keras.Model, optional
        To train on; otherwise the network is built anew.
    before_step : callable, optional
        See `train`.
    """
    recipe, training = prepared.recipe, training or network.training
    inputs = {
        "network": [network.architecture, with_digests(network.options)],
        "training": asdict(training),
        "features": prepared.digest,
        "sampling": recipe.data.sampling,
        "soft": soft,
        "distillation": asdict(recipe.distillation) if soft else None,
        "begin": begin,
        "seed": recipe.seed,
        "code": code_digest(*TRAINING_CODE, *(["convert/compress"] if begin else [])),
    }
    judged = examples_of(prepared, prepared.split.validation, variants=False)

    def make(folder: Path) -> None:
        with distribution.scope() if model is None else nullcontext():  # what wraps a model is not shared
            train(
                build(prepared, network, training.precision) if model is None else model,
                taught,
                training,
                folder,
                **_scales(prepared, network),
                seed=recipe.seed,
                distil=recipe.distillation if soft else None,
                validate=lambda trained: accuracy(trained, judged, **_scales(prepared, network)),
                before_step=before_step,
            )

    return run_stage(out, stage, inputs, make, agree=distribution.agree if model is None else bool)


def build(prepared: Prepared, network: Network, precision: str = "float32") -> keras.Model:
    """Return a network with fresh weights, the same for the same seed."""
    keras.utils.set_random_seed(prepared.recipe.seed)
    with computing_in(precision):
        return configuration(prepared, network).build(prepared.features.std)


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
    logits = predict(student, judged, **_scales(prepared, recipe.student))
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

    return run_stage(
        out, "export", {"student": digest, "code": code_digest("convert/export", "convert/balance.py")}, make
    )


def some_recordings(prepared: Prepared, count: int) -> list[NDArray[np.int8]]:
    """Return features of `count` training utterances and copies, drawn by the seed."""
    features = prepared.features
    rows = np.flatnonzero(np.isin(features.clip, prepared.split.train))
    chosen = np.random.default_rng(prepared.recipe.seed).permutation(rows)[:count]
    return [features.row(row) for row in chosen]


def steps_of(taught: Examples, training: Training) -> int:
    """Return how many steps a training takes."""
    return max(1, taught.draws // training.batch_size) * training.epochs


def _scales(prepared: Prepared, network: Network) -> dict[str, Any]:
    return {
        "lsb_per_std": prepared.recipe.features.lsb_per_std,
        "frames_per_step": configuration(prepared, network).frames_per_step,
    }
