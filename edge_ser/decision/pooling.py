"""Attention pooling: the mean of an utterance's logits, weighted by what the student thinks each step is worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Pooling:
    """Keeps sum(w * logits) and sum(w), w = exp(attention), over steps.

    Both sums are kept relative to the largest weight so far, so that no weight overflows and none that counts
    vanishes. One step after the other in float64: how the stream was cut into blocks cannot show.

    Parameters
    ----------
    n_classes : int

    Examples
    --------
    >>> pooling = Pooling(2)
    >>> pooling.add(np.array([1.0, 0.0]), 0.0)
    1.0
    >>> pooling.add(np.array([0.0, 3.0]), 0.0)
    0.5
    >>> pooling.mean()
    array([0.5, 1.5])
    """

    def __init__(self, n_classes: int) -> None:
        self._logits = np.zeros(n_classes)
        self._weight = 0.0
        self._largest = -math.inf
        self.steps = 0

    def reset(self) -> None:
        """Forget all steps."""
        self._logits[:] = 0
        self._weight = 0.0
        self._largest = -math.inf
        self.steps = 0

    def add(self, logits: NDArray[np.floating[Any]], attention: float) -> float:
        """Add a step.

        Parameters
        ----------
        logits : float array (n_classes,)
        attention : float
            Log of its weight.

        Returns
        -------
        float
            Its share of all weight so far, 0 to 1.
        """
        if attention > self._largest:
            shrink = math.exp(self._largest - attention)  # 0 for the first step
            self._logits *= shrink
            self._weight *= shrink
            self._largest = attention
        weight = math.exp(attention - self._largest)
        self._logits += weight * logits.astype(np.float64)
        self._weight += weight
        self.steps += 1
        return weight / self._weight

    def mean(self) -> NDArray[np.float64]:
        """Return the pooled logits (n_classes,); zeros, which say nothing, before the first step."""
        if not self.steps:
            return np.zeros_like(self._logits)
        return self._logits / self._weight
