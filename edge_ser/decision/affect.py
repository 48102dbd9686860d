"""Valence and arousal, as the mean of the labels' places in that plane.

Each label's place comes from the model file (J. A. Russell, 'A circumplex model of affect', Journal of Personality
and Social Psychology 39 (1980), 1161-1178, has the plane). The probabilities weigh them: the emotion that is named
may change while the voice stays between two that lie side by side, and there this moves little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

from edge_ser.student.metadata import Metadata


class AffectMap:
    """The labels' places.

    Parameters
    ----------
    metadata : Metadata
        Its labels and affect.
    """

    def __init__(self, metadata: Metadata) -> None:
        places = [metadata.affect[label] for label in metadata.labels]
        self._valence = [place.valence for place in places]
        self._arousal = [place.arousal for place in places]

    def __call__(self, probabilities: Sequence[float]) -> tuple[float, float]:
        """Return valence and arousal, each -1 to 1, from the probability of each label."""
        valence = math.fsum(map(mul, probabilities, self._valence))
        return valence, math.fsum(map(mul, probabilities, self._arousal))
