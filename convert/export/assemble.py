"""The last step: network, metadata and card into one file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_ser.student.metadata import (
    FORMAT,
    Affect,
    BaselineReference,
    Decision,
    Features,
    Golden,
    Metadata,
    Provenance,
)
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network

GOLDEN_STEPS = 10  # beyond the student's memory, short enough to be compared at each start

AFFECT: Mapping[str, Affect] = MappingProxyType(
    {
        "neutral": Affect(0.0, 0.0),
        "happy": Affect(0.81, 0.51),
        "sad": Affect(-0.63, -0.27),
        "angry": Affect(-0.51, 0.59),
        "fearful": Affect(-0.64, 0.60),
        "disgusted": Affect(-0.60, 0.35),
        "surprised": Affect(0.40, 0.67),
        "bored": Affect(-0.65, -0.62),
    }
)
"""Mean ratings of pleasure and arousal of the words, from -1 to 1; neutral is the origin.

J. A. Russell and A. Mehrabian, 'Evidence for a three-factor theory of emotions', Journal of Research in Personality
11 (1977), 273-294. They place words, not voices.
"""


def golden_vector(tflite: bytes, features: NDArray[np.int8]) -> Golden:
    """Return what the student answers to the first steps of a recording.

    Parameters
    ----------
    tflite : bytes
        int8.
    features : int8 array (frames, n_features)
        At least one step; real speech, so that the answer depends on every layer.
    """
    network = Network(tflite)
    frames = network.graph.features.shape[1]
    steps = min(GOLDEN_STEPS, len(features) // frames)
    heard = np.ascontiguousarray(features[: steps * frames]).reshape(steps, frames, -1)
    answers = [network(step) for step in heard]
    logits = np.stack([logits for logits, _ in answers])
    return Golden.of(heard, logits, np.array([attention for _, attention in answers], np.int8))


def assemble(
    tflite: bytes,
    *,
    name: str,
    version: str,
    label_of_class: Mapping[str, str],
    features: Features,
    decision: Decision,
    provenance: Provenance,
    licence: str,
    metrics: Mapping[str, float],
    golden_features: NDArray[np.int8],
    card: str,
    affect: Mapping[str, Affect] = AFFECT,
    baseline: BaselineReference | None = None,
) -> ModelFile:
    """Return the model file of an exported student.

    Parameters
    ----------
    tflite : bytes
        From `to_tflite`, after `check_parity`.
    label_of_class : mapping
        For each class, in the order of the logits, what the recogniser says.
    golden_features : int8 array (frames, n_features)
        See `golden_vector`.
    affect : mapping
        Holds at least each label.
    baseline : BaselineReference, optional
        Beside which speakers are heard.
    """
    labels = tuple(dict.fromkeys(label_of_class.values()))
    metadata = Metadata(
        format=FORMAT,
        name=name,
        version=version,
        classes=tuple(label_of_class),
        labels=labels,
        label_of_class=dict(label_of_class),
        features=features,
        decision=decision,
        affect={label: affect[label] for label in labels},
        provenance=provenance,
        licence=licence,
        metrics=dict(metrics),
        golden=golden_vector(tflite, golden_features),
        tflite_sha256="",
        baseline=baseline,
    )
    return ModelFile(tflite, metadata, card)
