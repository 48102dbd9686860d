"""A shipped file asked as a user would ask it: the whole pipeline, its flags, its threshold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.corpora.manifest import Clip
from convert.evaluate.conditions import Blocks
from edge_ser.pipeline import Pipeline
from edge_ser.student.metadata import Metadata


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What the recogniser said of some recordings, in their order."""

    shares: NDArray[np.float64]
    """(n, n_labels): probabilities, as a user gets them: less sure where the audio is bad."""

    heard: NDArray[np.bool_]
    """(n,): speech was found."""

    answered: NDArray[np.bool_]
    """(n,): a label was named, neither `uncertain` nor too little speech."""

    @property
    def best(self) -> NDArray[np.intp]:
        """(n,): the most likely label, -1 where nothing was heard."""
        return np.where(self.heard, self.shares.argmax(axis=1), -1)


def listen(pipeline: Pipeline, recordings: Iterable[Blocks]) -> Decisions:
    """Return what a pipeline makes of recordings, each a stream of its own."""
    shares, heard, answered = [], [], []
    for blocks in recordings:
        pipeline.reset()
        for pcm, lost in blocks:
            pipeline.push(pcm, lost)
        pipeline.flush()
        found = pipeline.recognition()
        shares.append(list(found.probabilities.values()))
        heard.append(found.state != "no_speech")
        answered.append(found.state == "emotion")
    return Decisions(np.array(shares, np.float64), np.array(heard, bool), np.array(answered, bool))


def spoken_labels(metadata: Metadata, clips: Sequence[Clip]) -> NDArray[np.intp]:
    """Return the right label of each clip (n,)."""
    return np.array([metadata.labels.index(metadata.label_of_class[clip.emotion]) for clip in clips], np.intp)
