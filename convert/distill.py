"""From several teachers' logits to one soft target a stretch of speech."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def soft_targets(
    logits: Sequence[NDArray[np.float32]], allowed: NDArray[np.bool_], temperature: float
) -> NDArray[np.float32]:
    """Return the mean of the teachers' softened probabilities, float32 (n, n_classes).

    Parameters
    ----------
    logits : sequence of array (n, n_classes)
        One array a teacher.
    allowed : bool array (n, n_classes)
        Classes that the clip's corpus has; the others get zero.
    temperature : float
        By which the logits are divided.

    Examples
    --------
    >>> soft_targets([np.array([[2.0, 0.0, 9.0]])], np.array([[True, True, False]]), 1.0).round(2).tolist()
    [[0.88, 0.12, 0.0]]
    """
    total = np.zeros(allowed.shape, np.float64)
    for each in logits:
        softened = np.where(allowed, each / temperature, -np.inf)
        weights = np.exp(softened - softened.max(axis=1, keepdims=True))
        total += weights / weights.sum(axis=1, keepdims=True)
    return (total / len(logits)).astype(np.float32)
