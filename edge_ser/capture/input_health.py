"""Notices an input that cannot be right: no signal at all, always too loud, or far off zero.

It works on whole steps, so what it says cannot depend on how the stream was cut into blocks.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge_ser.events import Notice

WATCHED_SECONDS = 5.0  # behind every notice: shorter is a pause, a shout or a knock
CLIPPING_SHARE = 0.1  # of the steps
DC_LIMIT = 655  # LSB, 2 % of full scale; a sound microphone has less than 1 %


class InputHealth:
    """Watches the steps of one stream.

    `silent_input`: every step of the last 5 s is one value throughout. That is a microphone that is muted or not
    connected (zeros, or the -1 of an open I2S line), or the wrong one of several; the quietest room has noise, unless
    the microphone has a noise gate.
    `clipping_input`: a tenth of the last 5 s clips. `dc_offset`: the mean of the last 5 s is beyond 2 % of full scale.
    Each is said again only after its cause was away: a step with a signal, 5 s without clipping, half the offset.

    Parameters
    ----------
    step_seconds : float

    Examples
    --------
    >>> health = InputHealth(step_seconds=1.0)
    >>> [health(np.zeros(16000, np.int16), sample_sum=0, clipping=False) for _ in range(6)]
    [(), (), (), (), ('silent_input',), ()]
    """

    def __init__(self, step_seconds: float) -> None:
        self._watched = round(WATCHED_SECONDS / step_seconds)  # steps
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._silent_steps = 0
        self._steps: deque[tuple[bool, int]] = deque(maxlen=self._watched)  # clipping, and sum of the samples
        self._clipping_steps = 0
        self._sum = 0
        self._begun: set[Notice] = set()

    def __call__(self, pcm: NDArray[np.int16], sample_sum: int, clipping: bool) -> tuple[Notice, ...]:
        """Return what begins with this step.

        Parameters
        ----------
        pcm : int16 array (n,)
            The step's samples, n always the same.
        sample_sum : int
            Of them.
        clipping : bool
            They are at the ends of their range too often for chance.
        """
        # Two samples that differ settle it for nearly every step.
        silent = pcm[0] == pcm[-1] and pcm.min() == pcm.max()
        self._silent_steps = self._silent_steps + 1 if silent else 0
        if len(self._steps) == self._watched:
            self._forget(*self._steps[0])
        self._steps.append((clipping, sample_sum))
        self._clipping_steps += clipping
        self._sum += sample_sum
        clipped = self._clipping_steps
        offset = abs(self._sum) / (self._watched * len(pcm))  # too small until 5 s are full
        if not (self._silent_steps or clipped or offset > DC_LIMIT / 2):
            self._begun.clear()  # nothing begins and nothing lasts, as in nearly every step
            return ()
        return (
            *self._told("silent_input", self._silent_steps >= self._watched, self._silent_steps > 0),
            *self._told("clipping_input", clipped >= CLIPPING_SHARE * self._watched, clipped > 0),
            *self._told("dc_offset", offset > DC_LIMIT, offset > DC_LIMIT / 2),
        )

    def _forget(self, clipping: bool, total: int) -> None:
        self._clipping_steps -= clipping
        self._sum -= total

    def _told(self, notice: Notice, is_so: bool, lasts: bool) -> tuple[Notice, ...]:
        """Return the notice if it begins; let it begin again once its cause no longer lasts."""
        if is_so and notice not in self._begun:
            self._begun.add(notice)
            return (notice,)
        if not lasts:
            self._begun.discard(notice)
        return ()
