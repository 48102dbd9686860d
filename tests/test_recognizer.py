"""From files, arrays and sources to decisions: one way for all of them, in bounded memory."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from speech import STEP, demo, silence, utterance

import edge_ser
from edge_ser import Recognizer, Settings
from edge_ser.capture.source import ArraySource, Block
from edge_ser.errors import AudioFileError, EdgeSerError, ModelFileError, SettingsError
from edge_ser.recordings import DEMO
from edge_ser.student.metadata import Candidacy, LabelSet, Threshold
from edge_ser.student.model_file import BUNDLED, ModelFile


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    with Recognizer() as shared:
        yield shared


class Blocks:
    """A source that gives these blocks, at any rate, and counts how often it was closed."""

    name = "blocks"

    def __init__(self, blocks: list[Block], sample_rate: int = 16000) -> None:
        self.sample_rate = sample_rate
        self._blocks = iter(blocks)
        self.closed = 0

    def read(self) -> Block | None:
        return next(self._blocks, None)

    def close(self) -> None:
        self.closed += 1


def in_blocks(pcm: NDArray[np.int16], size: int) -> list[Block]:
    return [Block(pcm[i : i + size]) for i in range(0, len(pcm), size)]


def upsampled(pcm: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    times = np.arange(len(pcm) * rate // 16000) * 16000 / rate
    return np.interp(times, np.arange(len(pcm)), pcm).astype(np.int16)


def test_path_array_and_source_give_the_same(recognizer: Recognizer) -> None:
    wanted = recognizer.recognize(DEMO)
    assert wanted.speech_seconds > 5
    assert recognizer.recognize(str(DEMO)) == wanted
    assert recognizer.recognize(demo(), 16000) == wanted
    assert recognizer.recognize(demo() / np.float32(32768), 16000) == wanted
    assert recognizer.recognize(ArraySource(demo(), 16000, 0.013)) == wanted


def test_listening_gives_the_events_of_recognising(recognizer: Recognizer) -> None:
    assert tuple(recognizer.listen(DEMO)) == recognizer.recognize(DEMO).timeline


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_block_size_does_not_matter_at_any_rate(recognizer: Recognizer, rate: int) -> None:
    pcm = upsampled(utterance(), rate)
    wanted = recognizer.recognize(pcm, rate)
    assert wanted.timeline
    for milliseconds in (1, 10, 333, 1000):
        found = recognizer.recognize(Blocks(in_blocks(pcm, rate * milliseconds // 1000), rate))  # type: ignore[arg-type]
        assert found == wanted


def test_sources_that_are_given_stay_open(recognizer: Recognizer) -> None:
    source = Blocks(in_blocks(utterance(), 1600))
    recognizer.recognize(source)  # type: ignore[arg-type]
    assert source.closed == 0


def test_recording_without_timeline_has_the_same_decision(recognizer: Recognizer) -> None:
    whole = recognizer.recognize(DEMO)
    assert recognizer.recognize(DEMO, timeline=False) == edge_ser.Recognition(
        **{name: getattr(whole, name) for name in whole.__slots__ if name != "timeline"}, timeline=()
    )


def test_length_does_not_cost_memory(recognizer: Recognizer) -> None:
    """Twenty times the audio, the same memory; so three hours need no more than a minute."""

    def endless(times: int) -> Blocks:
        source = Blocks([])
        source._blocks = (block for _ in range(times) for block in in_blocks(utterance(), 1600))
        return source

    def peak(times: int) -> int:
        tracemalloc.reset_peak()
        recognizer.recognize(endless(times), timeline=False)  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    peak(2)
    short = peak(2)
    long = peak(40)
    tracemalloc.stop()
    assert long < short + 50_000  # bytes


def test_lost_audio_is_counted(recognizer: Recognizer) -> None:
    before = recognizer.stats()
    blocks = [Block(utterance()[:8000]), Block(utterance()[8000:16000], lost=160), Block(utterance()[16000:], lost=1)]
    events = list(recognizer.listen(Blocks(blocks)))  # type: ignore[arg-type]
    after = recognizer.stats()
    assert after.overflows - before.overflows == 2
    assert after.lost_seconds - before.lost_seconds == pytest.approx(161 / 16000)
    assert after.steps - before.steps == len(events)
    assert sum(event.flags.gap for event in events) == 2


@pytest.mark.parametrize("rate", [8000, 48000])
def test_loss_is_told_in_the_time_of_the_source(recognizer: Recognizer, rate: int) -> None:
    pcm = upsampled(utterance(), rate)
    blocks = [Block(pcm[: len(pcm) // 2]), Block(pcm[len(pcm) // 2 :], lost=rate)]
    recognition = recognizer.recognize(Blocks(blocks, rate))  # type: ignore[arg-type]
    assert recognition.duration == pytest.approx(len(pcm) / rate + 1.0, abs=1e-4)
    assert recognition.flags.gap


def test_one_lost_sample_of_a_fast_source_is_a_gap(recognizer: Recognizer) -> None:
    pcm = upsampled(utterance(), 48000)
    blocks = [Block(pcm[:48000]), Block(pcm[48000:], lost=1)]
    assert recognizer.recognize(Blocks(blocks, 48000)).flags.gap  # type: ignore[arg-type]


def test_statistics_are_those_of_the_work(recognizer: Recognizer) -> None:
    fresh = Recognizer()
    assert fresh.stats().steps == 0
    assert fresh.stats().step_ms_p50 == 0.0
    fresh.recognize(DEMO)
    stats = fresh.stats()
    assert stats.steps == -(-len(demo()) // STEP)
    assert 0 < stats.step_ms_p50 <= stats.step_ms_p95
    assert stats.step_ms_p50 < 80  # faster than one speaks


def test_listening_can_be_left_and_begun_again(recognizer: Recognizer) -> None:
    wanted = list(recognizer.listen(DEMO))
    for count in (0, 1, 30):
        assert list(islice(recognizer.listen(DEMO), count)) == wanted[:count]
    assert list(recognizer.listen(DEMO)) == wanted


def test_streams_at_the_same_time_do_not_disturb_one_another(recognizer: Recognizer) -> None:
    wanted = list(recognizer.listen(DEMO))
    one, other = recognizer.listen(DEMO), recognizer.listen(utterance(), sample_rate=16000)
    mixed = [(first, second) for first, second in zip(one, other, strict=False)]
    assert [first for first, _ in mixed] == wanted[: len(mixed)]


def test_threads_may_share_a_recogniser(recognizer: Recognizer) -> None:
    wanted = recognizer.recognize(DEMO)
    found = []
    workers = [threading.Thread(target=lambda: found.append(recognizer.recognize(DEMO))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [wanted] * 4


def test_close_in_another_thread_ends_listening_and_completes_recognising() -> None:
    """Of an endless source, open already: at its next block. A recognition is no use by halves."""
    recognizer = Recognizer()

    class Endless(Blocks):
        heard = 0

        def read(self) -> Block | None:
            self.heard += 1
            return Block(silence(1))

    source = Endless([])
    events = recognizer.listen(source)  # type: ignore[arg-type]
    next(events)
    closer = threading.Thread(target=recognizer.close)
    closer.start()
    closer.join()
    assert list(events) == []
    assert (source.heard, source.closed) == (1, 0)

    class ClosesAt(Blocks):
        def read(self) -> Block | None:
            recognizer.close()
            return super().read()

    wanted = recognizer.recognize(DEMO)
    assert recognizer.recognize(ClosesAt(in_blocks(demo(), 1600))) == wanted  # type: ignore[arg-type]


def test_closed_recogniser_may_be_used_again() -> None:
    with Recognizer() as recognizer:
        before = recognizer.recognize(DEMO)
    assert recognizer.recognize(DEMO) == before


def test_an_error_in_the_source_leaves_the_recogniser_sound(recognizer: Recognizer) -> None:
    class Breaks(Blocks):
        def read(self) -> Block | None:
            block = super().read()
            if block is None:
                raise AudioFileError("the cable was pulled", "Plug it in")
            return block

    wanted = recognizer.recognize(DEMO)
    with pytest.raises(AudioFileError, match="cable"):
        recognizer.recognize(Breaks(in_blocks(demo(), 1600)))  # type: ignore[arg-type]
    assert recognizer.recognize(DEMO) == wanted


@pytest.mark.parametrize(
    ("audio", "rate", "kind"),
    [
        (None, None, SettingsError),
        ("missing.wav", None, AudioFileError),
        (np.zeros(0, np.int16), 16000, AudioFileError),
        (np.zeros(100, np.int16), None, AudioFileError),
        (np.full(100, np.nan, np.float32), 16000, AudioFileError),
    ],
)
def test_bad_audio_is_one_line_with_a_cure(
    recognizer: Recognizer, audio: NDArray[np.generic] | str | None, rate: int | None, kind: type[EdgeSerError]
) -> None:
    with pytest.raises(kind) as caught:
        recognizer.recognize(audio, rate)  # type: ignore[arg-type]
    assert caught.value.cure
    assert "\n" not in str(caught.value)


def test_one_sample_is_no_speech(recognizer: Recognizer) -> None:
    recognition = recognizer.recognize(np.array([1000], np.int16), 16000)
    assert (recognition.state, len(recognition.timeline)) == ("no_speech", 1)
    assert recognition.duration == 1 / 16000


def test_model_may_be_a_path_a_file_or_a_setting(tmp_path: Path) -> None:
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(BUNDLED.read_bytes())
    wanted = Recognizer().recognize(DEMO)
    for other in (Recognizer(copy), Recognizer(ModelFile.load(copy)), Recognizer(settings=Settings(model=str(copy)))):
        assert other.recognize(DEMO) == wanted
    with pytest.raises(SettingsError, match="named twice"):
        Recognizer(copy, Settings(model=str(copy)))
    with pytest.raises(ModelFileError, match=r"missing\.tflite"):
        Recognizer("missing.tflite")


def test_real_voices_are_heard(recognizer: Recognizer, corpora: Path) -> None:
    files = sorted((corpora / "ravdess" / "audio").glob("*.flac"))[::120]
    if not files:
        pytest.skip("ravdess is not among the corpora")
    for file in files:
        recognition = recognizer.recognize(file)
        assert recognition.state != "no_speech"
        assert 0.3 < recognition.speech_seconds < recognition.duration


FOUR = ("neutral", "happy", "sad", "angry")


def with_a_set(name: str = "four") -> ModelFile:
    """Return the bundled student with a set of labels of known calibration."""
    model = ModelFile.load_bundled()
    known = LabelSet(FOUR, 0.6, (Threshold(0.5, 0.7), Threshold(1.0, 0.3)), (Candidacy(0.8, 0.4), Candidacy(0.9, 0.2)))
    decision = replace(model.metadata.decision, label_sets={name: known})
    return replace(model, metadata=replace(model.metadata, decision=decision))


def test_with_a_set_of_labels_nothing_else_is_ever_said() -> None:
    with Recognizer(with_a_set(), Settings(labels="four", candidates=0.85)) as recognizer:
        found = recognizer.recognize(DEMO)
        assert recognizer.model.metadata.labels == FOUR
    assert tuple(found.probabilities) == FOUR
    assert sum(found.probabilities.values()) == pytest.approx(1)
    for event in found.timeline:
        assert event.emotion in (None, *FOUR)
        likely = [label for label, share in event.probabilities.items() if share >= 0.2]
        assert set(likely) <= set(event.candidates)
        assert event.candidates[0] == max(event.probabilities, key=event.probabilities.__getitem__)
    assert set(found.candidates) >= {label for label, share in found.probabilities.items() if share >= 0.2}


def test_candidates_come_only_where_they_are_asked_for(recognizer: Recognizer) -> None:
    found = recognizer.recognize(DEMO)
    assert found.candidates == ()
    assert {event.candidates for event in found.timeline} == {()}


def test_more_than_the_model_file_knows_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"no candidates for 0\.95.*0\.8, 0\.9"):
        Recognizer(with_a_set(), Settings(labels="four", candidates=0.95))
    with pytest.raises(SettingsError, match="no set of labels 'six'"):
        Recognizer(with_a_set(), Settings(labels="six"))
