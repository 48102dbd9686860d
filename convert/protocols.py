"""Protocols by name: what a recipe holds out, and what a figure from it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from convert.corpora import Clip
from convert.errors import SplitError
from convert.splits import (
    Speakers,
    Split,
    check_disjoint,
    split_at_random,
    split_by_corpus,
    split_by_speaker,
    split_by_statement,
)

SPEAKER, CORPUS, TEXT, RANDOM = "speaker", "corpus", "text", "random"
LEAKING = "random-after-augmentation"

PROTOCOLS: Mapping[str, str] = MappingProxyType(
    {
        SPEAKER: "Speakers who were heard neither in training nor in choosing anything",
        CORPUS: "Corpora of which nothing was heard in training",
        TEXT: "Sentences that were not heard in training, by speakers who were: no accuracy for a new voice",
        RANDOM: "Recordings drawn by chance, of speakers who were trained on: no accuracy, kept for comparison",
        LEAKING: "Recordings whose augmented copies were trained on: no accuracy at all, kept for comparison",
    }
)
"""What is judged, for the card."""

NOTHING_RENAMED: Mapping[str, str] = MappingProxyType({})

VALIDATED = 0.5  # of what a random split holds out, as much again is validated on


def split_clips(
    clips: Sequence[Clip],
    pcm_sha256: Sequence[str],
    protocol: str,
    held_out: Speakers,
    validation: Speakers,
    *,
    share: float,
    seed: int,
) -> Split:
    """Return the split of a protocol, proven: nothing crosses it that it forbids.

    Parameters
    ----------
    clips : sequence of Clip
    pcm_sha256 : sequence of str
        Of each clip's samples.
    protocol : str
        One of `PROTOCOLS`.
    held_out, validation : mapping
        Speakers by corpus; with `text` sentences by corpus; with `corpus` the names of corpora are what counts in
        `held_out`. The random ones take no names.
    share : float
        Of each class that a random one holds out.
    seed : int
        Of the random ones.

    Raises
    ------
    SplitError
        Naming what is not there or crosses.
    """
    if protocol == SPEAKER:
        split = split_by_speaker(clips, held_out, validation)
    elif protocol == CORPUS:
        split = _by_corpora(clips, held_out, validation)
    elif protocol == TEXT:
        split = split_by_statement(clips, held_out, validation)
    else:
        split = _without_twins(split_at_random(clips, share, seed, VALIDATED * share), pcm_sha256)
    check_disjoint(clips, pcm_sha256, split, speakers=protocol in (SPEAKER, CORPUS))
    if protocol == LEAKING:
        # The recordings themselves stay apart, as they are; their copies do not.
        return replace(split, train=np.union1d(split.train, split.held_out), copies_cross=True)
    return split


def check_classes(
    clips: Sequence[Clip],
    split: Split,
    classes: Sequence[str],
    protocol: str = SPEAKER,
    label_of_class: Mapping[str, str] = NOTHING_RENAMED,
) -> None:
    """Refuse what cannot be learnt or tested: a label without training clips, or one that a single person speaks.

    By sentence or by chance, where every voice is known anyway, one person may be all who speaks a label. A class that
    nobody speaks may be there beside others of its label.

    Raises
    ------
    SplitError
        Naming the label and the speaker.
    """
    for name in dict.fromkeys(label_of_class.get(name, name) for name in classes):
        of_label = {each for each in classes if label_of_class.get(each, each) == name}
        speakers = {clip.speaker for clip in clips if clip.emotion in of_label}
        if len(speakers) == 1 and protocol in (SPEAKER, CORPUS):
            raise SplitError(
                f"Only {speakers.pop()} speaks {name!r}, so a student would learn the voice and not the emotion",
                "Record others, or leave the class out of the recipe",
            )
        if not any(clips[index].emotion in of_label for index in split.train):
            raise SplitError(
                f"No clip of {name!r} is left to train on", "Hold out fewer speakers, or leave the class out"
            )


def _by_corpora(clips: Sequence[Clip], held_out: Speakers, validation: Speakers) -> Split:
    splits = [split_by_corpus(clips, name, validation) for name in held_out]
    if not splits:
        raise SplitError("No corpus is held out", "Name one in data.held_out, as in held_out = {emodb = []}")
    test = np.unique(np.concatenate([split.held_out for split in splits]))
    train = np.setdiff1d(splits[0].train, test)
    if not len(train):
        raise SplitError("Nothing is left to train on", "Hold out fewer corpora")
    return Split(train, np.setdiff1d(splits[0].validation, test), test)


def _without_twins(split: Split, pcm_sha256: Sequence[str]) -> Split:
    """Return the split without those clips, outside the test, that are other copies of what is judged."""
    known: set[str] = set()
    kept = {}
    for part in ("held_out", "validation", "train"):
        indices = getattr(split, part)
        kept[part] = np.array([index for index in indices if pcm_sha256[index] not in known], np.intp)
        known |= {pcm_sha256[index] for index in indices}
    return replace(split, **kept)
