"""From several teachers' logits to one soft target a stretch of speech."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ENSEMBLES = {
    "mean": "All teachers count alike",
    "weighted": "Each counts as its answers about validation speakers deserve",
    "stacked": "A support vector machine that learnt from answers out of fold when to believe whom",
}
"""How several teachers become one, by the name that a recipe chooses it by."""


def soft_targets(
    logits: Sequence[NDArray[np.float32]],
    counts_as: NDArray[np.int32],
    temperature: float,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Return the mean of the teachers' softened probabilities, float32 (n, n_classes).

    Parameters
    ----------
    logits : sequence of array (n, n_classes)
        One array a teacher.
    counts_as : int32 array (n, n_classes)
        What each class counts as in the clip's corpus, -1 for nothing; see `convert.losses.told_apart`.
    temperature : float
        By which the logits are divided.
    weights : array (teachers,), optional
        Of sum 1; all count alike where they are not given.

    Examples
    --------
    >>> soft_targets([np.array([[2.0, 0.0, 9.0]])], np.array([[0, 1, -1]]), 1.0).astype(float).round(2).tolist()
    [[0.88, 0.12, 0.0]]
    """
    members = counts_as[:, None, :] == np.arange(counts_as.shape[1])[None, :, None]  # (n, as, class)
    total = np.zeros(counts_as.shape, np.float64)
    shares = np.full(len(logits), 1 / len(logits)) if weights is None else weights
    for share, each in zip(shares, logits, strict=True):
        softened = np.where(counts_as >= 0, each / temperature, -np.inf)
        odds = np.exp(softened - softened.max(axis=1, keepdims=True))
        total += share * (members @ odds[..., None])[..., 0] / odds.sum(axis=1, keepdims=True)
    return total.astype(np.float32)
