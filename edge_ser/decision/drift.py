"""`Drift`: whether what is heard is still what the student was made for.

Of each utterance a few numbers are measured: loudness, the background, how far it stands out of that, the mean of its
first cepstra (microphone, room and voice), the confidence and what was decided. How the last of them are distributed is
compared with the reference in the model file by the population stability index

    PSI = sum over bins of (p - q) ln(p / q)

with p the share here and q that of the reference. The bins are the two tails of the reference and what lies between:
one person at one distance fills a small part of the middle, and that is no drift; to be in a tail again and again is.
A person may be unusual too, so an index counts against a limit that nearly no single speaker of the reference exceeds.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from edge_ser.student.metadata import DriftReference

CEPSTRA = 6
"""The first of them that are compared, c1 on; c0 is loudness."""

DECISIONS = "decisions"
LEAST_SECONDS = 0.8  # of speech in an utterance that is counted
LASTS = 0.8  # of its limit, under which an index must fall before a drift is over
SMOOTHING = 0.5  # utterances like the reference that are counted in, so that no share is 0


def measures_of(
    level_dbfs: float,
    level_deviation_db: float,
    noise_floor_dbfs: float,
    voice: Sequence[float],
    confidence: float,
) -> dict[str, float]:
    """Return by name what is compared of an utterance.

    Parameters
    ----------
    level_dbfs, level_deviation_db, noise_floor_dbfs : float
        Of its speech, of the steps of that, and of the background.
    voice : sequence of float (n_mfcc,)
        Mean cepstra, in int8 steps.
    confidence : float
        Of what was decided.
    """
    return {
        "level_dbfs": level_dbfs,
        "level_deviation_db": level_deviation_db,
        "snr_db": level_dbfs - noise_floor_dbfs,
        "noise_floor_dbfs": noise_floor_dbfs,
        **{f"cepstrum_{place}": float(voice[place]) for place in range(1, CEPSTRA + 1)},
        "confidence": confidence,
    }


class Drift:
    """Compares the last utterances of one stream with the reference.

    Parameters
    ----------
    reference : DriftReference
        From the model file.
    """

    def __init__(self, reference: DriftReference) -> None:
        self._reference = reference
        self._bins: deque[Mapping[str, int | str]] = deque(maxlen=reference.window)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._bins.clear()
        self._counts: dict[str, Counter[int | str]] = {name: Counter() for name in self._reference.limits}
        self._drifting = False
        self.indices: Mapping[str, float] = {}
        """By measure, each relative to its limit: more than 1 is drift. Empty until the window is full."""

    @property
    def score(self) -> float:
        """The greatest of the indices; 0 until the window is full."""
        return max(self.indices.values(), default=0.0)

    def add(self, measures: Mapping[str, float], decision: str) -> bool:
        """Take in an utterance that has ended; return whether a drift begins with it.

        It begins when an index passes its limit, and may begin again once all have fallen under 0.8 of theirs.

        Parameters
        ----------
        measures : mapping
            See `measures_of`.
        decision : str
            The label that it ended with, or `uncertain`.
        """
        bins: dict[str, int | str] = {
            name: bisect_right(histogram.edges, measures[name]) for name, histogram in self._reference.measures.items()
        }
        bins[DECISIONS] = decision
        full = len(self._bins) == self._reference.window
        for name, place in bins.items():
            if full:
                self._counts[name][self._bins[0][name]] -= 1
            self._counts[name][place] += 1
        self._bins.append(bins)
        if len(self._bins) < self._reference.window:
            return False
        self.indices = {name: self._index(name) / limit for name, limit in self._reference.limits.items()}
        begins = not self._drifting and self.score > 1
        self._drifting = self.score > (LASTS if self._drifting else 1)
        return begins

    def _index(self, name: str) -> float:
        if name == DECISIONS:
            places, shares = list[int | str](self._reference.decisions), list(self._reference.decisions.values())
        else:
            shares = list(self._reference.measures[name].shares)
            places = list(range(len(shares)))
        return stability_index([self._counts[name][place] for place in places], shares)


def stability_index(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Return the population stability index of counts by bin against the reference's shares.

    Examples
    --------
    >>> stability_index([10, 80, 10], [0.1, 0.8, 0.1])
    0.0
    >>> round(stability_index([50, 50, 0], [0.1, 0.8, 0.1]), 1)
    1.3
    """
    total = sum(counts) + SMOOTHING
    found = [(count + SMOOTHING * share) / total for count, share in zip(counts, shares, strict=True)]
    return math.fsum((p - q) * math.log(p / q) for p, q in zip(found, shares, strict=True))
