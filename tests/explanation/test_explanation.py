"""An explanation is of the decision that `classify` makes, and what it says a part is worth, that part is worth."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from speech import STEP, demo, silence, utterance

from edge_ser import Recognizer, Settings
from edge_ser.capture.source import ArraySource, Block
from edge_ser.errors import AudioFileError, SettingsError
from edge_ser.explanation import Explanation, occlusion
from edge_ser.explanation.hearing import Hearing
from edge_ser.explanation.occlusion import attention_of, explain, tiles, utterances_of
from edge_ser.recordings import DEMO
from edge_ser.segmenter import Segmenter
from edge_ser.student.model_file import ModelFile
from edge_ser.student.stepper import Stepper

MODEL = ModelFile.load_bundled()
RECOGNIZER = Recognizer(MODEL)
REPOSITORY = Path(__file__).parents[2]


@lru_cache(maxsize=1)
def explained() -> Explanation:
    """Return the explanation of the embedded recording."""
    return RECOGNIZER.explain(DEMO)


def hearing_of(pcm: NDArray[np.int16], seconds: float = 60.0) -> Hearing:
    return Hearing(MODEL, Settings(), ArraySource(pcm, 16000), seconds)


def test_decision_is_that_of_classify() -> None:
    assert explained().recognition == RECOGNIZER.recognize(DEMO)
    shares = explained().recognition.probabilities
    assert explained().label == max(shares, key=shares.__getitem__)  # also where it is not sure enough to be said
    assert explained().probability == explained().recognition.confidence
    assert explained().events == explained().recognition.timeline


@pytest.mark.parametrize("rate", [8000, 48000])
def test_decision_is_that_of_classify_at_any_rate(rate: int) -> None:
    pcm = np.interp(np.arange(2 * rate) * 16000 / rate, np.arange(len(demo())), demo()).astype(np.int16)
    found = RECOGNIZER.explain(pcm, rate)
    assert found.recognition == RECOGNIZER.recognize(pcm, rate)
    assert found.probability == found.recognition.confidence


def test_attention_is_the_share_in_the_pooled_decision() -> None:
    """Worked out anew from the student's own weights, without the pipeline."""
    segmenter = Segmenter(MODEL.metadata.features, MODEL.metadata.decision.hangover_seconds)
    stepper = Stepper(MODEL)
    padded = np.pad(demo(), (0, -len(demo()) % STEP)).reshape(-1, STEP)
    weights = np.zeros(len(padded))
    for number, pcm in enumerate(padded):
        step = segmenter(pcm)
        if step.onset:
            stepper.reset()
        for back, features in zip(range(len(step.features) - 1, -1, -1), step.features, strict=True):
            weights[number - back] += np.exp(stepper(features)[1])
    assert explained().attention == pytest.approx(weights / weights.sum(), abs=1e-12)
    assert sum(explained().attention) == pytest.approx(1.0, abs=1e-12)


def test_attention_is_only_where_the_student_hears() -> None:
    for event, share in zip(explained().events, explained().attention, strict=True):
        heard = any(start < event.time <= end for start, end in explained().utterances)
        assert (share > 0) == heard


def test_hidden_parts_tile_the_utterances_and_the_bands() -> None:
    stretches = [(part.start, part.end) for part in explained().over_time]
    bounds = {time for utterance in explained().utterances for time in utterance}
    assert {time for stretch in stretches for time in stretch} >= bounds
    heard = sum(end - start for start, end in explained().utterances)
    assert sum(end - start for start, end in stretches) == pytest.approx(heard)
    assert all(0.15 < end - start < 0.4 for start, end in stretches)
    bands = explained().over_frequency
    assert [part.end for part in bands[:-1]] == [part.start for part in bands[1:]]
    assert 20 < bands[0].start < 60
    assert 7000 < bands[-1].end < 8000


