"""The comparison of voice activities measures what it says: ratios, labels, curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from features.recordings import is_speech
from features.signals import at_level, noise, vowels
from hypothesis import given
from hypothesis import strategies as st
from speech import demo

from benchmarks import voice_activity
from benchmarks.cli import EXIT_USAGE, main
from benchmarks.voice_activity import away_from_changes, mix, roc, roc_area, score_ours, speech_frames
from edge_ser.features import LogMel, VoiceActivity, VoiceActivitySettings


@pytest.mark.parametrize("snr_db", [20, 10, 0])
def test_the_ratio_is_that_of_speech_frames_to_noise(snr_db: int) -> None:
    truth = np.repeat([False, True], 100)
    speech = np.where(np.repeat(truth, 160), vowels(32000), 0.0)
    speech /= speech[16000:].std()
    mixed = mix(speech, truth, noise(7000).astype(float), snr_db).astype(float)
    noise_power = mixed[:16000].var()
    speech_power = mixed[16000:].var() - noise_power
    assert 10 * np.log10(speech_power / noise_power) == pytest.approx(snr_db, abs=0.3)
    assert 10 * np.log10(speech_power / 32768**2) == pytest.approx(voice_activity.MIX_DBFS, abs=0.3)


def test_labels_are_those_that_the_tests_of_the_detector_use() -> None:
    np.testing.assert_array_equal(speech_frames(demo().astype(float)), is_speech(demo()))


def test_frames_at_a_change_are_not_judged() -> None:
    truth = np.repeat([False, True, False], 30)
    assert np.flatnonzero(~away_from_changes(truth)).tolist() == [*range(25, 36), *range(55, 66)]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60))
def test_the_area_is_the_chance_that_speech_scores_higher(frames: list[tuple[int, bool]]) -> None:
    scores, truth = np.array([float(score) for score, _ in frames]), np.array([speech for _, speech in frames])
    if truth.all() or not truth.any():
        return
    higher = np.sign(scores[truth][:, None] - scores[~truth][None, :])
    assert roc_area(scores, truth) == pytest.approx(float((higher.mean() + 1) / 2))
    alarms, hits = roc(scores, truth)
    assert (alarms[0], hits[0], alarms[-1], hits[-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize("onset_db", [0.3, 0.85, 2.0])
def test_our_score_is_the_threshold_at_which_ours_decides(onset_db: float) -> None:
    pcm = demo()
    settings = VoiceActivitySettings(onset_db=onset_db, keep_db=onset_db, hangover_frames=0)
    np.testing.assert_array_equal(score_ours(pcm) > onset_db, VoiceActivity(settings)(LogMel().push(pcm)))


def test_a_quick_run_judges_every_detector_that_is_installed(corpora: Path) -> None:
    report = voice_activity.run(corpora, quick=True)
    assert report.figures["area.all.20_db.edge-ser"] > report.figures["area.all.0_db.edge-ser"] > 0.8
    assert report.figures["cost.edge-ser_us"] > 0
    for name in ("silero", "webrtcvad"):
        measured = f"cost.{name}_us" in report.figures
        assert measured != any(f"pip install 'edge-ser[{name}]'" in note for note in report.notes)
    for table in report.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_without_corpora_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voice-activity", "--corpora", str(tmp_path)]) == EXIT_USAGE
    assert "There is no corpus at" in capsys.readouterr().err


def test_silence_and_noise_alone_have_the_level_that_is_asked_for() -> None:
    assert voice_activity.at_level(at_level(vowels(8000), -10).astype(float), -35).std() == pytest.approx(
        32768 * 10 ** (-35 / 20), rel=0.01
    )
