"""The privacy arithmetic: the distribution that OpenDP draws from, and the ratio of its likelihoods."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest

from edge_ser.aggregates.counts import HourlyCounts

pytest.importorskip("opendp", reason="aggregates need OpenDP: pip install 'edge-ser[aggregates]'")

from edge_ser.aggregates.noise import Noise

DRAWS = 20_000
OUTPUTS = range(-12, 16)


def probability(noise: int, scale: float) -> float:
    """Return that of the discrete Laplace distribution."""
    decay = math.exp(-1 / scale)
    return (1 - decay) / (1 + decay) * decay ** abs(noise)


def test_the_formula_is_a_distribution() -> None:
    assert math.fsum(probability(k, 8.0) for k in range(-2000, 2001)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("epsilon", "per_slot"), [(0.5, 2), (1.0, 1), (0.3, 3), (2.3, 2)])
def test_neighbours_are_told_apart_by_at_most_e_to_the_epsilon(epsilon: float, per_slot: int) -> None:
    """Over all outputs of two labels, and all pairs of counts that one slot can make of each other."""
    sensitivity = HourlyCounts(("a",), 120, per_slot).sensitivity
    scale = Noise(epsilon, sensitivity).scale
    moves = range(-sensitivity, sensitivity + 1)
    worst = 0.0
    for move in itertools.product(moves, moves):
        if sum(map(abs, move)) > sensitivity:
            continue
        for outputs in itertools.product(OUTPUTS, OUTPUTS):
            one = math.prod(probability(output - 1, scale) for output in outputs)
            other = math.prod(probability(output - 1 - step, scale) for output, step in zip(outputs, move, strict=True))
            worst = max(worst, one / other)
    # Reached, so no more noise than is needed; and not passed, but for the rounding of this very product.
    assert math.exp(epsilon) * 0.999 < worst <= math.exp(epsilon) * (1 + 1e-9)


def test_what_is_drawn_has_this_distribution() -> None:
    """Pearson's chi-square over the values that are likely; the limit is passed once in 100,000 runs."""
    noise = Noise(1.0, 2)
    drawn = Counter(noise({str(label): 0 for label in range(DRAWS)}).values())
    wanted = {k: DRAWS * probability(k, noise.scale) for k in range(-40, 41)}
    likely = [k for k in wanted if wanted[k] > 10]
    square = sum((drawn[k] - wanted[k]) ** 2 / wanted[k] for k in likely)
    outside = DRAWS - sum(wanted[k] for k in likely)
    square += (DRAWS - sum(drawn[k] for k in likely) - outside) ** 2 / outside
    freedom = len(likely)
    assert square < freedom + 5 * math.sqrt(2 * freedom) + 5


def test_each_label_has_noise_of_its_own_and_the_counts_are_in_it() -> None:
    noise = Noise(1.0, 2)
    drawn = [noise({"a": 0, "b": 1000}) for _ in range(500)]
    assert sum(each["b"] for each in drawn) / 500 == pytest.approx(1000, abs=1)
    assert len({each["a"] - each["b"] for each in drawn}) > 5


@pytest.mark.parametrize("epsilon", [0.1, 0.3, 0.7, 1.1, 2.3])
def test_opendp_agrees_that_no_more_than_epsilon_is_lost(epsilon: float) -> None:
    for sensitivity in (2, 4, 6):
        assert Noise(epsilon, sensitivity)._measurement.map(d_in=sensitivity) <= epsilon