def assert_the_decisive_stretch_decides(pcm: NDArray[np.int16], found: Explanation) -> None:
    """Hiding it costs more than hiding any background, in the utterance or outside it."""
    decisive = max(found.over_time, key=lambda part: part.drop)
    assert decisive.drop > 0.02
    assert any(event.speech for event in found.events if decisive.start < event.time <= decisive.end)
    hearing = hearing_of(pcm)
    background = [step for step, event in enumerate(found.events) if not event.speech]
    assert background
    mean = hearing.log_mels.mean(axis=(0, 1)).round() * np.ones((8, 1))
    length = round((decisive.end - decisive.start) / 0.08)
    for first in range(0, len(background), 3 * length):  # every third will do
        hidden = dict.fromkeys(background[first : first + length], mean)
        left = hearing.probabilities_without(hidden)[found.label]
        assert found.probability - left < decisive.drop


def test_the_decisive_stretch_of_the_recording_decides() -> None:
    assert_the_decisive_stretch_decides(demo(), explained())


def test_the_decisive_stretch_of_real_voices_decides(corpora: Path) -> None:
    files = sorted((corpora / "ravdess" / "audio").glob("*.flac"))[60::600]
    if not files:
        pytest.skip("ravdess is not among the corpora")
    soundfile = pytest.importorskip("soundfile")
    for file in files:
        found = RECOGNIZER.explain(file)
        assert found.recognition == RECOGNIZER.recognize(file)
        assert_the_decisive_stretch_decides(soundfile.read(file, dtype="int16")[0], found)


def test_what_is_hidden_by_itself_costs_nothing_and_what_nobody_hears_neither() -> None:
    hearing = hearing_of(demo())
    whole = hearing.probabilities_without({})
    assert hearing.probabilities_without(dict(enumerate(hearing.log_mels))) == whole
    outside = [step for step, given in enumerate(hearing.shares) if not given]
    before_onsets = {part.start for part in utterances_of(hearing.shares)}
    loud = np.full_like(hearing.log_mels[0], hearing.log_mels.max())
    unheard = dict.fromkeys(set(outside) - before_onsets, loud)
    assert unheard
    assert hearing.probabilities_without(unheard) == whole


def test_hiding_moves_no_utterance() -> None:
    """Voice activity hears what the student does not."""
    hearing = hearing_of(demo())
    quiet = np.zeros_like(hearing.log_mels[0])
    hearing.probabilities_without(dict.fromkeys(range(len(hearing.shares)), quiet))
    assert hearing._pipeline.recognition().speech_seconds == hearing.recognition.speech_seconds


def test_of_a_long_recording_the_beginning_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "EXPLAINED_SECONDS", 4.0)
    found = RECOGNIZER.explain(DEMO)
    assert found.recognition == RECOGNIZER.recognize(DEMO)
    assert found.explained_seconds == 4.0
    shares = found.recognition.probabilities
    assert found.label == max(shares, key=shares.__getitem__)
    assert found.probability == RECOGNIZER.recognize(demo()[: 4 * 16000], 16000).probabilities[found.label]
    assert max(part.end for part in found.over_time) <= 4.0
    assert len(found.log_mel_dbfs) == len(found.attention) == len(found.events) == 50
    assert sum(found.attention) == pytest.approx(1.0)


def test_a_long_recording_in_which_somebody_speaks_too_late_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "EXPLAINED_SECONDS", 2.0)
    with pytest.raises(AudioFileError, match="Nobody speaks in the first 2 s of array") as caught:
        RECOGNIZER.explain(np.concatenate([silence(40), utterance()]), 16000)
    assert caught.value.cure


def test_nothing_and_less_than_a_sample_are_one_error() -> None:
    with pytest.raises(SettingsError, match="nothing to recognise"):
        RECOGNIZER.explain(None)  # type: ignore[arg-type]
    with pytest.raises(AudioFileError, match="no audio to explain"):
        RECOGNIZER.explain(np.ones(1, np.int16), 48000)


def test_where_nobody_speaks_nothing_is_explained() -> None:
    found = RECOGNIZER.explain(silence(5), 16000)
    assert (found.label, found.probability, found.utterances) == (None, 0.0, ())
    assert (found.over_time, found.over_frequency) == ((), ())
    assert found.attention == (0.0,) * 5


