"""TensorBoard, where it is asked for: losses and rates of every training, below the folder of its stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

FOLDER = "tensorboard"

_WANTED = [False]


def use_tensorboard() -> None:
    """Write from now on."""
    _WANTED[0] = True


def writer(stage: Path) -> tf.summary.SummaryWriter:
    """Return what `write` writes to, to be closed; one that does nothing unless TensorBoard was asked for."""
    if not _WANTED[0]:
        return tf.summary.create_noop_writer()
    return tf.summary.create_file_writer(str(stage / FOLDER))


def write(board: tf.summary.SummaryWriter, epoch: int, figures: Mapping[str, float]) -> None:
    """Add the figures of an epoch; what is not a number is left out."""
    with board.as_default(step=epoch):
        for name, value in figures.items():
            if math.isfinite(value):
                tf.summary.scalar(name, value)
