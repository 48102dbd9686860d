"""Random draws of the kind options are written in."""

from __future__ import annotations

from numpy.random import Generator

Range = tuple[float, float]
"""Lowest and highest value."""


def happens(rng: Generator, probability: float) -> bool:
    """Return True with this probability; draws a number in any case, so that options do not shift what follows."""
    return bool(rng.random() < probability)


def between(rng: Generator, limits: Range) -> float:
    """Return a number, all in the range equally likely."""
    return float(rng.uniform(*limits))
