"""`Steps`: blocks of PCM of any size to whole steps, counted from the first sample, and the time that they end at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge_ser.settings import SAMPLE_RATE


class Steps:
    """One stream of audio, lost samples included.

    Parameters
    ----------
    step_samples : int
        At 16 kHz.

    Examples
    --------
    >>> steps = Steps(4)
    >>> [steps.pcm.tolist() for _ in steps.push(np.arange(9, dtype=np.int16))]
    [[0, 1, 2, 3], [4, 5, 6, 7]]
    >>> [steps.pcm.tolist() for _ in steps.flush()]
    [[8, 0, 0, 0]]
    """

    def __init__(self, step_samples: int) -> None:
        self.pcm = np.zeros(step_samples, np.int16)
        """(step_samples,): the step that is being filled."""
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._filled = 0
        self._samples = 0  # of the stream so far, lost ones included
        self.lost = 0
        """Samples lost in the present step or just before it."""
        self.lost_since = 0
        """Samples lost after the last one that came."""

    def erase(self) -> None:
        """Overwrite with zeros what was heard, and start a new stream."""
        self.pcm[:] = 0
        self.reset()

    @property
    def seconds(self) -> float:
        """Of the stream, up to the last sample that came."""
        return self._samples / SAMPLE_RATE

    @property
    def seconds_passed(self) -> float:
        """Of the stream, with what was lost since."""
        return (self._samples + self.lost_since) / SAMPLE_RATE

    def push(self, pcm: NDArray[np.int16], lost: int = 0) -> Iterator[None]:
        """Add samples; yield each time that a step is complete, which is overwritten afterwards.

        Parameters
        ----------
        pcm : int16 array (n,)
            Any number, also none.
        lost : int
            Samples that were lost just before these.
        """
        self.lost_since += lost
        start = 0
        while start < len(pcm):
            self.lost += self.lost_since
            self._samples += self.lost_since
            self.lost_since = 0
            taken = min(len(pcm) - start, len(self.pcm) - self._filled)
            self.pcm[self._filled : self._filled + taken] = pcm[start : start + taken]
            self._filled += taken
            self._samples += taken
            start += taken
            if self._filled == len(self.pcm):
                yield
                self._filled = self.lost = 0

    def flush(self) -> Iterator[None]:
        """End the stream: complete its last step with zeros and yield, if there is one."""
        if self._filled:
            self.pcm[self._filled :] = 0
            yield
            self._filled = self.lost = 0
