"""Whether an event's candidates hold the right label as often as they say, on speakers never heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convert.conformal import conformal_sets
from convert.corpora.manifest import Clip
from convert.evaluate.students import Answers, probabilities
from edge_ser.student.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Held:
    """What candidates were worth on some recordings."""

    name: str
    """Of the labels that could occur."""

    coverage: float
    """Share that was asked for."""

    held: float
    """Share of recordings whose right label was among them; every corpus counts alike."""

    labels: float
    """How many they were on average."""


def judge_candidates(metadata: Metadata, answers: Answers, clips: Sequence[Clip]) -> list[Held]:
    """Return the figures of each coverage that the model file knows: of all its labels, then of each set of them.

    Parameters
    ----------
    metadata : Metadata
    answers : Answers
        Of the student on the recordings of `clips`.
    clips : sequence of Clip
        Whose label is not among those that can occur do not count.
    """
    sets = {f"all {len(metadata.labels)}": metadata}
    sets |= {name: metadata.among(name) for name in metadata.decision.label_sets or {}}
    return [one for name, among in sets.items() for one in _judge(name, among, answers, clips)]


def _judge(name: str, metadata: Metadata, answers: Answers, clips: Sequence[Clip]) -> list[Held]:
    naming = dict(metadata.label_of_class)
    chosen = np.flatnonzero([each.emotion in naming for each in clips] & answers.heard)
    if not len(chosen):
        return []
    classes = [place for place, each in enumerate(metadata.classes) if each in naming]
    logits = answers.logits[np.ix_(chosen, classes)]
    names = [metadata.classes[place] for place in classes]
    shares, labels = probabilities(logits, metadata.decision.temperature, names, naming)
    spoken = np.array([labels.index(naming[clips[place].emotion]) for place in chosen])
    corpora, which, count = np.unique(
        [clips[place].corpus for place in chosen], return_inverse=True, return_counts=True
    )
    weight = 1 / (len(corpora) * count[which])
    found = []
    for each in metadata.decision.candidates or ():
        sets = conformal_sets(shares, each.at_least)
        held = sets[np.arange(len(spoken)), spoken]
        found.append(Held(name, each.coverage, float(weight @ held), float(weight @ sets.sum(axis=1))))
    return found
