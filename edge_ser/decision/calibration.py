"""Pooled logits to probabilities that mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.student.metadata import Metadata


class Calibration:
    """Temperature-scaled softmax over classes, summed to labels.

    One temperature, fitted on speakers that were kept for it, brings confidence into line with accuracy and cannot
    change which class is first: C. Guo et al., 'On Calibration of Modern Neural Networks', ICML 2017.

    Parameters
    ----------
    metadata : Metadata
        Its classes, labels and temperature.
    """

    def __init__(self, metadata: Metadata) -> None:
        self.labels = metadata.labels
        self._temperature = metadata.decision.temperature
        self._sum = np.zeros((len(metadata.classes), len(metadata.labels)))
        for row, name in enumerate(metadata.classes):
            self._sum[row, metadata.labels.index(metadata.label_of_class[name])] = 1.0

    def __call__(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return the probability of each label (n_labels,), which sum to 1, from logits (n_classes,)."""
        scaled = logits.astype(np.float64) / self._temperature
        weights = np.exp(scaled - scaled.max())
        by_class = weights / weights.sum()
        by_label: NDArray[np.float64] = by_class @ self._sum
        return by_label

    def uniform(self) -> NDArray[np.float64]:
        """Return what nothing heard is worth: every label as likely as any other."""
        return np.full(len(self.labels), 1 / len(self.labels))
