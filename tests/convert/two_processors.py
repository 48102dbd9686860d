"""Trains on two processors of one machine for `test_distribution.py`: `python two_processors.py FOLDER`.

The processors are two that TensorFlow makes of this machine's one. Each training's weights are written to
`FOLDER/NAME.npz`; those of both processors as each of them holds them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from few_examples import FRAMES, N_CLASSES, N_MFCC, SCALES, few_examples
from tensorflow_model_optimization.python.core.keras.compat import keras

import convert.train
from convert import distribution
from convert.architectures import architecture
from convert.examples import Batch, epoch_batches
from convert.recipe import Training
from convert.train import train

SIZES = {"n_mfcc": N_MFCC, "n_classes": N_CLASSES}
PLAIN = architecture("gru", **SIZES, units=[6], frames_per_step=8, dropout=0.0)
"""Each clip by itself, and nothing left to chance."""

USUAL = architecture("streaming_cnn", **SIZES, channels=[4], pools=[8], embedding=6)
"""Batch norm, over the clips that a processor has, and dropout."""

EVERYTHING = Training(epochs=3, batch_size=16, learning_rate=0.01, averaging=0.8, max_frames=FRAMES)
NO_CHANCE = replace(EVERYTHING, time_mask_frames=0, coefficient_mask=0, early_answers=0.0)


STEPS: list[Batch] = []


class StoppedError(Exception):
    """As if the power had gone."""


def learnt(folder: Path, network: object, training: Training, *, shared: bool) -> keras.Model:
    """Return a network that was trained, by both processors or by one."""
    folder.mkdir(exist_ok=True)
    keras.backend.clear_session()  # so that layers have the same names each time
    with distribution.scope() if shared else nullcontext():
        tf.keras.utils.set_random_seed(0)
        model = network.build()  # type: ignore[attr-defined]
        train(model, few_examples(), training, folder, seed=1, **SCALES)
    return model


def stopping_in_the_third_epoch(*arguments: Any) -> Iterator[Batch]:
    for batch in epoch_batches(*arguments):
        STEPS.append(batch)
        if len(STEPS) == 8:  # of three an epoch
            raise StoppedError
        yield batch


def save(path: Path, model: keras.Model) -> None:
    """Write the weights by name; those with a strategy have one more axis, of processors."""
    np.savez(path, **{weight.name: np.stack(getattr(weight, "values", weight)) for weight in model.weights})


def main(folder: Path) -> None:
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    distribution.use(distribution.MIRRORED)
    save(folder / "alone.npz", learnt(folder / "alone", PLAIN, NO_CHANCE, shared=False))
    save(folder / "shared.npz", learnt(folder / "shared", PLAIN, NO_CHANCE, shared=True))
    save(folder / "usual.npz", learnt(folder / "usual", USUAL, EVERYTHING, shared=True))
    convert.train.epoch_batches = stopping_in_the_third_epoch
    try:
        learnt(folder / "resumed", USUAL, EVERYTHING, shared=True)
    except StoppedError:
        convert.train.epoch_batches = epoch_batches
        save(folder / "resumed.npz", learnt(folder / "resumed", USUAL, EVERYTHING, shared=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
