"""One combination after another, each step a stage: those that two combinations share are trained once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.balance import balance
from convert.compress import clustered, copy_kept, narrowed, prune, quantisation_aware
from convert.compress.clustering import settle, strip
from convert.compressions.plan import CHANNELS, CLUSTER, FLOAT, PRUNE, PRUNE_AT_ONCE, QAT, Combination, Step
from convert.examples import Examples
from convert.export.run import some_recordings
from convert.export.streaming_step import streaming_step
from convert.export.tflite import to_tflite
from convert.networks import build, configuration
from convert.prepare import Prepared
from convert.recipe import Network, Training
from convert.train import WEIGHTS
from convert.training_stage import steps_of, train_network

Weights = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """A float student between two steps."""

    network: Network
    weights: Weights

    digest: str
    """Of all that it was made by."""

    pruned: bool = False
    clustered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Workshop:
    """What every step needs."""

    prepared: Prepared
    taught: Examples

    soft: list[str]
    """Stages that the soft targets in `taught` are from."""

    out: Path

    channels: Training
    """After channels were taken away."""

    sparse: Training
    """While weights become zeros or share values."""

    rounding: Training
    """With quantisation in the forward pass."""

    students: dict[Combination, Student] = field(default_factory=dict)
    """Those that were made, by their steps; `()` is the one to begin with."""


def start(prepared: Prepared, weights: Path) -> Student:
    """Return the recipe's student with the weights of a file that training wrote."""
    network = prepared.recipe.student
    model = build(prepared, network)
    model.load_weights(weights)
    return Student(network, model.get_weights(), hashlib.sha256(weights.read_bytes()).hexdigest()[:12])


def compress(workshop: Workshop, combination: Combination) -> bytes:
    """Return the .tflite of a combination, int8 unless it is the float student."""
    student = reach(workshop, combination[:-1])
    model = _model(workshop, student)
    last = combination[-1]
    if last.method == QAT:
        model = _aware(workshop, student, model, last)
    recipe = workshop.prepared.recipe
    if recipe.decision.offsets:
        balance(workshop.prepared, model)
    step = streaming_step(configuration(workshop.prepared, student.network), model)
    if last.method == FLOAT:
        return to_tflite(step, None, recipe.features.lsb_per_std)
    recordings = some_recordings(workshop.prepared, recipe.quantisation.representative_clips)
    return to_tflite(step, recordings, recipe.features.lsb_per_std, seed=recipe.seed)


def reach(workshop: Workshop, steps: Combination) -> Student:
    """Return the float student behind some steps, trained unless it already is."""
    if steps not in workshop.students:
        before = reach(workshop, steps[:-1])
        workshop.students[steps] = _METHODS[steps[-1].method](workshop, before, steps[-1])
    return workshop.students[steps]


def _fewer_channels(workshop: Workshop, before: Student, step: Step) -> Student:
    wide = configuration(workshop.prepared, before.network)
    source = _model(workshop, before)
    narrow, kept = narrowed(wide, source, step.amount)
    sizes = {"channels": list(narrow.channels), "embedding": narrow.embedding}
    network = replace(before.network, options={**before.network.options, **sizes})
    model = build(workshop.prepared, network)
    copy_kept(wide, source, kept, model)
    folder = _train(workshop, network, before, step, model, workshop.channels)
    model.load_weights(folder / WEIGHTS)
    return replace(before, network=network, weights=model.get_weights(), digest=folder.name)


def _more_zeros(workshop: Workshop, before: Student, step: Step) -> Student:
    schedule = "constant" if step.method == PRUNE_AT_ONCE else "polynomial"
    training = workshop.sparse
    pruned = prune(_model(workshop, before), step.amount, steps_of(workshop.taught, training), schedule)
    folder = _train(workshop, before.network, before, step, pruned.model, training)
    pruned.model.load_weights(folder / WEIGHTS)
    return replace(before, weights=pruned.strip().get_weights(), digest=folder.name, pruned=True)


def _fewer_values(workshop: Workshop, before: Student, step: Step) -> Student:
    model = clustered(_model(workshop, before), int(step.amount), pruned=before.pruned)
    folder = _train(workshop, before.network, before, step, model, workshop.sparse)
    model.load_weights(folder / WEIGHTS)
    return replace(before, weights=strip(model).get_weights(), digest=folder.name, clustered=True)


def _aware(workshop: Workshop, student: Student, model: keras.Model, step: Step) -> keras.Model:
    aware = quantisation_aware(model, clustered=student.clustered, pruned=student.pruned)
    folder = _train(workshop, student.network, student, step, aware, workshop.rounding)
    aware.load_weights(folder / WEIGHTS)
    if student.clustered:
        settle(aware, pruned=student.pruned)
    return aware


_METHODS = {CHANNELS: _fewer_channels, PRUNE: _more_zeros, PRUNE_AT_ONCE: _more_zeros, CLUSTER: _fewer_values}


def _model(workshop: Workshop, student: Student) -> keras.Model:
    """Return a network of its own: what wraps a model changes its layers."""
    model = build(workshop.prepared, student.network)
    model.set_weights(student.weights)
    return model


def _train(
    workshop: Workshop,
    network: Network,
    before: Student,
    step: Step,
    model: keras.Model,
    training: Training,
) -> Path:
    return train_network(
        workshop.prepared, network, workshop.taught, workshop.out, str(step).replace(":", "-"),
        soft=workshop.soft, training=training, begin=(before.digest, str(step)), model=model,
    )  # fmt: skip
