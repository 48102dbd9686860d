"""Splits: nobody and nothing crosses from training to test, whatever is asked for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.corpora import Clip, read_corpus
from convert.errors import SplitError
from convert.protocols import PROTOCOLS, check_classes, split_clips
from convert.splits import (
    RAVDESS_FOLDS,
    Split,
    check_disjoint,
    choose_validation_speakers,
    folds_of,
    split_at_random,
    split_by_corpus,
    split_by_speaker,
    split_by_statement,
    stratified_folds,
)


def clip(corpus: str, speaker: str, number: int = 0, emotion: str = "happy", statement: str = "a") -> Clip:
    gender = "f" if speaker < "c" else "m"
    return Clip(corpus, f"{speaker}{number}.wav", f"{corpus}/{speaker}", gender, emotion, "", statement, "en", "")


CLIPS = [
    clip(corpus, speaker, number, emotion, statement)
    for corpus in ("one", "two")
    for speaker in "abcd"
    for number, (emotion, statement) in enumerate((e, s) for e in ("happy", "sad") for s in "xyz")
]
DIGESTS = [clip.name for clip in CLIPS]  # every recording its own

people = st.dictionaries(st.sampled_from(["one", "two"]), st.sets(st.sampled_from("abcd")))


@given(st.permutations(CLIPS), people, people)
def test_whoever_is_named_is_out_of_training_and_every_clip_is_in_one_part(clips, held_out, validation) -> None:
    try:
        split = split_by_speaker(clips, held_out, validation)
    except SplitError:
        ids = {(corpus, name) for corpus, names in held_out.items() for name in names}
        both = ids & {(corpus, name) for corpus, names in validation.items() for name in names}
        assert both or not ids or sum(map(len, [*held_out.values(), *validation.values()])) == 8
        return
    check_disjoint(clips, [each.name for each in clips], split)
    assert sorted(np.concatenate(list(split.parts().values()))) == list(range(len(clips)))
    for part, named in ((split.held_out, held_out), (split.validation, validation)):
        expected = {f"{corpus}/{name}" for corpus, names in named.items() for name in names}
        assert {clips[index].speaker for index in part} == expected


@given(st.data())
def test_a_speaker_in_two_parts_is_always_found(data) -> None:
    parts = data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=len(CLIPS), max_size=len(CLIPS)))
    split = Split(*(np.flatnonzero(np.array(parts) == part) for part in range(3)))
    crosses = any(len({p for p, c in zip(parts, CLIPS, strict=True) if c.speaker == s}) > 1 for s in speakers(CLIPS))
    if crosses:
        with pytest.raises(SplitError, match="the speaker"):
            check_disjoint(CLIPS, DIGESTS, split)
    else:
        check_disjoint(CLIPS, DIGESTS, split)


@given(st.integers(0, len(CLIPS) - 1), st.integers(0, len(CLIPS) - 1))
def test_one_recording_under_two_speakers_is_found_where_it_crosses(first: int, second: int) -> None:
    split = split_by_speaker(CLIPS, {"one": "a", "two": "b"}, {"one": "b"})
    digests = DIGESTS.copy()
    digests[second] = digests[first]
    part_of = {index: part for part, indices in split.parts().items() for index in indices}
    if part_of[first] == part_of[second]:
        check_disjoint(CLIPS, digests, split)
    else:
        with pytest.raises(SplitError, match="same recording") as caught:
            check_disjoint(CLIPS, digests, split)
        assert CLIPS[first].name in caught.value.problem
        assert CLIPS[second].name in caught.value.problem


def speakers(clips: list[Clip]) -> set[str]:
    return {clip.speaker for clip in clips}


@pytest.mark.parametrize(
    ("held_out", "validation", "named"),
    [
        ({"one": ["z"]}, {}, "one/z"),
        ({"three": ["a"]}, {}, "three/a"),
        ({"one": ["a"]}, {"one": ["a"]}, "one/a is to be validated on and held out"),
        ({"one": "abcd", "two": "ab"}, {"two": "cd"}, "nothing is left to train on"),
    ],
)
def test_an_impossible_split_is_refused(held_out, validation, named: str) -> None:
    with pytest.raises(SplitError, match=named):
        split_by_speaker(CLIPS, held_out, validation)


def test_pretraining_may_hold_nobody_out() -> None:
    split = split_by_speaker(CLIPS, {}, {"one": "a"})
    assert not len(split.held_out)
    assert len(split.train) + len(split.validation) == len(CLIPS)


def test_the_folds_of_the_literature_hold_out_every_actor_once_as_many_women_as_men() -> None:
    actors = Counter(actor for fold in RAVDESS_FOLDS for actor in fold)
    assert actors == Counter(f"{number:02d}" for number in range(1, 25))
    assert {len(fold) for fold in RAVDESS_FOLDS} == {4}


def test_a_corpus_without_folds_of_its_own_leaves_one_speaker_out() -> None:
    assert folds_of(CLIPS, "one") == tuple(frozenset(name) for name in "abcd")
    assert folds_of(CLIPS, "ravdess") == RAVDESS_FOLDS
    with pytest.raises(SplitError, match="two or more"):
        folds_of([clip("one", "a")], "one")


def test_a_held_out_corpus_is_held_out_whole() -> None:
    split = split_by_corpus(CLIPS, "two", {"one": "d"})
    assert {CLIPS[index].corpus for index in split.held_out} == {"two"}
    assert {CLIPS[index].corpus for index in split.train} == {"one"}
    check_disjoint(CLIPS, DIGESTS, split)
    with pytest.raises(SplitError, match="three"):
        split_by_corpus(CLIPS, "three")


def test_a_held_out_sentence_is_never_trained_with() -> None:
    split = split_by_statement(CLIPS, {"one": ["x"]})
    assert {(CLIPS[index].corpus, CLIPS[index].statement) for index in split.held_out} == {("one", "x")}
    assert not {index for index in split.train if (CLIPS[index].corpus, CLIPS[index].statement) == ("one", "x")}
    with pytest.raises(SplitError, match="no sentence w"):
        split_by_statement([*CLIPS, clip("two", "a", statement="w")], {"one": ["w"]})


def test_a_random_split_takes_its_share_of_every_class_and_the_seed_decides() -> None:
    split = split_at_random(CLIPS, 0.25, seed=1)
    assert set(Counter((CLIPS[i].corpus, CLIPS[i].emotion) for i in split.held_out).values()) == {3}
    assert len(split.train) + len(split.held_out) == len(CLIPS)
    np.testing.assert_array_equal(split.held_out, split_at_random(CLIPS, 0.25, seed=1).held_out)
    assert set(split.held_out) != set(split_at_random(CLIPS, 0.25, seed=2).held_out)
    for share in (0.0, 1.0):
        with pytest.raises(SplitError):
            split_at_random(CLIPS, share, seed=1)


@given(st.integers(0, 2**32), st.permutations(CLIPS))
def test_validation_speakers_are_women_and_men_alike_whatever_the_order_of_clips(seed: int, clips) -> None:
    chosen = choose_validation_speakers(clips, 0.5, seed)
    assert chosen == choose_validation_speakers(CLIPS, 0.5, seed)
    for names in chosen.values():
        assert sorted("f" if name < "c" else "m" for name in names) == ["f", "m"]
    assert choose_validation_speakers(CLIPS, 0.0, seed) == {}


def test_every_fold_of_the_real_corpora_is_disjoint(corpora: Path) -> None:
    clips = [each for name in ("ravdess", "emodb", "nemo") for each in read_corpus(corpora / name)[1]]
    for number, fold in enumerate(RAVDESS_FOLDS):
        split = split_by_speaker(clips, {"ravdess": fold}, {"ravdess": RAVDESS_FOLDS[number - 1]})
        # 03-01-03-01-02-01-07 is there twice under two names, by one actor: it never crosses.
        check_disjoint(clips, [each.sha256 for each in clips], split)
        assert (len(split.validation), len(split.held_out)) == (240, 240)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_protocol_lets_a_recording_of_the_test_into_training(protocol: str) -> None:
    named = {
        "speaker": ({"one": "a", "two": "b"}, {"one": "b"}),
        "corpus": ({"two": []}, {"one": "b"}),
        "text": ({"one": "x"}, {"one": "y"}),
    }
    held_out, validation = named.get(protocol, ({}, {}))
    twins = [name.replace("1.wav", "0.wav") for name in DIGESTS]  # each speaker's second recording is the first
    digests = twins if protocol.startswith("random") else DIGESTS
    split = split_clips(CLIPS, digests, protocol, held_out, validation, share=0.25, seed=3)
    test, chosen = set(split.held_out.tolist()), set(split.validation.tolist())
    assert test
    assert chosen
    assert not test & chosen
    if protocol == "random-after-augmentation":
        assert split.copies_cross
        assert test < set(split.train.tolist()), "their copies are trained with; that is what the name says"
        return
    train = set(split.train.tolist())
    assert not split.copies_cross
    assert not train & (test | chosen)
    for one, other in ((train, test), (train, chosen), (chosen, test)):
        assert not {digests[index] for index in one} & {digests[index] for index in other}
    if protocol in ("speaker", "corpus"):
        assert not {CLIPS[index].speaker for index in train} & {CLIPS[index].speaker for index in test}
    if protocol == "corpus":
        assert {CLIPS[index].corpus for index in test} == {"two"}


def test_the_random_ones_hear_the_speakers_they_test() -> None:
    split = split_clips(CLIPS, DIGESTS, "random", {}, {}, share=0.25, seed=0)
    tested = {CLIPS[index].speaker for index in split.held_out}
    assert tested <= {CLIPS[index].speaker for index in split.train}, "which is why it is no accuracy"


@given(st.integers(2, 4), st.integers(0, 2**16))
def test_stratified_folds_test_everybody_once(count: int, seed: int) -> None:
    folds = stratified_folds(CLIPS, "one", count, seed)
    assert len(folds) == count
    assert Counter(speaker for fold in folds for speaker in fold) == Counter("abcd")


def test_a_corpus_of_many_speakers_has_few_folds() -> None:
    clips = [clip("big", f"s{n:02d}", k, e) for n in range(30) for k, e in enumerate(("happy", "sad"))]
    folds = folds_of(clips, "big")
    assert len(folds) == 6
    assert sum(map(len, folds)) == 30
    with pytest.raises(SplitError, match="folds"):
        stratified_folds(clips, "big", 31, 0)


def test_a_class_of_one_speaker_or_none_to_train_on_is_refused() -> None:
    split = split_by_speaker(CLIPS, {"one": "a"})
    check_classes(CLIPS, split, ["happy", "sad"])
    lonely = [*CLIPS, clip("one", "b", 99, "bored")]
    with pytest.raises(SplitError, match=r"Only one/b speaks 'bored'"):
        check_classes(lonely, split, ["happy", "sad", "bored"])
    held = [*CLIPS, clip("one", "a", 99, "bored"), clip("two", "a", 99, "bored")]
    with pytest.raises(SplitError, match="'bored' is left"):
        check_classes(held, split_by_speaker(held, {"one": "a", "two": "a"}), ["bored"])
