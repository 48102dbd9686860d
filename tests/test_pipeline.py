"""The whole path behind the resampler: exact in time, the same for every way of cutting the stream."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from speech import STEP, demo, silence, utterance

from edge_ser.decision.calibration import Calibration
from edge_ser.decision.degradation import degrade
from edge_ser.decision.pooling import Pooling
from edge_ser.decision.presets import PRESETS
from edge_ser.events import Event, Flags
from edge_ser.pipeline import Pipeline
from edge_ser.segmenter import Segmenter
from edge_ser.settings import PRESET_NAMES, Settings
from edge_ser.student.model_file import ModelFile
from edge_ser.student.stepper import Stepper

MODEL = ModelFile.load_bundled()
WARM_UP = MODEL.metadata.decision.warm_up_seconds
PIPELINE = Pipeline(MODEL)  # reset before each use, which is tested below


def run(pcm: NDArray[np.int16], blocks: list[int] | int = 10**9) -> list[Event]:
    """Return the events of a recording that arrives in blocks of these sizes, in turn."""
    sizes = [blocks] if isinstance(blocks, int) else blocks
    PIPELINE.reset()
    events, start, nth = [], 0, 0
    while start < len(pcm):
        size = sizes[nth % len(sizes)]
        events += PIPELINE.push(pcm[start : start + size])
        start, nth = start + size, nth + 1
    return events + PIPELINE.flush()


def at_snr(pcm: NDArray[np.int16], snr_db: float) -> NDArray[np.int16]:
    """Return speech in white noise; the level of speech is that of its loud half."""
    power = np.sort(pcm[: len(pcm) // STEP * STEP].reshape(-1, STEP).astype(float).var(axis=1))
    sigma = np.sqrt(power[len(power) // 2 :].mean() / 10 ** (snr_db / 10))
    noisy = pcm + np.random.default_rng(0).normal(0, sigma, len(pcm))
    return np.clip(np.rint(noisy), -32768, 32767).astype(np.int16)


def test_recording_gives_speech_and_decisions() -> None:
    events = run(demo())
    assert {event.state for event in events} >= {"no_speech", "warming_up"}
    assert any(event.state in ("uncertain", "emotion") for event in events)


@pytest.mark.parametrize("block", [16, 160, 441, 1279, 1280, 1281, 16000])
def test_blocks_from_1_ms_to_1_s_change_nothing(block: int) -> None:
    assert run(demo(), block) == run(demo())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 16000), min_size=1, max_size=12), st.integers(0, len(demo()) // 2))
def test_any_cut_changes_nothing(blocks: list[int], start: int) -> None:
    pcm = demo()[start : start + 4 * 16000]
    assert run(pcm, blocks) == run(pcm)
    assert PIPELINE.recognition() == PIPELINE.recognition()


@settings(max_examples=15, deadline=None)
@given(
    losses=st.lists(st.tuples(st.integers(0, 30000), st.integers(1, 20000)), min_size=1, max_size=4),
    blocks=st.lists(st.integers(1, 8000), min_size=1, max_size=6),
)
def test_losses_stay_where_they_were_whatever_the_cut(losses: list[tuple[int, int]], blocks: list[int]) -> None:
    pcm = utterance()[8 * STEP : 8 * STEP + 30000]
    by_place: dict[int, int] = {}
    for place, lost in losses:
        by_place[place] = by_place.get(place, 0) + lost

    def replay(sizes: list[int]) -> list[Event]:
        PIPELINE.reset()
        cuts = sorted({*np.cumsum(sizes * (1 + len(pcm) // sum(sizes))).tolist(), *by_place, 0, len(pcm)})
        events = []
        for start, stop in zip(cuts, [*cuts[1:], None], strict=True):
            events += PIPELINE.push(pcm[start:stop], by_place.get(start, 0))
        return events + PIPELINE.flush()

    events = replay(blocks)
    assert events == replay([len(pcm)])
    heard = sum(lost for place, lost in by_place.items() if place < len(pcm))
    assert events[-1].time == (len(pcm) + heard) / 16000
    assert PIPELINE.recognition().duration == (len(pcm) + sum(by_place.values())) / 16000
    assert PIPELINE.recognition().flags.gap


def test_events_come_every_step_and_end_with_the_audio() -> None:
    events = run(demo())
    whole, rest = divmod(len(demo()), STEP)
    assert rest > 0
    times = [(i + 1) * STEP / 16000 for i in range(whole)] + [len(demo()) / 16000]
    assert [event.time for event in events] == times


def test_last_step_is_completed_with_zeros() -> None:
    cut = utterance()[: -STEP // 2]
    padded = run(np.pad(cut, (0, STEP // 2)))
    events = run(cut)
    assert events[-1] == dataclasses.replace(padded[-1], time=len(cut) / 16000)
    assert events[:-1] == padded[:-1]
    assert PIPELINE.flush() == []


def test_reset_forgets_everything() -> None:
    run(demo())
    PIPELINE.reset()
    fresh = Pipeline(MODEL)
    assert run(utterance()) == fresh.push(utterance())
    assert PIPELINE.recognition() == fresh.recognition()


@pytest.mark.parametrize("pcm", [np.zeros(5 * STEP, np.int16), silence(5)], ids=["zeros", "hiss"])
def test_silence_is_no_speech_of_uniform_probability(pcm: NDArray[np.int16]) -> None:
    for event in run(pcm):
        assert (event.state, event.emotion, event.speech) == ("no_speech", None, False)
        assert (event.valence, event.arousal, event.attention, event.speech_seconds) == (0.0, 0.0, 0.0, 0.0)
        assert set(event.probabilities.values()) == {1 / len(MODEL.metadata.labels)}
        assert event.flags == Flags()
        assert event.level_dbfs >= -120
    recognition = PIPELINE.recognition()
    assert (recognition.state, recognition.emotion, recognition.speech_seconds) == ("no_speech", None, 0.0)
    assert sum(recognition.probabilities.values()) == pytest.approx(1.0)


def test_states_follow_one_another() -> None:
    events = run(np.concatenate([utterance(), silence(30)]))
    for event in events:
        if event.state == "warming_up":
            assert event.speech_seconds < WARM_UP
        if event.state in ("uncertain", "emotion"):
            assert event.speech_seconds >= WARM_UP
        assert (event.emotion is not None) == (event.state == "emotion")
        assert sum(event.probabilities.values()) == pytest.approx(1.0)
        assert event.confidence == max(event.probabilities.values())
    states = [event.state for event in events]
    assert [states[0], states[-1]] == ["no_speech", "no_speech"]
    assert states.index("warming_up") == next(i for i, event in enumerate(events) if event.speech)


def test_silence_after_an_utterance_still_describes_it() -> None:
    events = run(np.concatenate([utterance(), silence(30)]))
    last = max(i for i, event in enumerate(events) if event.state != "no_speech")
    for event in events[last + 1 :]:
        assert event.probabilities == events[last].probabilities
        assert (event.valence, event.arousal) == (events[last].valence, events[last].arousal)
        assert event.speech_seconds == events[last].speech_seconds
        assert event.attention == 0.0


def twice(pipeline: Pipeline) -> tuple[list[Event], list[Event]]:
    """Return the events within an utterance, and within the same one after a pause."""
    pause = silence(40)
    events = pipeline.push(np.concatenate([utterance(), pause, utterance(), pause])) + pipeline.flush()
    half = len(events) // 2
    one, other = ([event for event in part if event.state != "no_speech"] for part in (events[:half], events[half:]))
    assert len(one) > 20
    return one, other


def test_each_utterance_starts_afresh() -> None:
    """Without a baseline the same words after a pause are the same utterance, whatever was said before."""
    one, other = twice(Pipeline(MODEL, Settings(baseline=False)))
    assert [event.probabilities for event in one] == [event.probabilities for event in other]
    assert [event.speech_seconds for event in one] == [event.speech_seconds for event in other]


def test_a_voice_is_learnt_from_utterance_to_utterance_and_forgotten_when_told() -> None:
    pipeline = Pipeline(MODEL)
    one, other = twice(pipeline)
    assert one[-1].probabilities != other[-1].probabilities
    learnt = pipeline.push(np.concatenate([utterance(), silence(40)]))
    pipeline.forget_speaker()
    again = [event for event in pipeline.push(np.concatenate([utterance(), silence(40)])) if event.state != "no_speech"]
    assert [event.probabilities for event in again] == [event.probabilities for event in one]
    assert learnt[-1].probabilities != again[-1].probabilities
    pipeline.reset()  # another stream, perhaps of another person
    anew, _ = twice(pipeline)
    assert [event.probabilities for event in anew] == [event.probabilities for event in one]


def test_the_decision_on_a_recording_does_not_hang_on_the_baseline() -> None:
    pcm = np.concatenate([utterance(), silence(40), utterance(), silence(40)])
    decisions = []
    for learns in (True, False):
        pipeline = Pipeline(MODEL, Settings(baseline=learns))
        pipeline.push(pcm)
        decisions.append(pipeline.recognition().probabilities)
    assert decisions[0] == decisions[1]


def test_an_utterance_that_ends_is_told_once() -> None:
    pipeline = Pipeline(MODEL)
    pipeline.push(np.concatenate([utterance(), silence(40)]))
    (ended,) = pipeline.take_ended()
    assert 1 < ended.speech_seconds < 3
    assert len(ended.logits) == len(MODEL.metadata.classes)
    assert np.abs(ended.voice).max() > 1
    assert ended.decision in {"uncertain", *MODEL.metadata.labels}
    assert 0.1 < ended.confidence < 1
    assert -40 < ended.level_dbfs < -10
    assert ended.noise_floor_dbfs < ended.level_dbfs - 10
    assert pipeline.take_ended() == []


def test_recognition_pools_all_utterances() -> None:
    run(demo())
    segmenter = Segmenter(MODEL.metadata.features, MODEL.metadata.decision.hangover_seconds)
    stepper, pooling = Stepper(MODEL), Pooling(len(MODEL.metadata.classes))
    padded = np.pad(demo(), (0, -len(demo()) % STEP))
    onsets = 0
    for start in range(0, len(padded), STEP):
        step = segmenter(padded[start : start + STEP])
        if step.onset:
            stepper.reset()
            onsets += 1
        for features in step.features:
            logits, attention = stepper(features)
            pooling.add(logits.tolist(), attention)
    assert onsets > 1
    recognition = PIPELINE.recognition()
    assert list(recognition.probabilities.values()) == Calibration(MODEL.metadata)(pooling.mean())
    assert recognition.duration == len(demo()) / 16000


def test_too_little_speech_for_a_decision_is_warming_up() -> None:
    onset = next(i for i, event in enumerate(run(utterance())) if event.speech)
    run(utterance()[: (onset + 3) * STEP])
    recognition = PIPELINE.recognition()
    assert (recognition.state, recognition.emotion) == ("warming_up", None)
    assert 0 < recognition.speech_seconds < WARM_UP


@pytest.mark.parametrize(("threshold", "state"), [(0.0, "emotion"), (1.0, "uncertain")])
def test_settings_move_the_threshold(threshold: float, state: str) -> None:
    pipeline = Pipeline(MODEL, Settings(uncertain_below=threshold))
    events = pipeline.push(utterance())
    assert {event.state for event in events if event.speech_seconds >= WARM_UP} == {state}
    assert pipeline.recognition().state == state


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_no_preset_depends_on_the_cut(preset: str) -> None:
    pipeline = Pipeline(MODEL, Settings(preset=preset))
    whole = pipeline.push(demo()) + pipeline.flush()
    pipeline.reset()
    cut = [event for start in range(0, len(demo()), 441) for event in pipeline.push(demo()[start : start + 441])]
    assert cut + pipeline.flush() == whole
    first = next(event for event in whole if event.state in ("uncertain", "emotion"))
    assert first.speech_seconds >= PRESETS[preset].warm_ups * WARM_UP


def test_what_was_heard_is_forgotten_within_an_utterance_and_not_in_the_recording() -> None:
    """With a half-life far below a step, each step stands for itself."""
    forgetting = Pipeline(MODEL, Settings(half_life_seconds=1e-3))
    events = forgetting.push(utterance())
    assert {round(event.attention, 6) for event in events if event.speech} == {1.0}
    remembering = Pipeline(MODEL, Settings(half_life_seconds=math.inf))
    assert remembering.push(utterance()) != events
    assert forgetting.recognition() == remembering.recognition()


def test_confidence_stays_lower_after_a_gap_until_the_utterance_is_over() -> None:
    """The samples are all there, so that the flag is the only difference."""
    spoken = np.concatenate([utterance(), silence(20), utterance()])
    clean = run(spoken)
    PIPELINE.reset()
    events = PIPELINE.push(spoken[: 20 * STEP]) + PIPELINE.push(spoken[20 * STEP :], lost=1)
    over = next(i for i in range(20, len(events)) if events[i].state == "no_speech")
    again = next(i for i in range(over, len(events)) if events[i].state != "no_speech")
    assert [event.flags.gap for event in events] == [i == 20 for i in range(len(events))]
    for i, (event, as_if) in enumerate(zip(events, clean, strict=True)):
        expected = list(as_if.probabilities.values())
        if 20 <= i < again:
            expected = degrade(expected, Flags(gap=True))
            assert event.confidence < as_if.confidence
        assert list(event.probabilities.values()) == pytest.approx(expected)


def test_faults_anywhere_lower_the_confidence_of_the_recording() -> None:
    run(utterance())
    clean = PIPELINE.recognition()
    PIPELINE.push(np.zeros(0, np.int16), lost=1)
    expected = degrade(list(clean.probabilities.values()), Flags(gap=True))
    assert list(PIPELINE.recognition().probabilities.values()) == pytest.approx(expected)


def test_attention_is_the_share_of_the_step() -> None:
    events = run(utterance())
    first = next(i for i, event in enumerate(events) if event.speech)
    assert all(event.attention == 0.0 for event in events[:first])
    assert all(0 < event.attention < 1 for event in events[first:])


def test_gap_is_flagged_once_and_counts_as_time() -> None:
    PIPELINE.reset()
    events = PIPELINE.push(utterance()[: 3 * STEP])
    events += PIPELINE.push(utterance()[3 * STEP : 6 * STEP], lost=800)
    assert [event.flags.gap for event in events] == [False] * 3 + [True] + [False] * 2
    assert events[3].time - events[2].time == pytest.approx((STEP + 800) / 16000)
    assert PIPELINE.recognition().flags == Flags(gap=True)


def test_loss_at_the_very_end_is_not_forgotten() -> None:
    run(utterance())
    duration = PIPELINE.recognition().duration
    PIPELINE.push(np.zeros(0, np.int16), lost=1600)
    assert PIPELINE.recognition().duration == pytest.approx(duration + 0.1)
    assert PIPELINE.recognition().flags.gap


def test_clipping_is_flagged_where_it_is() -> None:
    loud = utterance().astype(np.int32)
    loud[20 * STEP : 22 * STEP] *= 100
    events = run(np.clip(loud, -32768, 32767).astype(np.int16))
    assert [i for i, event in enumerate(events) if event.flags.clipping] == [20, 21]
    assert PIPELINE.recognition().flags.clipping


@pytest.mark.parametrize(("snr_db", "noise"), [(30.0, False), (20.0, False), (5.0, True), (0.0, True)])
def test_noise_is_flagged_beside_a_voice(snr_db: float, noise: bool) -> None:
    events = run(at_snr(demo(), snr_db))
    judged = [event.flags.noise for event in events if event.speech_seconds >= WARM_UP and event.state != "no_speech"]
    assert len(judged) > 20
    assert np.mean(judged) == pytest.approx(float(noise), abs=0.2)


@pytest.mark.parametrize("wrong", [np.zeros(10), np.zeros((10, 1), np.int16), np.zeros(10, np.int32)])
def test_anything_but_int16_samples_is_refused(wrong: NDArray[np.generic]) -> None:
    with pytest.raises(TypeError, match="int16"):
        PIPELINE.push(wrong)  # type: ignore[arg-type]


def test_negative_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="lost is -1"):
        PIPELINE.push(np.zeros(1, np.int16), lost=-1)


def test_while_the_microphone_is_away_time_goes_on_and_the_gap_is_told() -> None:
    pcm = utterance()
    PIPELINE.reset()
    heard = PIPELINE.push(pcm[: 20 * STEP + 100])
    away = [PIPELINE.away(16000 * i, ("mic_lost",) if i == 0 else ()) for i in range(3)]
    back = PIPELINE.push(pcm[20 * STEP + 100 :], 8000, ("mic_restored",))
    at_loss = (20 * STEP + 100) / 16000
    assert [event.time for event in away] == [at_loss, at_loss + 1, at_loss + 3]
    assert {(event.state, event.emotion, event.speech, event.attention) for event in away} == {
        ("mic_lost", None, False, 0.0)
    }
    assert [event.flags for event in away] == [Flags(), Flags(gap=True), Flags(gap=True)]
    assert away[0].probabilities == heard[-1].probabilities
    assert [event.notices for event in away] == [("mic_lost",), (), ()]
    assert back[0].time == pytest.approx(21 * STEP / 16000 + 3.5)
    assert [event.flags.gap for event in back] == [True] + [False] * (len(back) - 1)
    assert [event.notices for event in back] == [("mic_restored",)] + [()] * (len(back) - 1)
    assert PIPELINE.recognition().duration == pytest.approx(len(pcm) / 16000 + 3.5)


def test_notices_are_plain_in_json() -> None:
    event = PIPELINE.away(0, ("mic_lost", "silent_input"))
    assert event.to_dict()["notices"] == ["mic_lost", "silent_input"]
