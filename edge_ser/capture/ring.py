"""A bounded ring between the audio callback and the program, which drops the oldest.

One thread writes (the callback), one reads. No lock protects the samples, so the writer never waits, whatever the
reader does: both count samples from the start of the stream, the writer says how far it is about to write before it
does, and the reader, after it has copied, gives up what the writer may meanwhile have overwritten. Every sample is
read once, in order, or counted as lost just before the next one that is read.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RingStats:
    """How a ring has fared since it was made."""

    capacity: int
    """Samples that fit."""

    depth: int
    """Samples that wait to be read."""

    high_water: int
    """Greatest depth so far."""

    overflows: int
    """Gaps in what was read, and the one before what waits, if there is one."""

    lost: int
    """Samples that were overwritten before they were read."""


class Ring:
    """Bounded drop-oldest ring of int16 samples for one writer and one reader.

    Parameters
    ----------
    capacity : int
        Samples that fit, at least 1.

    Examples
    --------
    >>> ring = Ring(4)
    >>> ring.write(np.arange(6, dtype=np.int16))
    >>> samples, lost = ring.read(3, timeout=0.0)
    >>> samples.tolist(), lost
    ([2, 3, 4], 2)
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._samples = np.zeros(capacity, np.int16)
        # Counted in samples from the start of the stream. The first three are set by the writer alone.
        self._claimed = 0  # where a write under way will end
        self._written = 0
        self._high_water = 0
        self._taken = 0  # set by the reader alone, as are the next two
        self._overflows = 0
        self._lost = 0
        self._closed = False
        # Held while there is nothing new; the writer lets go of it, which never blocks, and the reader waits for it.
        self._nothing_new = threading.Lock()
        self._nothing_new.acquire()

    def write(self, samples: NDArray[np.int16]) -> None:
        """Add int16 (n,): copies into memory that is there already, waits for nothing, raises nothing."""
        end = self._written + len(samples)
        kept = min(len(samples), self._capacity)
        self._claimed = end
        self._copy_in(samples[len(samples) - kept :], end - kept)
        self._written = end
        depth = min(end - self._taken, self._capacity)
        if depth > self._high_water:
            self._high_water = depth
        self._wake()

    def close(self) -> None:
        """End the stream, from any thread: what is in the ring can still be read."""
        self._closed = True
        self._wake()

    @property
    def written(self) -> int:
        """Samples written so far."""
        return self._written

    @property
    def closed(self) -> bool:
        """Whether no more will be written."""
        return self._closed

    def read(self, limit: int, timeout: float) -> tuple[NDArray[np.int16], int]:
        """Wait for samples and take the oldest.

        Parameters
        ----------
        limit : int
            Samples to return at most.
        timeout : float
            Seconds to wait where there are none.

        Returns
        -------
        samples : int16 (n,)
            A copy; empty after `timeout`, or when the ring is closed and was read to its end.
        lost : int
            Samples lost just before these.
        """
        deadline = time.monotonic() + timeout
        lost = 0
        while True:
            closed = self._closed  # looked at first: what is written before the end is not to be missed
            samples, overwritten = self._take(limit)
            lost += overwritten
            if len(samples) or (closed and not overwritten):
                break
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not self._nothing_new.acquire(timeout=remaining):
                # Looked at once more, for the writer may have come just now.
                samples, overwritten = self._take(limit)
                lost += overwritten
                break
        if lost:
            self._overflows += 1
            self._lost += lost
        return samples, lost

    def stats(self) -> RingStats:
        """Return the counters, from any thread."""
        waiting = self._written - self._taken
        pending = max(0, waiting - self._capacity)
        return RingStats(
            capacity=self._capacity,
            depth=waiting - pending,
            high_water=self._high_water,
            overflows=self._overflows + (pending > 0),
            lost=self._lost + pending,
        )

    def erase(self) -> None:
        """Overwrite all samples with zeros; only when nobody writes any more."""
        self._samples[:] = 0

    def _take(self, limit: int) -> tuple[NDArray[np.int16], int]:
        written = self._written
        start = max(self._taken, written - self._capacity)
        samples = self._copy_out(start, min(limit, written - start))
        # Older than this, a write that began during the copy may have changed it.
        overwritten = min(max(0, self._claimed - self._capacity - start), len(samples))
        lost = start + overwritten - self._taken
        self._taken = start + len(samples)
        samples[:overwritten] = 0  # nobody will read it, so nobody would overwrite it
        return samples[overwritten:], lost

    def _copy_in(self, samples: NDArray[np.int16], position: int) -> None:
        index = position % self._capacity
        first = min(len(samples), self._capacity - index)
        self._samples[index : index + first] = samples[:first]
        self._samples[: len(samples) - first] = samples[first:]

    def _copy_out(self, position: int, count: int) -> NDArray[np.int16]:
        index = position % self._capacity
        first = min(count, self._capacity - index)
        samples = np.empty(count, np.int16)
        samples[:first] = self._samples[index : index + first]
        samples[first:] = self._samples[: count - first]
        return samples

    def _wake(self) -> None:
        if self._nothing_new.locked():
            with suppress(RuntimeError):  # `close` in another thread has just let go of it
                self._nothing_new.release()
