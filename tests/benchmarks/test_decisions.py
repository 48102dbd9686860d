"""What `presets` counts, and what `degraded` spoils, is what they say."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cli import main
from benchmarks.degraded import BLOCK, LOST_SHARE, Heard, clip_off, fit_factor
from benchmarks.presets import Changes, Clips, changes_of, clips_of, stream_of
from benchmarks.readme import RESULTS
from convert.evaluate.conditions import lose_blocks
from edge_ser.decision.degradation import factor
from edge_ser.decision.presets import PRESETS
from edge_ser.events import Event, Flags, State

RNG = np.random.default_rng(0)


def said(*announced: str | None) -> list[Event]:
    """Return an event a second: an emotion, None for uncertain, or the name of another state."""
    states: dict[str | None, State] = {None: "uncertain", "no_speech": "no_speech", "warming_up": "warming_up"}
    events = []
    for second, name in enumerate(announced):
        state = states.get(name, "emotion")
        emotion = name if state == "emotion" else None
        speech = state != "no_speech"
        events.append(Event(second + 1, state, emotion, {}, 0.5, 0, 0, speech, 1, 0, -20, Flags()))
    return events


def test_a_false_event_is_a_change_to_an_emotion_that_is_not_neutral() -> None:
    found = stream_of(said("warming_up", "angry", "angry", "neutral", "angry", None, "angry", "sad", "no_speech", None))
    assert found.false_per_hour == pytest.approx(4 * 3600 / 10)
    assert found.share == {"no_speech": 0.1, "warming_up": 0.1, "uncertain": 0.2, "neutral": 0.1, "emotion": 0.5}


def test_latency_counts_from_the_onset_to_the_first_right_decision() -> None:
    found = clips_of(
        [
            (said("no_speech", "warming_up", "sad", "angry", "no_speech"), "angry"),
            (said("warming_up", "sad", None, "no_speech"), "sad"),
            (said("no_speech"), "sad"),
            (said("warming_up", "happy"), "sad"),
        ]
    )
    assert found == Clips(pytest.approx((2.5, 2.9)), ever_right=0.5, coverage=0.5, accuracy=0.5)


def test_a_change_is_followed_by_the_right_decision_after_it() -> None:
    heard = [(said("sad", "neutral", "neutral", "sad"), "sad", 1.5), (said("neutral", "neutral"), "sad", 1.0)]
    assert changes_of(heard) == Changes(2.5, 0.5)


def test_nothing_right_has_no_latency() -> None:
    assert math.isnan(clips_of([(said("sad"), "happy")]).latency_seconds[0])


def test_clipped_audio_is_clipped() -> None:
    ((pcm, lost),) = clip_off(np.arange(-1000, 1000, dtype=np.int16), RNG)
    assert lost == 0
    assert (np.abs(pcm.astype(int)) >= 32767).mean() > 0.2


def test_lost_blocks_and_kept_ones_are_the_whole_clip() -> None:
    pcm = np.arange(20 * BLOCK, dtype=np.int16)
    rng = np.random.default_rng(1)
    kept = lose_blocks(pcm, rng, rng.uniform(*LOST_SHARE), BLOCK)
    assert 0 < sum(lost for _, lost in kept) < len(pcm)
    place = 0
    for block, lost in kept:
        place += lost
        np.testing.assert_array_equal(block, pcm[place : place + len(block)])
        place += len(block)


def test_the_factor_behind_overconfident_answers_is_found() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 2, (4000, 5))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    spoken = (rng.random(len(true))[:, None] > true.cumsum(axis=1)).sum(axis=1)
    sure = true**1.5 / (true**1.5).sum(axis=1, keepdims=True)
    heard = Heard(sure, (Flags(gap=True),) * len(true), spoken, np.ones(len(true)))
    assert fit_factor(heard) == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize("question", ["presets", "degraded"])
def test_a_quick_run_on_real_speech(
    question: str, corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    assert main([question, "--quick", "--corpora", str(corpora), "--json", str(path)]) == 0
    assert path.stat().st_size
    assert "held-out speakers" in capsys.readouterr().out


def figures_of(question: str) -> dict[str, float]:
    """Return the figures that docs/decision.md shows."""
    report = json.loads((RESULTS / f"{question}.json").read_text(encoding="utf-8"))
    found: dict[str, float] = report["figures"]
    return found


@pytest.mark.parametrize("stream", ["noise", "read_speech", "neutral_clips"])
def test_presets_are_ordered_by_what_they_cost(stream: str) -> None:
    figures = figures_of("presets")
    for one, other in pairwise(PRESETS):
        assert figures[f"{one}_{stream}_false_per_hour"] > 1.5 * figures[f"{other}_{stream}_false_per_hour"]
        assert figures[f"{one}_latency_p50_s"] < figures[f"{other}_latency_p50_s"]


@pytest.mark.parametrize("flag", ["gap", "clipping", "noise"])
def test_factors_are_those_measured_and_mend_confidence(flag: str) -> None:
    figures = figures_of("degraded")
    assert factor(Flags(**{flag: True})) == pytest.approx(figures[f"{flag}_factor_ratio"], abs=0.03)
    assert figures[f"{flag}_ece_percent"] < figures[f"{flag}_ece_without_percent"]


def test_corpora_that_are_not_there_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "--corpora", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
