"""`HourlyCounts`: decisions by hour, of which no few minutes can change more than a known number.

Time is cut into slots by the clock alone, never by what is said. Of each slot the first `decisions_per_slot`
decisions count, and what counts in a slot depends on that slot's events and on nothing before or after it. So whatever
is said or left unsaid within one slot moves the counts of one hour, all labels together, by at most
`2 * decisions_per_slot`: those that it had go, as many others come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HOUR_SECONDS = 3600
UNCERTAIN = "uncertain"


class HourlyCounts:
    """Counts the decisions of the present hour; the counts before noise are in memory alone.

    A decision is what an utterance ended with, an emotion or `uncertain`, or what it had come to at the end of a slot.

    Parameters
    ----------
    labels : sequence of str
        What the model may say; known beforehand, for a label that only appears with its first decision would tell.
    slot_seconds : int
        A divisor of 3600.
    decisions_per_slot : int

    Examples
    --------
    >>> counts = HourlyCounts(["happy"], slot_seconds=120, decisions_per_slot=1)
    >>> for second, state in enumerate(["emotion", "no_speech", "emotion", "no_speech"]):
    ...     _ = counts.add(second, state, "happy")
    >>> counts.add(3600, "no_speech", None)
    (0, {'happy': 1, 'uncertain': 0})
    """

    def __init__(self, labels: Sequence[str], slot_seconds: int, decisions_per_slot: int) -> None:
        self._bins = (*labels, UNCERTAIN)
        self._slot_seconds = slot_seconds
        self._per_slot = decisions_per_slot
        self._hour: int | None = None
        self._slot = 0
        self._counted = 0  # in the present slot
        self._decision: str | None = None  # that the present utterance has come to
        self._counts = dict.fromkeys(self._bins, 0)

    @property
    def sensitivity(self) -> int:
        """By how much one slot can move the counts of an hour, all labels together."""
        return 2 * self._per_slot

    def add(self, now: float, state: str, emotion: str | None) -> tuple[int, Mapping[str, int]] | None:
        """Take in an event.

        Parameters
        ----------
        now : float
            Wall clock, seconds since 1970. Where it goes back, the hour and slot that had begun go on.
        state, emotion
            Of the event; `emotion` is one of the labels where the state is `emotion`.

        Returns
        -------
        hour : int
            Hours since 1970, of the hour that is over with this event, if one is.
        counts : mapping of str to int
            Its decisions.
        """
        slot = int(now // self._slot_seconds)
        ended = None
        if self._hour is None:
            self._hour, self._slot = int(now // HOUR_SECONDS), slot
        elif slot > self._slot:
            self._count()
            self._slot, self._counted = slot, 0
            hour = int(now // HOUR_SECONDS)
            if hour > self._hour:
                ended = self._hour, self._counts
                self._hour, self._counts = hour, dict.fromkeys(self._bins, 0)
        if state in ("emotion", UNCERTAIN):
            self._decision = emotion if state == "emotion" else UNCERTAIN
        else:
            self._count()
        return ended

    def _count(self) -> None:
        """Count what the utterance that is over has come to."""
        if self._decision is not None and self._counted < self._per_slot:
            self._counts[self._decision] += 1
            self._counted += 1
        self._decision = None
