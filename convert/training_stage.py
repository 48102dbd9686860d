"""The training of one network as a stage of a run."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert import distribution
from convert.errors import RecipeError
from convert.examples import Examples
from convert.export.assemble import AFFECT
from convert.networks import build, scales, with_digests
from convert.predict import predict
from convert.prepare import Prepared, examples_of
from convert.recipe import Network, Recipe, Training
from convert.stages import code_digest, run_stage
from convert.train import WEIGHTS, train

OF_TRAINING = (
    *("train", "training_step", "predict", "spec_augment", "dice", "mixup", "curriculum"),
    *("networks", "distribution", "examples", "class_weights", "teachers", "distill", "ensemble"),
)
TRAINING_CODE = ("convert/architectures", "convert/losses", *(f"convert/{file}.py" for file in OF_TRAINING))
"""Files and folders that weights depend on: a stage that was made by others is made again."""


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


def accuracy(model: keras.Model, judged: Examples, *, lsb_per_std: float, frames_per_step: int) -> float:
    """Return the mean recall over classes (UAR), of utterances; each among the classes of its corpus."""
    logits = predict(model, judged, lsb_per_std=lsb_per_std, frames_per_step=frames_per_step)
    answer = np.where(judged.allowed, logits, -np.inf).argmax(axis=1)
    return float(np.mean([(answer == c)[judged.target == c].mean() for c in np.unique(judged.target)]))


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


def steps_of(taught: Examples, training: Training) -> int:
    """Return how many steps a training takes."""
    return max(1, taught.draws // training.batch_size) * training.epochs
