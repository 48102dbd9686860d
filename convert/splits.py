"""Who trains and who tests: splits by speaker, corpus, sentence or chance, and the proof that nothing crosses.

A split holds indices into the list of clips that it was made from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from convert.corpora import Clip
from convert.errors import SplitError

Indices = NDArray[np.intp]
Speakers = Mapping[str, Collection[str]]
"""Speakers by corpus, under the corpus's own names."""

RAVDESS_FOLDS: tuple[frozenset[str], ...] = tuple(
    frozenset(actors.split())
    for actors in ("01 11 20 21", "04 10 12 14", "08 09 19 23", "03 05 07 24", "02 15 16 18", "06 13 17 22")
)
"""Test actors of the six folds in use in the literature."""

FOLDS: Mapping[str, tuple[frozenset[str], ...]] = {"ravdess": RAVDESS_FOLDS}
"""Folds in use in the literature, by corpus; of the others each speaker is a fold."""

MOST_FOLDS, FEW_FOLDS = 24, 6
"""Of a corpus with more speakers each fold tests several, stratified by class."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Clips to learn from, to choose by, and to judge on; each an array (n,) of indices in rising order."""

    train: Indices
    """What the weights are fitted to."""

    validation: Indices
    """What epochs, thresholds and temperature are chosen on."""

    held_out: Indices
    """What is judged; never seen before that."""

    copies_cross: bool = False
    """Whether augmented copies of what is held out are trained with: then what is judged was as good as seen."""

    def parts(self) -> dict[str, Indices]:
        """Return the three parts by name."""
        return {"train": self.train, "validation": self.validation, "held_out": self.held_out}


def split_by_speaker(clips: Sequence[Clip], held_out: Speakers, validation: Speakers | None = None) -> Split:
    """Return a split in which nobody is in two parts; whoever is not named trains, and nobody need be held out.

    Raises
    ------
    SplitError
        A speaker is not there or is named for both; nobody is left to train on.
    """
    test_ids, validation_ids = _ids(clips, held_out), _ids(clips, validation or {})
    if both := sorted(test_ids & validation_ids):
        raise SplitError(f"{', '.join(both)} is to be validated on and held out", "Name each speaker in one of them")
    return _split(
        [clip.speaker in test_ids for clip in clips],
        [clip.speaker in validation_ids for clip in clips],
        may_hold_out_nothing=not held_out,
    )


def split_by_corpus(clips: Sequence[Clip], held_out: str, validation: Speakers | None = None) -> Split:
    """Return a split that holds out a whole corpus; `validation` and errors as in `split_by_speaker`."""
    speakers = {_own_name(clip) for clip in clips if clip.corpus == held_out}
    if not speakers:
        raise SplitError(f"there are no clips of the corpus {held_out}", "Add it to the corpora of the recipe")
    return split_by_speaker(clips, {held_out: speakers}, validation)


def split_by_statement(clips: Sequence[Clip], held_out: Speakers, validation: Speakers | None = None) -> Split:
    """Return a split that holds out sentences: by corpus, under its own names of them; others to validate on.

    The speakers are on both sides: this measures how much of the accuracy hangs on the words.

    Raises
    ------
    SplitError
        A sentence is not there, or nothing is left to train on.
    """
    for corpus, statements in (*held_out.items(), *(validation or {}).items()):
        there = sorted({clip.statement for clip in clips if clip.corpus == corpus})
        if missing := sorted(set(statements) - set(there)):
            raise SplitError(f"{corpus} has no sentence {', '.join(missing)}", f"Choose from: {', '.join(there)}")
    return _split(
        [clip.statement in held_out.get(clip.corpus, ()) for clip in clips],
        [clip.statement in (validation or {}).get(clip.corpus, ()) for clip in clips],
    )


def split_at_random(clips: Sequence[Clip], share: float, seed: int, validation: float = 0.0) -> Split:
    """Return the random split of most published figures: a share of each class of each corpus is held out.

    Its test speakers have trained too, so what it gives is no accuracy.

    Parameters
    ----------
    clips : sequence of Clip
    share, validation : float
        Of each class of each corpus: held out, and validated on.
    seed : int

    Raises
    ------
    SplitError
        The share leaves nothing on one side.
    """
    rng = np.random.default_rng(seed)
    test, choose = np.zeros(len(clips), bool), np.zeros(len(clips), bool)
    groups: dict[tuple[str, str], list[int]] = {}
    for number, clip in enumerate(clips):
        groups.setdefault((clip.corpus, clip.emotion), []).append(number)
    for _, numbers in sorted(groups.items()):
        drawn, count = rng.permutation(numbers), round(share * len(numbers))
        test[drawn[:count]] = True
        choose[drawn[count : count + round(validation * len(numbers))]] = True
    return _split(test.tolist(), choose.tolist())


