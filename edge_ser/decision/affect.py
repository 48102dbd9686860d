"""Valence and arousal, as the mean of the labels' places in that plane.

Each label's place comes from the model file (J. A. Russell, 'A circumplex model of affect', Journal of Personality
and Social Psychology 39 (1980), 1161-1178, has the plane). The probabilities weigh them: the emotion that is named
may change while the voice stays between two that lie side by side, and there this moves little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
        self._places = np.array([(place.valence, place.arousal) for place in places])

    def __call__(self, probabilities: NDArray[np.float64]) -> tuple[float, float]:
        """Return valence and arousal, each -1 to 1, from the probability of each label (n_labels,)."""
        valence, arousal = (probabilities @ self._places).tolist()
        return valence, arousal
