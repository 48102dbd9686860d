"""Curriculum: easy clips first, by what the teachers think of them (Platanios et al., arXiv:1903.09848, equation 7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convert.errors import TrainingError
from convert.examples import Examples

FIRST_SHARE = 0.25  # of the clips, with which the first epoch begins


def easy_ones(examples: Examples, epoch: int, epochs: float) -> Examples:
    """Return the examples with the hard ones not drawn yet.

    Parameters
    ----------
    examples : Examples
        With soft targets: how little the teachers believe the label is how hard a clip is.
    epoch : int
        From 0.
    epochs : float
        After which all are drawn.

    Raises
    ------
    TrainingError
        There are no teachers.
    """
    if examples.soft is None:
        raise TrainingError(
            "A curriculum needs teachers: their doubt is the difficulty", "Set training.curriculum to 0"
        )
    if epoch >= epochs:
        return examples
    belief = examples.soft[np.arange(len(examples.target)), examples.target]
    share = np.sqrt(epoch / epochs * (1 - FIRST_SHARE**2) + FIRST_SHARE**2)
    rank = np.argsort(np.argsort(-belief, kind="stable"), kind="stable")
    probability = np.where(rank < share * len(rank), examples.probability, 0.0)
    return replace(examples, probability=probability / probability.sum())
