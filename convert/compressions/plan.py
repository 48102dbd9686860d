"""Combinations by name: `channels:0.25 + prune:0.5 + qat` is three steps, each of which starts from the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from convert.errors import RecipeError

FLOAT, PTQ, QAT = "float", "ptq", "qat"
CHANNELS, PRUNE, PRUNE_AT_ONCE, CLUSTER = "channels", "prune", "prune-at-once", "cluster"

LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {CHANNELS: (0.05, 0.9), PRUNE: (0.05, 0.95), PRUNE_AT_ONCE: (0.05, 0.95), CLUSTER: (2, 256)}
)
"""Least and most that each step with a number may have."""

DEFAULT = (
    FLOAT,
    PTQ,
    QAT,
    "prune:0.3 + qat",
    "prune:0.5 + ptq",
    "prune:0.5 + qat",
    "prune-at-once:0.5 + qat",
    "prune:0.75 + qat",
    "cluster:16 + ptq",
    "cluster:16 + qat",
    "cluster:32 + ptq",
    "prune:0.5 + cluster:16 + ptq",
    "prune:0.5 + cluster:16 + qat",
    "channels:0.25 + ptq",
    "channels:0.25 + qat",
    "channels:0.5 + qat",
    "channels:0.25 + prune:0.5 + qat",
    "channels:0.25 + prune:0.5 + cluster:16 + qat",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One method and how far it goes."""

    method: str

    amount: float = 0.0
    """Share of channels or weights that go, or number of values a kernel keeps; nothing for quantisation."""

    def __str__(self) -> str:
        return f"{self.method}:{self.amount:g}" if self.method in LIMITS else self.method


Combination = tuple[Step, ...]


def parse(text: str) -> Combination:
    """Return a combination's steps.

    Raises
    ------
    RecipeError
        An unknown step, an amount out of range, or an order that cannot be: channels go before weights, weights
        before clusters, and the number format is last.

    Examples
    --------
    >>> [str(step) for step in parse("prune:0.5+qat")]
    ['prune:0.5', 'qat']
    """
    steps = tuple(_step(part.strip(), text) for part in text.split("+"))
    order = [_RANK[step.method] for step in steps]
    if order != sorted(set(order)) or order[-1] != _RANK[QAT]:
        raise RecipeError(
            f"The combination {text!r} is in an impossible order",
            "Give at most one of each, in this order: channels:SHARE + prune:SHARE + cluster:NUMBER + ptq or qat",
        )
    if steps[-1].method == FLOAT and len(steps) > 1:
        raise RecipeError(f"{text!r}: float is the student as it was trained", "End with ptq or qat")
    return steps


def name_of(combination: Sequence[Step]) -> str:
    """Return what `parse` reads."""
    return " + ".join(map(str, combination))


_RANK = {CHANNELS: 0, PRUNE: 1, PRUNE_AT_ONCE: 1, CLUSTER: 2, FLOAT: 3, PTQ: 3, QAT: 3}


def _step(part: str, text: str) -> Step:
    method, colon, amount = part.partition(":")
    if method not in _RANK:
        raise RecipeError(f"{text!r} has an unknown step {method!r}", f"Choose from {', '.join(_RANK)}")
    if method not in LIMITS:
        if colon:
            raise RecipeError(f"{text!r}: {method} takes no number", f"Write {method}")
        return Step(method)
    low, high = LIMITS[method]
    try:
        value = float(amount)
    except ValueError:
        value = -1.0
    if not low <= value <= high:
        raise RecipeError(
            f"{text!r}: {method} has {amount or 'no number'}", f"Give {low:g} to {high:g}: {method}:{low:g}"
        )
    return Step(method, value)
