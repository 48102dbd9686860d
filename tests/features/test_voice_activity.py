"""VoiceActivity finds nearly all speech, loud or soft, from the first frame on, and lets steady noise pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from features.recordings import is_speech, read, some
from features.signals import SAMPLE_RATE, at_level, clipped, noise, vowels
from numpy.typing import NDArray

from edge_ser.errors import SettingsError
from edge_ser.features import LogMel, VoiceActivity, VoiceActivitySettings
from edge_ser.features.prominence import Prominence

CORPORA = ("ravdess", "emodb", "cremad-hapsad", "nemo", "tess", "neutral-libri")
ADAPTED = 150  # frames; by then a noise floor of any level is known


def decide(pcm: NDArray[np.int16], **settings: Any) -> NDArray[np.bool_]:
    return VoiceActivity(VoiceActivitySettings(**settings))(LogMel().push(pcm))


def white(samples: int) -> NDArray[np.float64]:
    values = noise(samples).astype(np.float64)
    return values / values.std()


def pink(samples: int) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(white(samples))
    hz = np.maximum(np.arange(spectrum.size) * SAMPLE_RATE / samples, 20)
    values = np.fft.irfft(spectrum / np.sqrt(hz), samples)
    return values / values.std()


def hum(samples: int) -> NDArray[np.float64]:
    t = np.arange(samples) / SAMPLE_RATE
    values = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5)) + 0.01 * white(samples)
    return values / values.std()


@pytest.mark.parametrize("dbfs", [-70, -50, -35, -20])
@pytest.mark.parametrize("kind", [white, pink, hum])
def test_steady_noise_is_not_speech_once_it_is_known(kind: Any, dbfs: int) -> None:
    assert not decide(at_level(kind(5 * SAMPLE_RATE), dbfs))[ADAPTED:].any()


@pytest.mark.parametrize("kind", [white, pink])
def test_noise_that_sets_in_is_taken_for_speech_for_a_second_at_most(kind: Any) -> None:
    pcm = at_level(kind(6 * SAMPLE_RATE), -30)
    pcm[: 2 * SAMPLE_RATE] //= 512
    speech = decide(pcm)
    assert not speech[:200].any()
    assert not speech[200 + ADAPTED :].any()


@pytest.mark.parametrize(
    "pcm", [np.zeros(32000, np.int16), clipped(noise(32000) >> 14), np.full(32000, -3000, np.int16)],
    ids=["digital silence", "last bit", "constant offset"],
)  # fmt: skip
def test_silence_is_not_speech(pcm: NDArray[np.int16]) -> None:
    assert not decide(pcm).any()


def test_a_click_is_not_speech() -> None:
    pcm = at_level(pink(3 * SAMPLE_RATE), -60)
    for start in range(8000, pcm.size, 16000):
        pcm[start : start + 80] = at_level(vowels(80), -10)  # 5 ms
    assert not decide(pcm).any()
    assert decide(pcm, confirm_frames=2).any()


@pytest.mark.parametrize("dbfs", [-55, -40, -20])
def test_a_voice_is_found_within_50_ms_and_let_go_after_the_hangover(dbfs: int) -> None:
    pcm = at_level(white(3 * SAMPLE_RATE), -80)
    pcm[16000:24000] += at_level(vowels(8000), dbfs)
    found = np.flatnonzero(decide(pcm))
    assert 100 <= found[0] <= 105
    assert 150 <= found[-1] <= 175
    assert (np.diff(found) == 1).all()


@pytest.mark.parametrize("dbfs", [-35, -20])
def test_a_stream_may_start_within_a_word(dbfs: int) -> None:
    found = np.flatnonzero(decide(at_level(vowels(16000), dbfs)))
    assert found[0] <= 5


def test_more_hangover_lasts_longer_and_more_onset_finds_less() -> None:
    pcm = at_level(white(3 * SAMPLE_RATE), -50)
    pcm[16000:24000] += at_level(vowels(8000), -40)
    assert decide(pcm, hangover_frames=0).sum() < decide(pcm).sum() < decide(pcm, hangover_frames=40).sum()
    assert decide(pcm, onset_db=8.0).sum() < decide(pcm).sum()


def test_reset_forgets_the_noise_and_the_decision() -> None:
    log_mel = LogMel().push(at_level(vowels(20000), -20))
    activity = VoiceActivity()
    first, level, floor = activity(log_mel), activity.level_db, activity.noise_floor_db
    activity.reset()
    assert activity.level_db < -100
    np.testing.assert_array_equal(activity(log_mel), first)
    assert (activity.level_db, activity.noise_floor_db) == (level, floor)


@pytest.mark.parametrize("dbfs", [-60, -40, -20])
def test_level_and_noise_floor_are_in_decibels_of_full_scale(dbfs: int) -> None:
    activity = VoiceActivity()
    levels = []
    log_mel = LogMel().push(at_level(white(4 * SAMPLE_RATE), dbfs))
    for i in range(len(log_mel)):
        activity(log_mel[i : i + 1])
        levels.append(activity.level_db)
    assert np.mean(levels[3:]) == pytest.approx(dbfs, abs=0.5)
    assert activity.noise_floor_db == pytest.approx(dbfs, abs=3)


def test_before_any_sound_the_level_is_silence_and_the_floor_the_assumed_one() -> None:
    activity = VoiceActivity()
    assert activity.level_db == pytest.approx(-108, abs=0.5)
    assert activity.noise_floor_db == pytest.approx(VoiceActivitySettings().initial_floor_dbfs, abs=1)


def test_no_frames_give_no_decisions() -> None:
    assert VoiceActivity()(np.empty((0, 40))).shape == (0,)


@pytest.mark.parametrize(
    ("name", "value"),
    [("margin_db", -1.0), ("onset_db", 0.0), ("keep_db", 5.0), ("keep_db", float("nan")), ("confirm_frames", 0),
     ("confirm_frames", 9), ("confirm_frames", 4.0), ("hangover_frames", -1), ("hangover_frames", True),
     ("floor_groups", 0), ("floor_bias_db", float("inf")), ("initial_floor_dbfs", -90.0), ("lowest_floor_dbfs", 3.0),
     ("initial_floor_dbfs", 3.0),
     ("lowest_floor_dbfs", "-60")],
)  # fmt: skip
def test_impossible_settings_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=name):
        VoiceActivitySettings(**{name: value})


# Real speech and noise.


@pytest.mark.parametrize("corpus", CORPORA)
def test_speech_is_found_in_every_recording_of_every_corpus(corpora: Path, corpus: str) -> None:
    found, missed, speech_frames = [], 0, 0
    for path in some(corpora / corpus, 40):
        pcm = read(path)
        speech, reference = decide(pcm), is_speech(pcm)
        found.append(speech.sum() / 100)
        missed += np.count_nonzero(reference & ~speech)
        speech_frames += np.count_nonzero(reference)
    assert np.mean(np.array(found) >= 0.5) >= 0.99
    assert missed / speech_frames <= 0.06


@pytest.mark.parametrize("emotion", ["02", "04"], ids=["calm", "sad"])
def test_soft_speech_between_silences_is_found_and_the_silence_is_not(corpora: Path, emotion: str) -> None:
    hits, alarms = [], []
    for path in some(corpora / "ravdess", 30, containing=f"03-01-{emotion}-01"):
        pcm = read(path)
        speech, reference = decide(pcm), is_speech(pcm)
        after_hangover = np.convolve(reference, np.ones(31))[: reference.size] == 0
        hits.append(speech[reference].mean())
        alarms.append(speech[after_hangover].mean())
    assert np.mean(hits) >= 0.92
    assert min(hits) >= 0.5
    assert np.mean(alarms) <= 0.1


@pytest.mark.parametrize("corpus", ["emodb", "nemo", "tess"])
def test_recordings_cut_off_within_a_word_are_heard_from_their_first_second(corpora: Path, corpus: str) -> None:
    hits = []
    for path in some(corpora / corpus, 20):
        pcm = read(path)
        power = np.square(pcm[: pcm.size // 160 * 160].astype(np.float64)).reshape(-1, 160).mean(axis=1)
        loud = int(np.flatnonzero(power > np.percentile(power, 90) / 4)[0])
        speech = decide(pcm[loud * 160 :])
        hits.append(speech[:100][is_speech(pcm)[loud:][:100]].mean())
    assert np.mean(hits) >= 0.9


@pytest.fixture(scope="module")
def conversation(corpora: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return recordings of four corpora with a second between them (n,), speech of RMS 1, and where it is."""
    parts, truth = [], []
    for corpus in ("emodb", "tess", "neutral-libri", "ravdess"):
        for path in some(corpora / corpus, 5):
            pcm = read(path)
            pcm = pcm[: pcm.size // 160 * 160]
            speech = is_speech(pcm)
            parts += [np.zeros(SAMPLE_RATE), pcm / pcm[np.repeat(speech, 160)].astype(np.float64).std()]
            truth += [np.zeros(100, np.bool_), speech]
    return np.concatenate(parts), np.concatenate(truth)


def roc_area(pcm: NDArray[np.int16], truth: NDArray[np.bool_]) -> float:
    """Return the area under hits over false alarms, for all thresholds on the smoothed prominence."""
    smooth, smoothed = 0.0, []
    for prominence in Prominence(VoiceActivitySettings())(LogMel().push(pcm)).tolist():
        smooth += (0.3 if prominence > smooth else 0.15) * (prominence - smooth)
        smoothed.append(smooth)
    order = np.argsort(smoothed)[::-1]
    hits, alarms = np.cumsum(truth[order]) / truth.sum(), np.cumsum(~truth[order]) / (~truth).sum()
    return float(np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]) / 2))


