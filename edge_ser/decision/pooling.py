"""Attention pooling: the mean of an utterance's logits, weighted by what the student thinks each step is worth.

Eight classes are too few for NumPy, whose calls each cost more than all the arithmetic here: these are plain floats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


class Pooling:
    """Keeps sum(w * logits) and sum(w) over steps, where w = exp(attention) * 2 ** (-age / half-life).

    A step's age is the number of steps that came after it. Both sums are kept relative to the largest weight so far,
    so that no weight overflows and none that counts vanishes. One step after the other in float64: how the stream was
    cut into blocks cannot show.

    Parameters
    ----------
    n_classes : int
    half_life_steps : float
        Steps after which a step weighs half of what it did; infinite, and nothing is forgotten.

    Examples
    --------
    >>> pooling = Pooling(2)
    >>> pooling.add([1.0, 0.0], 0.0)
    1.0
    >>> pooling.add([0.0, 3.0], 0.0)
    0.5
    >>> pooling.mean()
    [0.5, 1.5]
    """

    def __init__(self, n_classes: int, half_life_steps: float = math.inf) -> None:
        self._n_classes = n_classes
        self._forgotten = math.log(2) / half_life_steps  # of a log weight, at each step
        self.reset()

    def reset(self) -> None:
        """Forget all steps."""
        self._logits = [0.0] * self._n_classes
        self._weight = 0.0
        self._largest = -math.inf
        self.steps = 0

    def add(self, logits: Sequence[float], attention: float) -> float:
        """Add a step.

        Parameters
        ----------
        logits : sequence of float
            One a class.
        attention : float
            Log of its weight.

        Returns
        -------
        float
            Its share of all weight so far, 0 to 1.
        """
        # All that was heard before weighs less: the sums are relative to this one, which takes them along.
        self._largest -= self._forgotten
        if attention > self._largest:
            weight = 1.0
            shrink = math.exp(self._largest - attention)  # 0 for the first step
            self._logits = [shrink * value + new for value, new in zip(self._logits, logits, strict=True)]
            self._weight = shrink * self._weight + weight
            self._largest = attention
        else:
            weight = math.exp(attention - self._largest)
            self._logits = [value + weight * new for value, new in zip(self._logits, logits, strict=True)]
            self._weight += weight
        self.steps += 1
        return weight / self._weight

    def mean(self) -> list[float]:
        """Return the pooled logits, one a class; zeros, which say nothing, before the first step."""
        if not self.steps:
            return [0.0] * self._n_classes
        return [value / self._weight for value in self._logits]
