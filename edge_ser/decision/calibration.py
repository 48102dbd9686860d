"""Pooled logits to probabilities that mean what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge_ser.student.metadata import Metadata


class Calibration:
    """Temperature-scaled softmax over classes, summed to labels.

    One temperature, fitted on speakers that were kept for it, brings confidence into line with accuracy and cannot
    change which class is first: C. Guo et al., 'On Calibration of Modern Neural Networks', ICML 2017.

    Parameters
    ----------
    metadata : Metadata
        Its classes, labels and temperature.

    Examples
    --------
    >>> from edge_ser.student.model_file import ModelFile
    >>> calibration = Calibration(ModelFile.load_bundled().metadata)
    >>> round(sum(calibration([0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0])), 12)
    1.0
    """

    def __init__(self, metadata: Metadata) -> None:
        self.labels = metadata.labels
        self._temperature = metadata.decision.temperature
        self._places = [
            (place, metadata.labels.index(metadata.label_of_class[name]))
            for place, name in enumerate(metadata.classes)
            if name in metadata.label_of_class
        ]

    def by_class(self, logits: Sequence[float]) -> list[float]:
        """Return the probability of each class, before classes become labels."""
        largest = max(logits)
        weights = [math.exp((logit - largest) / self._temperature) for logit in logits]
        total = math.fsum(weights)
        return [weight / total for weight in weights]

    def __call__(self, logits: Sequence[float]) -> list[float]:
        """Return the probability of each label, which sum to 1, from the logits of the classes."""
        exp, temperature = math.exp, self._temperature
        largest = max(logits[place] for place, _ in self._places)
        weights = [0.0] * len(self.labels)
        for place, label in self._places:
            weights[label] += exp((logits[place] - largest) / temperature)
        total = math.fsum(weights)  # `sum` rounds differently from Python 3.12 on
        return [weight / total for weight in weights]

    def uniform(self) -> list[float]:
        """Return what nothing heard is worth: every label as likely as any other."""
        return [1 / len(self.labels)] * len(self.labels)