def folds_of(clips: Iterable[Clip], corpus: str) -> tuple[frozenset[str], ...]:
    """Return the test speakers of each fold of a corpus: those of the literature, else one speaker a fold.

    Raises
    ------
    SplitError
        The corpus has fewer than two speakers.
    """
    if corpus in FOLDS:
        return FOLDS[corpus]
    speakers = sorted({_own_name(clip) for clip in clips if clip.corpus == corpus})
    if len(speakers) > MOST_FOLDS:
        return stratified_folds(clips, corpus, FEW_FOLDS, seed=0)
    if len(speakers) < 2:
        raise SplitError(f"{corpus} has {len(speakers)} speaker(s)", "Judge by speaker on a corpus with two or more")
    return tuple(frozenset({speaker}) for speaker in speakers)


def stratified_folds(clips: Iterable[Clip], corpus: str, count: int, seed: int) -> tuple[frozenset[str], ...]:
    """Return the test speakers of `count` folds that have each class as often as chance allows.

    Raises
    ------
    SplitError
        The corpus has fewer speakers than that.
    """
    own = [clip for clip in clips if clip.corpus == corpus]
    speakers = [_own_name(clip) for clip in own]
    if len(set(speakers)) < count:
        raise SplitError(f"{corpus} has {len(set(speakers))} speaker(s) for {count} folds", "Ask for fewer folds")
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    rows = np.zeros(len(own))
    parts = folds.split(rows, [clip.emotion for clip in own], speakers)
    return tuple(frozenset(speakers[index] for index in test) for _, test in parts)


def choose_validation_speakers(clips: Iterable[Clip], share: float, seed: int) -> dict[str, frozenset[str]]:
    """Return a share of each corpus's speakers, women and men alike, drawn by the seed.

    Parameters
    ----------
    clips : iterable of Clip
        Those that may be validated on: leave out the held-out speakers.
    share : float
        0 to 1; of few speakers it is rounded down, to none if need be.
    seed : int
        The same seed draws the same speakers.
    """
    rng = np.random.default_rng(seed)
    groups: dict[tuple[str, str], set[str]] = {}
    for clip in clips:
        groups.setdefault((clip.corpus, clip.gender), set()).add(_own_name(clip))
    chosen: dict[str, frozenset[str]] = {}
    for (corpus, _), speakers in sorted(groups.items()):
        names = sorted(speakers)
        drawn = rng.permutation(len(names))[: int(share * len(names))]
        if len(drawn):
            chosen[corpus] = chosen.get(corpus, frozenset()) | {names[index] for index in drawn}
    return chosen


def check_disjoint(clips: Sequence[Clip], pcm_sha256: Sequence[str], split: Split, *, speakers: bool = True) -> None:
    """Prove that no speaker and no recording is in two parts of a split.

    Parameters
    ----------
    clips : sequence of Clip
        Those that the split was made from.
    pcm_sha256 : sequence of str
        Of each clip's samples, so that a recording that was encoded or named twice is found.
    split : Split
    speakers : bool
        False for a split by sentence or by chance, which has the same speakers on both sides.

    Raises
    ------
    SplitError
        Naming the speaker or both files.
    """
    part_of: dict[str, str] = {}
    recordings: dict[str, tuple[str, Clip]] = {}
    for part, indices in split.parts().items():
        for index in indices:
            clip = clips[index]
            if speakers and (other := part_of.setdefault(clip.speaker, part)) != part:
                raise SplitError(f"the speaker {clip.speaker} is in {other} and in {part}", "Name each speaker once")
            other, known = recordings.setdefault(pcm_sha256[index], (part, clip))
            if other != part:
                raise SplitError(
                    f"{known.name} in {other} and {clip.name} in {part} are the same recording",
                    "Take one of them out of its manifest",
                )


def _own_name(clip: Clip) -> str:
    return clip.speaker.removeprefix(f"{clip.corpus}/")


def _ids(clips: Iterable[Clip], speakers: Speakers) -> set[str]:
    wanted = {f"{corpus}/{name}" for corpus, names in speakers.items() for name in names}
    if missing := sorted(wanted - {clip.speaker for clip in clips}):
        raise SplitError(f"there are no clips of {', '.join(missing)}", "Name speakers as their corpus names them")
    return wanted


def _split(
    held_out: Sequence[bool], validation: Sequence[bool] | None = None, *, may_hold_out_nothing: bool = False
) -> Split:
    test = np.asarray(held_out, bool)
    choose = np.zeros(len(test), bool) if validation is None else np.asarray(validation, bool)
    split = Split(np.flatnonzero(~test & ~choose), np.flatnonzero(choose), np.flatnonzero(test))
    if not len(split.train):
        raise SplitError("nothing is left to train on", "Hold out less")
    if not len(split.held_out) and not may_hold_out_nothing:
        raise SplitError("nothing is held out", "Hold out at least one speaker, sentence or clip")
    return split
