"""The one training loop: teachers, student, pruning and quantisation-aware training all pass through it."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from rich.progress import Progress
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert import distribution, watch
from convert.curriculum import easy_ones
from convert.errors import TrainingError
from convert.examples import Examples, epoch_batches
from convert.losses import Objective
from convert.recipe import Distillation, Training
from convert.training_step import batch_tensors, make_step

WEIGHTS = "weights.h5"
GRADIENT_NORM = 2.0  # at most
LEAST_LEARNING_RATE = 0.02  # of the peak, where the cosine ends

log = logging.getLogger(__name__)

# Layers then draw from generators that can be seeded anew; Keras 2's default cannot.
keras.backend.experimental.enable_tf_random_generator()


def train(
    model: keras.Model,
    examples: Examples,
    training: Training,
    folder: Path,
    *,
    lsb_per_std: float,
    frames_per_step: int,
    seed: int,
    distil: Distillation | None = None,
    validate: Callable[[keras.Model], float] | None = None,
    places: NDArray[np.float32] | None = None,
) -> None:
    """Train a network, going on from the last whole epoch that `folder` holds, and write `weights.h5` there.

    Parameters
    ----------
    model : keras.Model
        Changed in place; ends with the weights that are written.
    examples : Examples
        What to learn from; with `soft` targets where `distil` is given.
    training : Training
        Epochs, rates and so on.
    folder : Path
        For checkpoints, the log of epochs and the weights.
    lsb_per_std : float
        Of the int8 features.
    frames_per_step : int
        Of the network's output.
    seed : int
        Of the order of clips, masks and dropout.
    distil : Distillation, optional
        How much the teachers count.
    validate : callable, optional
        From the model to a figure that is logged every few epochs; nothing is chosen by it.
    places : float array (n_classes, 2), optional
        Valence and arousal of the classes, for the losses that need them.

    Raises
    ------
    TrainingError
        The loss is not a number.
    """
    tf.keras.utils.set_random_seed(seed)
    steps = max(1, examples.draws // training.batch_size) * training.epochs
    averaged = keras.models.clone_model(model) if training.averaging else model
    averaged.set_weights(model.get_weights())
    optimizer = keras.optimizers.Adam(global_clipnorm=GRADIENT_NORM)
    objective = _objective(examples, training, distil, places, seed)
    step = make_step(model, averaged, optimizer, objective, training, lsb_per_std, frames_per_step, seed)
    epoch_done = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(
        model=model, averaged=averaged, optimizer=optimizer, epoch=epoch_done, objective=objective
    )
    # Of several machines one may be an epoch ahead when another is lost, so each keeps the epoch before as well.
    kept = 2 if distribution.replicas() > 1 else 1
    manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), max_to_keep=kept)
    if resumed := _restore(checkpoint, manager):
        log.info("goes on after epoch %d", resumed)
    board = watch.writer(folder)
    with Progress(transient=True) as progress, distribution.reporting():
        bar = progress.add_task(folder.name, total=steps, completed=resumed * (steps // training.epochs))
        for epoch in range(resumed, training.epochs):
            # Seeded anew each epoch, so that a run that was interrupted draws what it would have drawn.
            generator = np.random.default_rng([seed, epoch])
            reseed_dropout(model, seed, epoch)
            losses = []
            drawn = (
                easy_ones(examples, epoch, training.curriculum * training.epochs) if training.curriculum else examples
            )
            batches = epoch_batches(drawn, training.batch_size, training.max_frames, generator)
            for nth, batch in enumerate(batches, epoch * (steps // training.epochs)):
                learning_rate = _learning_rate(training, nth, steps)
                optimizer.learning_rate.assign(learning_rate)
                tensors = distribution.shares(batch_tensors(examples, batch, training))
                loss = step(*tensors, tf.constant(learning_rate, tf.float32), tf.constant(nth, tf.float32))
                losses.append(float(loss))
                progress.advance(bar)
            mean_loss = float(np.mean(losses))
            if not math.isfinite(mean_loss):
                raise TrainingError(f"the loss in epoch {epoch + 1} is {mean_loss}", "lower training.learning_rate")
            last = epoch + 1 == training.epochs
            figure = validate(averaged) if validate is not None and (last or epoch % 5 == 4) else math.nan
            report = "%s: epoch %d of %d, loss %.4f, validation %.3f"
            log.info(report, folder.name, epoch + 1, training.epochs, mean_loss, figure)
            watch.write(board, epoch + 1, {"loss": mean_loss, "validation UAR": figure, "learning rate": learning_rate})
            with (folder / "epochs.csv").open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([epoch + 1, f"{mean_loss:.5f}", f"{figure:.4f}"])
            epoch_done.assign(epoch + 1)  # only now: who is killed has an epoch twice in the log, and misses none
            manager.save(checkpoint_number=epoch + 1)
        model.set_weights(averaged.get_weights())
        model.save_weights(folder / WEIGHTS)
    board.close()


def reseed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Make the dropout of an epoch depend on nothing but seed and epoch."""
    for number, layer in enumerate(model.submodules):
        generator = getattr(getattr(layer, "_random_generator", None), "_generator", None)
        if generator is not None:
            generator.reset_from_seed(seed * 1_000_003 + epoch * 1009 + number)


def _restore(checkpoint: tf.train.Checkpoint, manager: tf.train.CheckpointManager) -> int:
    """Go back to the last epoch that is done, on all machines; return its number, 0 where there is none."""
    own = {int(path.rsplit("-", 1)[1]): path for path in manager.checkpoints}
    last = max(own, default=0)
    if distribution.replicas() > 1:
        last = min(distribution.everywhere(last))
        if last and last not in own:
            raise TrainingError(
                f"{manager.directory} has no checkpoint of epoch {last}", "Delete that folder on every machine"
            )
    if last:
        checkpoint.restore(own[last])
    return last


def _objective(
    examples: Examples, training: Training, distil: Distillation | None, places: NDArray[np.float32] | None, seed: int
) -> Objective:
    n_speakers = 0 if examples.speaker is None else int(examples.speaker.max()) + 1
    alpha, temperature = (0.0, 1.0) if distil is None else (distil.alpha, distil.temperature)
    return Objective(training.losses, alpha, temperature, places, n_speakers, seed)


def _learning_rate(training: Training, nth: int, steps: int) -> float:
    """Return the rate at step `nth`: a linear warm-up, then half a cosine."""
    warm = min(1.0, (nth + 1) / max(1.0, training.warm_up * steps))
    cosine = 0.5 * (1 + math.cos(math.pi * nth / steps))
    return training.learning_rate * warm * (LEAST_LEARNING_RATE + (1 - LEAST_LEARNING_RATE) * cosine)
