"""`Answers`: pooled logits to what is said of them: the labels' probabilities, valence and arousal."""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub

from edge_ser.decision.affect import AffectMap
from edge_ser.decision.calibration import Calibration
from edge_ser.decision.degradation import degrade
from edge_ser.decision.pooling import Pooling
from edge_ser.events import Flags
from edge_ser.student.metadata import Metadata


class Answers:
    """One way from logits to probabilities, for an utterance as for a recording.

    Parameters
    ----------
    metadata : Metadata
        Of the student.
    """

    def __init__(self, metadata: Metadata) -> None:
        self.labels = metadata.labels
        self.affect = AffectMap(metadata)
        self._calibration = Calibration(metadata)

    def uniform(self) -> list[float]:
        """Return the probability of each label before anything was heard."""
        return self._calibration.uniform()

    def by_label(self, pooling: Pooling, offset: Sequence[float], flags: Flags) -> list[float]:
        """Return the probability of each label from what was heard, by whom, and what was wrong with it.

        Parameters
        ----------
        pooling : Pooling
            What was heard.
        offset : sequence of float
            The voice's own, one a class.
        flags : Flags
            What was wrong with the audio.
        """
        return degrade(self._calibration(without(pooling.mean(), offset)), flags)

    def by_class(self, logits: Sequence[float], offset: Sequence[float]) -> list[float]:
        """Return the probability of each class from pooled logits."""
        return self._calibration.by_class(without(logits, offset))


def without(logits: Sequence[float], offset: Sequence[float]) -> list[float]:
    """Return the logits less the voice's own, one a class."""
    return list(map(sub, logits, offset))
