"""Groups, gaps and comparisons say who was understood and which model is better, and how sure that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convert.card.page import Page, Picture, Section, to_html
from convert.corpora.manifest import Clip
from convert.evaluate.compare import compare
from convert.evaluate.fairness import AVERAGE, fairness, wilson
from convert.evaluate.listening import Decisions

LABELS = ("neutral", "happy")


def clips_of(corpus: str, speakers: int, each: int) -> list[Clip]:
    """Return recordings of women and men in turns."""
    return [
        Clip(corpus, f"{speaker}-{n}.wav", f"{corpus}/{speaker}", "fm"[speaker % 2], LABELS[n % 2], "", "", "de", "")
        for speaker in range(speakers)
        for n in range(each)
    ]


def decisions(right: np.ndarray, spoken: np.ndarray, answered: np.ndarray | None = None) -> Decisions:
    shares = np.eye(2)[np.where(right, spoken, 1 - spoken)] * 0.6 + 0.2
    n = len(spoken)
    return Decisions(shares, np.ones(n, bool), np.ones(n, bool) if answered is None else answered)


def test_a_gap_is_taken_within_each_corpus_and_then_averaged() -> None:
    """Women speak mostly in the difficult corpus: all together they would seem to be understood worse."""
    easy, hard = clips_of("easy", 6, 10), clips_of("hard", 6, 10)
    easy = [clip for clip in easy if clip.gender == "m" or clip.speaker == "easy/0"]
    hard = [clip for clip in hard if clip.gender == "f" or clip.speaker == "hard/1"]
    clips = easy + hard
    spoken = np.array([LABELS.index(clip.emotion) for clip in clips])
    right = np.array([clip.corpus == "easy" for clip in clips])
    found = fairness(decisions(right, spoken), clips, spoken, LABELS)
    by_name = {each.name: each for each in found.groups}
    assert by_name["gender f"].uar < by_name["gender m"].uar
    assert {each.name: each.gap for each in found.gaps} == {"easy": 0.0, "hard": 0.0, AVERAGE: 0.0}
    assert by_name["language de"].recordings == len(clips)


def test_a_real_gap_has_an_interval_that_leaves_out_zero_and_the_worst_speaker_is_first() -> None:
    clips = clips_of("own", 8, 20)
    spoken = np.array([LABELS.index(clip.emotion) for clip in clips])
    rng = np.random.default_rng(0)
    right = np.array([rng.random() < (0.9 if clip.gender == "f" else 0.4) for clip in clips])
    found = fairness(decisions(right, spoken), clips, spoken, LABELS)
    (gap,) = found.gaps
    assert 0 < gap.low < gap.gap < gap.high
    assert (gap.women, gap.men) == (4, 4)
    assert found.speakers[0].gender == "m"
    assert [each.wa for each in found.speakers] == sorted(each.wa for each in found.speakers)


def test_what_is_not_answered_does_not_count_as_answered() -> None:
    clips = clips_of("own", 2, 10)
    spoken = np.array([LABELS.index(clip.emotion) for clip in clips])
    right = np.arange(20) % 4 != 0
    found = fairness(decisions(right, spoken, answered=right), clips, spoken, LABELS)
    assert found.groups[0].answered == pytest.approx(right.mean())
    assert found.groups[0].right_if_answered == 1.0


def test_an_interval_of_a_share_stays_a_share() -> None:
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == pytest.approx(1.0)
    low, high = wilson(50, 100)
    assert low < 0.5 < high


def test_two_models_that_agree_do_not_differ_and_a_better_one_is_told() -> None:
    clips = clips_of("one", 6, 20) + clips_of("other", 6, 20)
    spoken = np.array([LABELS.index(clip.emotion) for clip in clips])
    right = np.random.default_rng(0).random(len(clips)) < 0.6
    for each in compare(right, right, spoken, clips):
        assert (each.difference, each.low, each.high, each.p_value) == (0.0, 0.0, 0.0, 1.0)
    better = right | (np.random.default_rng(1).random(len(clips)) < 0.3)
    everything, *_ = compare(right, better, spoken, clips)
    assert everything.name == "all"
    assert 0 < everything.low < everything.difference < everything.high
    assert everything.first_alone == 0 < everything.second_alone
    assert everything.p_value < 0.001
    assert compare(better, right, spoken, clips)[0].high < 0


def test_a_corpus_alone_has_no_row_for_all() -> None:
    clips = clips_of("one", 4, 4)
    spoken = np.zeros(len(clips), np.intp)
    assert [each.name for each in compare(spoken == 0, spoken == 1, spoken, clips)] == ["one"]
    unknown = [replace(clip, gender="") for clip in clips]
    assert fairness(decisions(spoken == 0, spoken), unknown, spoken, LABELS).gaps == []


def test_a_page_needs_nothing_beside_it_and_takes_names_as_text() -> None:
    picture = Picture("plot <1>", b"\x89PNG....")
    section = Section("A & B", "Plain.\n\n! Careful <b>", [("Table", (("x", "y"), [("<script>", "1")]))], [picture])
    page = to_html(Page("Model <0>", "About", [("1", "tile")], [section], ("foot",)))
    assert "<script>" not in page
    assert "<b>" not in page.replace("<b>1</b>", "")
    assert 'href="http' not in page
    assert 'src="http' not in page
    assert 'src="data:image/png;base64,' in page
    assert '<p class="warning">Careful' in page
    assert 'href="#a-b"' in page
    assert 'id="a-b"' in page
