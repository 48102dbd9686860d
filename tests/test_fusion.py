"""Fusion is Bayes' rule where that holds, and never louder than what it is told."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_ser import Recognizer
from edge_ser.fusion import FLOOR, Evidence, FusionError, fuse, heard, renamed
from edge_ser.recordings import DEMO

LABELS = ("neutral", "happy", "sad", "angry")
UNIFORM = dict.fromkeys(LABELS, 1 / len(LABELS))


def normalised(shares: dict[str, float]) -> dict[str, float]:
    total = math.fsum(shares.values())
    return {label: share / total for label, share in shares.items()}


# No share under FLOOR, where the rule is exact.
probabilities = st.lists(st.floats(0.01, 1), min_size=len(LABELS), max_size=len(LABELS)).map(
    lambda shares: normalised(dict(zip(LABELS, shares, strict=True)))
)
weights = st.floats(0, 1)


def test_with_full_weights_it_is_bayes_rule_for_independent_modalities():
    prior = {"happy": 0.7, "sad": 0.3}
    tone = {"happy": (0.8, 0.2), "sad": (0.25, 0.75)}  # P(high, low | emotion)
    words = {"happy": (0.5, 0.4, 0.1), "sad": (0.1, 0.3, 0.6)}

    def posterior(likelihood: dict[str, float], before: dict[str, float]) -> dict[str, float]:
        return normalised({label: before[label] * likelihood[label] for label in before})

    for i, j in product(range(2), range(3)):
        exact = posterior({label: tone[label][i] * words[label][j] for label in prior}, prior)
        # The modalities were trained where the emotions were met at other rates.
        of_words = {"happy": 0.5, "sad": 0.5}
        voice = Evidence("voice", posterior({label: tone[label][i] for label in prior}, prior), prior=prior)
        text = Evidence("text", posterior({label: words[label][j] for label in prior}, of_words), prior=of_words)
        assert fuse([voice, text], prior=prior).probabilities == pytest.approx(exact)


@given(probabilities, probabilities, weights, weights)
def test_it_is_the_weighted_geometric_mean_where_priors_are_uniform(one, other, v, w):
    expected = normalised({label: one[label] ** v * other[label] ** w for label in LABELS})
    evidence = [Evidence("voice", one, reliability=v), Evidence("text", other, reliability=w)]
    assert fuse(evidence).probabilities == pytest.approx(expected)


@given(probabilities, probabilities, probabilities, weights, probabilities)
def test_the_order_does_not_matter_and_the_shares_sum_to_one(one, two, three, weight, prior):
    evidence = [Evidence("a", one), Evidence("b", two, reliability=weight, prior=three), Evidence("c", three)]
    fused = fuse(evidence, prior=prior)
    assert math.fsum(fused.probabilities.values()) == pytest.approx(1)
    assert fuse(evidence[::-1], prior=prior).probabilities == pytest.approx(fused.probabilities)
    assert fused.confidence == max(fused.probabilities.values())


@given(probabilities, probabilities)
def test_who_says_what_is_usual_of_it_changes_nothing(one, usual):
    alone = fuse([Evidence("voice", one)])
    with_other = fuse([Evidence("voice", one), Evidence("text", usual, prior=usual)])
    assert with_other.probabilities == pytest.approx(alone.probabilities)
    assert alone.probabilities == pytest.approx(one)


@given(probabilities, probabilities)
def test_missing_unreliable_and_very_old_are_the_same(one, other):
    alone = fuse([Evidence("voice", one), Evidence("text", None)])
    assert alone.weights == {"voice": 1, "text": 0}
    for silent in (Evidence("text", other, reliability=0), Evidence("text", other, age_seconds=math.inf)):
        assert fuse([Evidence("voice", one), silent]) == alone
    assert fuse([Evidence("voice", one)]).probabilities == alone.probabilities


@given(probabilities, probabilities, probabilities)
def test_without_any_modality_the_prior_is_left_and_nothing_is_decided(prior, one, other):
    fused = fuse([Evidence("voice", None), Evidence("text", None)], prior=prior)
    assert fused.probabilities == pytest.approx(prior)
    assert fused.emotion is None
    unheard = [Evidence("voice", one, reliability=0), Evidence("text", other, reliability=0)]
    assert fuse(unheard, prior=prior) == fused


@given(probabilities, probabilities, st.sampled_from(LABELS), st.floats(0.05, 1))
def test_more_for_a_label_in_one_modality_is_never_less_for_it_in_all(one, other, label, weight):
    more = normalised({**other, label: other[label] + 0.2})
    before, after = (
        fuse([Evidence("voice", one), Evidence("text", shares, reliability=weight)]).probabilities[label]
        for shares in (other, more)
    )
    assert after > before


@given(probabilities, probabilities)
def test_agreement_makes_surer_and_age_makes_it_matter_less(one, other):
    best = max(one, key=one.__getitem__)
    assume(max(other, key=other.__getitem__) == best)
    assume(sorted(other.values())[-1] > sorted(other.values())[-2] + 1e-6)
    shares = [
        fuse([Evidence("voice", one), Evidence("text", other, age_seconds=age)]).confidence for age in (0, 1, 8, 60)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > max(one.values())


def test_a_half_life_halves_the_weight():
    evidence = Evidence("text", UNIFORM, reliability=0.8, age_seconds=6, half_life_seconds=3)
    assert evidence.weight == pytest.approx(0.8 / 4)
    assert Evidence("text", UNIFORM, age_seconds=1e9, half_life_seconds=math.inf).weight == 1


def test_nobody_has_a_veto():
    sure = {"neutral": 0.0, "happy": 0.0, "sad": 1.0, "angry": 0.0}
    against = {"neutral": 1.0, "happy": 0.0, "sad": 0.0, "angry": 0.0}
    fused = fuse([Evidence("voice", sure), Evidence("text", against)])
    assert fused.probabilities["sad"] == pytest.approx(fused.probabilities["neutral"])
    once_more = fuse([Evidence("voice", sure), Evidence("text", against), Evidence("face", sure)])
    odds = once_more.probabilities["sad"] / once_more.probabilities["neutral"]
    assert odds == pytest.approx(1 / FLOOR, rel=0.01)


def test_it_is_uncertain_below_the_threshold():
    split = [Evidence("voice", {"happy": 0.8, "sad": 0.2}), Evidence("text", {"happy": 0.3, "sad": 0.7})]
    assert fuse(split).emotion == "happy"
    assert fuse(split, uncertain_below=0.7).emotion is None


def test_labels_of_another_name_are_mapped_and_those_of_another_set_refused():
    voice = Evidence("voice", UNIFORM)
    words = {"joy": 0.5, "love": 0.2, "sadness": 0.1, "anger": 0.1, "neutral": 0.1}
    names = {"joy": "happy", "love": "happy", "sadness": "sad", "anger": "angry"}
    fused = fuse([voice, Evidence("text", renamed(words, names))])
    assert fused.probabilities == pytest.approx({"neutral": 0.1, "happy": 0.7, "sad": 0.1, "angry": 0.1})
    with pytest.raises(FusionError) as refused:
        fuse([voice, Evidence("text", words)])
    assert "anger, joy, love, sadness only in text" in refused.value.problem
    assert "angry, happy, sad only in voice" in refused.value.problem
    assert "renamed" in refused.value.cure
    with pytest.raises(FusionError, match="fearful only in the prior"):
        fuse([voice], prior={**UNIFORM, "angry": 0.15, "fearful": 0.1})
    with pytest.raises(FusionError, match="only in the prior of text"):
        fuse([voice, Evidence("text", UNIFORM, prior={**UNIFORM, "bored": 0.0})])


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"probabilities": {}}, "no probabilities"),
        ({"probabilities": {"happy": 1.0}}, "no probabilities"),
        ({"probabilities": {"happy": 1.5, "sad": -0.5}}, "no probabilities"),
        ({"probabilities": {"happy": math.nan, "sad": 0.5}}, "no probabilities"),
        ({"probabilities": {"happy": 0.5, "sad": 0.4}}, "sum to 0.9"),
        ({"prior": {"happy": 0.5, "sad": 0.4}}, "sum to 0.9"),
        ({"reliability": 1.1}, "reliability"),
        ({"reliability": math.nan}, "reliability"),
        ({"age_seconds": -1}, "age"),
        ({"half_life_seconds": 0}, "half-life"),
    ],
)
def test_what_is_no_evidence_is_refused(fields, word):
    with pytest.raises(FusionError, match=f"text.*{word}"):
        Evidence("text", **{"probabilities": UNIFORM, **fields})


def test_what_cannot_be_combined_is_refused():
    with pytest.raises(FusionError, match="one name"):
        fuse([Evidence("voice", UNIFORM), Evidence("voice", None)])
    with pytest.raises(FusionError, match="uncertain_below"):
        fuse([Evidence("voice", UNIFORM)], uncertain_below=40)
    with pytest.raises(FusionError, match="no prior"):
        fuse([Evidence("voice", None)])


def test_only_what_was_heard_of_somebody_who_speaks_is_evidence():
    for event in Recognizer().recognize(DEMO).timeline:
        evidence = heard(event, reliability=0.7)
        assert evidence.weight == (0.7 if event.state in ("emotion", "uncertain") else 0)
        if evidence.weight:
            assert fuse([evidence]).emotion == max(event.probabilities, key=event.probabilities.__getitem__)
