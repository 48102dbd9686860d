"""What is kept of the utterance that was decided on last, so that somebody can correct it: features, never audio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_ser.events import Event
from edge_ser.segmenter import Step

KEPT_SECONDS = 30.0
"""The latest of an utterance; longer ones are rare."""

DECIDED = ("emotion", "uncertain")
"""States that somebody may contradict."""


@dataclass(frozen=True, slots=True)
class KeptUtterance:
    """An utterance up to its last decision."""

    decision: Event
    """The last event of it that decided something."""

    steps: tuple[NDArray[np.int8], ...]
    """Each (frames_per_step, n_features), as the student was given them."""

    @property
    def features(self) -> NDArray[np.int8]:
        """Return (frames, n_features)."""
        return np.concatenate(self.steps)


class Keeper:
    """Follows a stream; `last` may be read from any thread.

    Parameters
    ----------
    step_seconds : float
        Duration of a step.
    """

    def __init__(self, step_seconds: float) -> None:
        self._most_steps = round(KEPT_SECONDS / step_seconds)
        self._steps: tuple[NDArray[np.int8], ...] = ()
        self.last: KeptUtterance | None = None

    def add(self, heard: Step, event: Event) -> None:
        """Take in a step and the event that came of it."""
        before = () if heard.onset else self._steps
        self._steps = (*before, *heard.features)[-self._most_steps :]
        if event.state in DECIDED:
            self.last = KeptUtterance(event, self._steps)
