"""The contribution bound: what is said within one slot moves an hour's counts by no more than was said."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_ser.aggregates.counts import HourlyCounts

LABELS = ("happy", "sad")
SLOT = 120  # s
SLOTS = 2 * 3600 // SLOT  # two hours of them

events = st.tuples(
    st.integers(0, SLOT - 1), st.sampled_from(["emotion", "uncertain", "no_speech", "warming_up", "mic_lost"]),
    st.sampled_from(LABELS),
)  # fmt: skip
slots = st.dictionaries(st.integers(0, 6) | st.integers(27, 33), st.lists(events, max_size=12), max_size=8)


def counted(content: dict[int, list[tuple[int, str, str]]], per_slot: int) -> dict[int, dict[str, int]]:
    """Return the counts of both hours."""
    counts = HourlyCounts(LABELS, SLOT, per_slot)
    found = {}
    for slot in range(SLOTS + 1):  # there is an event in every slot, as there is on a board
        for second, state, label in [*sorted(content.get(slot, [])), (SLOT - 1, "no_speech", "")]:
            if ended := counts.add(slot * SLOT + second, state, label if state == "emotion" else None):
                found[ended[0]] = dict(ended[1])
    return found


def distance(one: dict[int, dict[str, int]], other: dict[int, dict[str, int]]) -> int:
    """Return the sum of all differences, over both hours and all labels."""
    assert one.keys() == other.keys() == {0, 1}
    return sum(abs(one[hour][label] - other[hour][label]) for hour in one for label in one[hour])


@settings(deadline=None, max_examples=60)
@given(slots, st.sampled_from([0, 3, 29, 30]), st.lists(events, max_size=20), st.integers(1, 3))
# An utterance that goes on over the end of the slot, and over the end of the hour.
@example({29: [(110, "emotion", "sad")], 30: [(0, "emotion", "happy")]}, 29, [(110, "no_speech", "sad")], 1)
@example({29: [(119, "emotion", "sad")], 30: [(0, "emotion", "happy")]}, 30, [], 1)
def test_one_slot_moves_the_counts_by_at_most_the_sensitivity(content, changed, instead, per_slot) -> None:
    other = {**content, changed: instead}
    sensitivity = HourlyCounts(LABELS, SLOT, per_slot).sensitivity
    assert distance(counted(content, per_slot), counted(other, per_slot)) <= sensitivity


def test_the_sensitivity_is_reached_so_the_bound_is_no_larger_than_it_must_be() -> None:
    def said(label: str) -> list[tuple[int, str, str]]:
        return [(2 * n, "emotion", label) for n in range(5)] + [(2 * n + 1, "no_speech", "") for n in range(5)]

    assert distance(counted({4: said("happy")}, 2), counted({4: said("sad")}, 2)) == 4


def test_an_utterance_counts_once_as_what_it_ended_with() -> None:
    said = [(1, "warming_up", ""), (2, "uncertain", ""), (3, "emotion", "sad"), (4, "emotion", "happy")]
    assert counted({0: [*said, (5, "no_speech", "")]}, 2)[0] == {"happy": 1, "sad": 0, "uncertain": 0}


def test_a_clock_that_goes_back_neither_ends_nor_reopens_an_hour() -> None:
    counts = HourlyCounts(LABELS, SLOT, 9)
    times = [3500, 3700, 3500, 100, 3800, 7300]
    ended = [counts.add(now, state, "happy") for now in times for state in ("emotion", "no_speech")]
    found = [(hour, Counter(exact)) for hour, exact in filter(None, ended)]
    assert found == [(0, Counter(happy=1)), (1, Counter(happy=4))]