@pytest.mark.parametrize("samples", [1, STEP, STEP + 1, 6 * STEP])
def test_short_recordings_are_explained_too(samples: int) -> None:
    pcm = utterance()[8 * STEP : 8 * STEP + samples]
    found = RECOGNIZER.explain(pcm, 16000)
    assert found.recognition == RECOGNIZER.recognize(pcm, 16000)
    assert found.explained_seconds == samples / 16000


class Gapped:
    """A source that loses audio, in the middle of a step and so much that an utterance ends."""

    name, sample_rate = "gapped", 16000

    def __init__(self) -> None:
        pcm = utterance()
        self._blocks = iter([Block(pcm[:20000]), Block(pcm[20000:30000], 700), Block(pcm[20000:], 20000)])

    def read(self) -> Block | None:
        return next(self._blocks, None)


def test_lost_audio_is_time_without_weight() -> None:
    found = explain(MODEL, Settings(), Gapped())  # type: ignore[arg-type]
    assert found.recognition == RECOGNIZER.recognize(Gapped())  # type: ignore[arg-type]
    assert found.probability == found.recognition.confidence
    assert sum(found.attention) == pytest.approx(1.0)
    assert len(found.utterances) == 2
    assert sum(event.flags.gap for event in found.events) == 2


def test_shares_become_attention() -> None:
    shares = [(), (1.0, 0.25), (0.5,), (), (0.1, 0.2)]
    attention = attention_of(shares)
    assert sum(attention) == pytest.approx(1.0)
    assert attention[4] == pytest.approx(0.2)
    assert attention[3] == pytest.approx(0.1 * 0.8)
    assert attention[0] == pytest.approx(0.75 * 0.5 * 0.9 * 0.8)
    assert utterances_of(shares) == [slice(0, 3), slice(3, 5)]
    assert utterances_of([(1.0,), (0.5,)]) == [slice(0, 2)]
    assert tiles(0, 5, 2) == [(0, 3), (3, 5)]


def paths_of(value: object, path: str = "") -> set[str]:
    """Return the keys of nested objects, joined by dots."""
    if not isinstance(value, dict):
        return {path}
    return {found for key, item in value.items() for found in paths_of(item, f"{path}.{key}" if path else key)}


def test_json_is_what_the_document_says() -> None:
    plain = json.loads(json.dumps(explained().to_dict(), allow_nan=False))
    decision = plain.pop("decision")
    assert decision == RECOGNIZER.recognize(DEMO).to_dict()
    labels = set(plain["steps"]["probabilities"])
    assert labels == set(decision["probabilities"])
    plain["steps"]["probabilities"] = []
    text = (REPOSITORY / "docs" / "explanation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, flags=re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`([^`]+)`", row)} == paths_of(plain) | {"decision"}
    assert plain["schema"] == 1
    assert f"Schema {plain['schema']}." in text


def test_arrays_of_json_are_in_step() -> None:
    plain = explained().to_dict()
    columns = [*plain["steps"]["probabilities"].values()]
    columns += [column for name, column in plain["steps"].items() if name != "probabilities"]
    assert {len(column) for column in columns} == {len(explained().events)}
    assert sum(plain["steps"]["attention"]) == pytest.approx(1.0, abs=1e-4)
    for table in ("utterances", "occlusion_over_time", "occlusion_over_frequency"):
        assert len({len(column) for column in plain[table].values()}) == 1


def test_explanations_do_not_disturb_the_recogniser() -> None:
    before = RECOGNIZER.recognize(DEMO)
    RECOGNIZER.explain(utterance(), 16000)
    assert RECOGNIZER.recognize(DEMO) == before


def test_settings_hold() -> None:
    with Recognizer(MODEL, Settings(uncertain_below=1.0)) as careful:
        found = careful.explain(utterance(), 16000)
    assert (found.recognition.state, found.recognition.emotion) == ("uncertain", None)
    assert found.label is not None


def test_recogniser_imports_it_only_when_it_is_asked_to_explain() -> None:
    script = "import sys, edge_ser.recognizer; sys.exit('edge_ser.explanation' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY).returncode == 0


def test_explanation_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        explained().label = "happy"  # type: ignore[misc]