@pytest.mark.parametrize(("snr_db", "area"), [(20, 0.975), (10, 0.95), (0, 0.9)])
def test_speech_is_told_from_white_noise(
    conversation: tuple[NDArray[np.float64], NDArray[np.bool_]], snr_db: int, area: float
) -> None:
    speech, truth = conversation
    noisy = speech + white(speech.size) * 10 ** (-snr_db / 20)
    assert roc_area(at_level(noisy / noisy.std(), -20), truth) >= area


@pytest.mark.parametrize(("kind", "area"), [("running_tap", 0.94), ("exercise_bike", 0.93), ("doing_the_dishes", 0.92)])
def test_speech_is_told_from_real_noise_at_10_db(
    corpora: Path, conversation: tuple[NDArray[np.float64], NDArray[np.bool_]], kind: str, area: float
) -> None:
    speech, truth = conversation
    background = np.resize(read(some(corpora / "noise-speechcommands", 1, kind)[0]).astype(np.float64), speech.size)
    noisy = speech + background / background.std() * 10 ** (-10 / 20)
    assert roc_area(at_level(noisy / noisy.std(), -20), truth) >= area


@pytest.mark.parametrize(
    ("kind", "share"), [("Rain", 0.03), ("Helicopter", 0.1), ("Sea_waves", 0.1), ("Chainsaw", 0.3)]
)
def test_most_real_noise_is_rejected_once_it_is_known(corpora: Path, kind: str, share: float) -> None:
    fired = [decide(read(path))[ADAPTED:].mean() for path in some(corpora / "noise-esc10", 40, kind)]
    assert np.mean(fired) <= share
