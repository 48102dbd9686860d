"""A speaker's own way of sounding is learnt from what was said, fades, and is no excuse to hear what is not there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ser.decision.baseline import PRIOR_UTTERANCES, Baseline, BaselineState
from edge_ser.errors import ModelFileError
from edge_ser.student.metadata import BaselineReference

N_CLASSES, N_MFCC = 4, 40
REFERENCE = BaselineReference(
    tuple(tuple(row) for row in (np.eye(N_CLASSES) * 3 - 0.75).tolist()), (1.0,) * N_MFCC, 9.0
)
VOICE = np.zeros(N_MFCC)


def shares(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


def hear(baseline: Baseline, logits: np.ndarray, voice: np.ndarray, seconds: float, named: list[int]) -> bool:
    """Name an utterance, then let the baseline learn from it."""
    by_class = shares(logits - np.array(baseline.offset))
    named.append(int(by_class.argmax()))
    return baseline.learn(logits.tolist(), by_class.tolist(), voice, seconds)


def session(own: np.ndarray, classes: list[int], baseline: Baseline, noise: float = 0.4) -> list[int]:
    """Hear utterances of somebody with an offset of their own; return what was named."""
    rng = np.random.default_rng(0)
    named = []
    for spoken in classes:
        logits = np.array(REFERENCE.logits[spoken]) + own + rng.normal(0, noise, N_CLASSES)
        hear(baseline, logits, VOICE, 2.0, named)
    return named


def test_a_voice_that_always_sounds_sad_is_learnt() -> None:
    own = np.array([0.0, 2.4, 0.0, 0.0])
    classes = np.random.default_rng(1).integers(0, N_CLASSES, 120).tolist()
    cold = [int((np.array(REFERENCE.logits[spoken]) + own).argmax()) for spoken in classes]
    baseline = Baseline(REFERENCE, [0])
    warm = session(own, classes, baseline)
    late = slice(60, None)
    assert np.mean(np.array(warm)[late] == np.array(classes)[late]) > 0.9
    assert np.mean(np.array(warm) == classes) > np.mean(np.array(cold) == classes) - 0.01
    np.testing.assert_allclose(baseline.offset, own - own.mean(), atol=0.5)


def test_somebody_who_is_neutral_all_day_stays_neutral() -> None:
    baseline = Baseline(REFERENCE, [0])
    assert set(session(np.zeros(N_CLASSES), [0] * 300, baseline)) == {0}
    assert np.abs(baseline.offset).max() < 0.2


def test_somebody_who_is_neutral_all_day_and_sounds_sad_is_soon_neutral() -> None:
    own = np.array([0.0, 3.6, 0.0, 0.0])
    named = session(own, [0] * 60, Baseline(REFERENCE, [0]))
    assert named[0] == 1
    assert np.mean(np.array(named[20:]) == 0) > 0.9


def test_weak_speech_is_no_offset_of_its_own() -> None:
    """Logits that point to a class without reaching it say how plainly it was spoken, not whose voice it is."""
    baseline = Baseline(REFERENCE, [0])
    for _ in range(50):
        baseline.learn((0.3 * np.array(REFERENCE.logits[2])).tolist(), [0.0, 0.0, 1.0, 0.0], VOICE, 2.0)
    assert np.abs(baseline.offset).max() < 1e-9


def test_another_voice_makes_it_forget() -> None:
    baseline = Baseline(REFERENCE, [0])
    session(np.array([0.0, 2.0, 0.0, 0.0]), [0, 1, 2, 3] * 10, baseline)
    before = baseline.state().weight
    assert not baseline.learn([0.0] * N_CLASSES, [1.0, 0.0, 0.0, 0.0], VOICE + 1.0, 2.0)
    assert baseline.learn([0.0] * N_CLASSES, [1.0, 0.0, 0.0, 0.0], VOICE + 10.0, 2.0)
    assert baseline.state().weight < 0.5 * before


def test_reset_returns_to_the_enrolled_speaker_or_to_nobody() -> None:
    baseline = Baseline(REFERENCE, [0])
    session(np.array([0.0, 2.0, 0.0, 0.0]), [0, 1] * 10, baseline)
    enrolled = Baseline(REFERENCE, [0], baseline.state())
    np.testing.assert_array_equal(enrolled.offset, baseline.offset)
    session(np.zeros(N_CLASSES), [2, 3] * 10, enrolled)
    enrolled.reset()
    np.testing.assert_array_equal(enrolled.offset, baseline.offset)
    baseline.reset()
    assert not any(baseline.offset)
    assert baseline.share == 0


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(-20, 20), min_size=N_CLASSES, max_size=N_CLASSES),
            st.floats(0, 60),
            st.floats(-128, 127),
        ),
        max_size=30,
    )
)
def test_whatever_is_heard_the_offset_is_finite_and_bounded(utterances) -> None:
    baseline = Baseline(REFERENCE, [0])
    largest = 0.0
    for logits, seconds, voice in utterances:
        values = np.array(logits)
        largest = max(largest, np.abs(values - values.mean()).max() + 3)
        hear(baseline, values, np.full(N_MFCC, voice), seconds, [])
        assert np.abs(baseline.offset).max() <= largest
        assert np.isfinite(baseline.offset).all()
        assert 0 <= baseline.share < 1


def test_what_is_kept_is_enough_to_go_on_from() -> None:
    one, other = Baseline(REFERENCE, [0]), Baseline(REFERENCE, [0])
    session(np.array([1.0, 0.0, -1.0, 0.0]), [0, 1, 2, 3], one)
    other = Baseline(REFERENCE, [0], one.state())
    logits = np.array([1.0, 0.2, 0.0, -1.0])
    for each in (one, other):
        hear(each, logits, VOICE, 1.0, [])
    assert one.state() == other.state()


def test_the_first_utterance_moves_little() -> None:
    baseline = Baseline(REFERENCE, [0])
    logits = np.array([0.0, 5.0, 0.0, 0.0])
    baseline.learn(logits.tolist(), [0.0, 1.0, 0.0, 0.0], VOICE, 0.75)
    expected = 0.5 * (logits - logits.mean() - np.array(REFERENCE.logits[1])) / (0.5 + PRIOR_UTTERANCES)
    np.testing.assert_allclose(baseline.offset, expected, atol=1e-12)
    assert isinstance(baseline.state(), BaselineState)


@pytest.mark.parametrize(
    "parts",
    [
        (((1.0, 0.0),), (1.0,), 9.0),
        (((1.0,),), (0.0,), 9.0),
        (((1.0,),), (), 9.0),
        (((1.0,),), (1.0,), 0.0),
    ],
)
def test_a_reference_that_contradicts_itself_is_refused(parts) -> None:
    with pytest.raises(ModelFileError):
        BaselineReference(*parts)
