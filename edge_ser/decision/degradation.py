"""Degraded audio lowers confidence: what is wrong with the sound of an utterance makes its answers less certain.

The probabilities of the labels are raised to the power of 1 / factor and brought back to a sum of 1, which is to a
softmax what a temperature so many times as high would be. The most likely label stays the most likely.
"""

from __future__ import annotations

import math

from edge_ser.events import CLEAN, Flags

GAP_FACTOR = 1.2
CLIPPING_FACTOR = 1.2
NOISE_FACTOR = 1.1
"""Fitted on spoilt recordings of validation speakers, and rounded: `edge-ser-bench degraded` fits them again."""


def factor(flags: Flags) -> float:
    """Return by how much the temperature grows with what was wrong with an utterance's audio so far; at least 1.

    Examples
    --------
    >>> factor(Flags())
    1.0
    """
    found = GAP_FACTOR if flags.gap else 1.0
    if flags.clipping:
        found *= CLIPPING_FACTOR
    if flags.noise:
        found *= NOISE_FACTOR
    return found


def degrade(probabilities: list[float], flags: Flags) -> list[float]:
    """Return the probability of each label, which sum to 1, for audio with these flags.

    Examples
    --------
    >>> degrade([0.75, 0.25], Flags())
    [0.75, 0.25]
    """
    if flags is CLEAN:  # as in nearly every step
        return probabilities
    grown = factor(flags)
    if grown == 1.0:
        return probabilities
    weights = [probability ** (1 / grown) for probability in probabilities]
    total = math.fsum(weights)
    return [weight / total for weight in weights]
