"""Flags add up."""

from __future__ import annotations

from itertools import product

from edge_ser.events import CLEAN, Flags


def test_what_is_wrong_with_one_or_the_other_is_wrong_with_both() -> None:
    all_flags = [Flags(*flags) for flags in product((False, True), repeat=3)]
    for one, other in product(all_flags, repeat=2):
        both = one | other
        assert (both.gap, both.clipping, both.noise) == (
            one.gap or other.gap,
            one.clipping or other.clipping,
            one.noise or other.noise,
        )
    assert Flags() == CLEAN
