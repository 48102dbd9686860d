"""The reference is what the board itself hears of the recordings, and its limits leave single speakers alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from convert.cli import main
from convert.corpora.manifest import read_corpus
from convert.drift import (
    KEPT_TO,
    LEAST_UTTERANCES,
    MEASURES,
    WINDOW,
    Heard,
    hear,
    indices,
    reader,
    reference_of,
    session_of,
    with_reference,
)
from convert.errors import ConvertError
from edge_ser.decision.drift import Drift
from edge_ser.pipeline import Pipeline
from edge_ser.student.metadata import Corpus, DriftReference
from edge_ser.student.model_file import ModelFile

MODEL = ModelFile.load_bundled()
LABELS = MODEL.metadata.labels


def speakers(count: int, corpus: str, seed: int, moved: float = 0.0) -> dict[str, Heard]:
    """Return speakers who each have a place of their own in the middle of all, and utterances around it."""
    rng = np.random.default_rng(seed)
    found = {}
    for number in range(count):
        own = rng.normal(moved, 1.0, len(MEASURES))
        decisions = rng.choice([*LABELS, "uncertain"], 12)
        found[f"{corpus}/{number}"] = Heard(own + rng.normal(0, 1.0, (12, len(MEASURES))), decisions)
    return found


@pytest.fixture(scope="module")
def reference() -> DriftReference:
    return reference_of({**speakers(30, "one", 1), **speakers(30, "other", 2)}, LABELS)


def drifting(by_speaker: dict[str, Heard], reference: DriftReference) -> float:
    rng = np.random.default_rng(0)
    scores = []
    for heard in by_speaker.values():
        found = indices(heard.drawn(WINDOW, rng), reference.measures, reference.decisions)
        scores.append(max(found[name] / reference.limits[name] for name in found))
    return float(np.mean(np.array(scores) > 1))


def test_other_speakers_of_the_same_kind_rarely_exceed_the_limits_and_others_do(reference: DriftReference) -> None:
    assert drifting(speakers(200, "new", 3), reference) < 2.5 * (1 - KEPT_TO)
    assert drifting(speakers(50, "new", 4, moved=5.0), reference) > 0.9


def test_all_of_one_kind_together_never_exceed_them(reference: DriftReference) -> None:
    new = speakers(60, "new", 5).values()
    everybody = Heard(np.concatenate([h.values for h in new]), np.concatenate([h.decisions for h in new]))
    assert drifting({str(n): everybody for n in range(100)}, reference) == 0


def test_no_limit_is_lower_than_what_single_speakers_of_the_reference_keep_to() -> None:
    """Also where some of them are in loud noise themselves: a limit of its own would tell them as drift."""
    everybody = {**speakers(30, "one", 1), **speakers(30, "other", 2)}
    place = MEASURES.index("snr_db")
    for heard in list(everybody.values())[:3]:
        heard.values[:, place] -= 8
    limits = reference_of(everybody, LABELS).limits
    assert limits["snr_db"] > 2  # more than half of a window in one tail


def test_corpora_count_alike_however_large() -> None:
    large, small = speakers(50, "large", 6), speakers(5, "small", 7, moved=8.0)
    histogram = reference_of({**large, **small}, LABELS).measures["snr_db"]
    assert histogram.edges[1] > 8  # a tail of 2 %, and a half of all that counts lies around 8


def test_the_board_computes_the_same_indices(reference: DriftReference) -> None:
    heard = next(iter(speakers(1, "new", 8).values())).drawn(reference.window, np.random.default_rng(0))
    drift = Drift(reference)
    for values, decision in zip(heard.values, heard.decisions, strict=True):
        drift.add(dict(zip(MEASURES, values, strict=True)), str(decision))
    wanted = indices(heard, reference.measures, reference.decisions)
    assert drift.indices == pytest.approx({name: wanted[name] / reference.limits[name] for name in wanted})


def test_too_few_recordings_are_refused() -> None:
    for few in ({}, speakers(1, "one", 1)):
        with pytest.raises(ConvertError, match="too few"):
            reference_of(few, LABELS)
    short = {name: Heard(h.values[: LEAST_UTTERANCES - 1], h.decisions[:7]) for name, h in speakers(3, "a", 1).items()}
    with pytest.raises(ConvertError, match="too few"):
        reference_of(short, LABELS)


def test_pauses_let_the_board_hear_one_utterance_after_the_other(corpora: Path) -> None:
    for corpus in ("ravdess", "emodb"):  # with silence at both ends, and cut tightly
        clips = read_corpus(corpora / corpus)[1]
        speaker = [clip for clip in clips if clip.speaker == clips[0].speaker][:6]
        pcm = session_of([reader(corpora)(clip) for clip in speaker], np.random.default_rng(0))
        assert 5 <= len(hear(Pipeline(MODEL), pcm)) <= 14


@pytest.fixture(scope="module")
def of_small_corpora(small_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that says it was trained on the small corpus."""
    provenance = dataclasses.replace(MODEL.metadata.provenance, corpora=(Corpus("small", "CC0-1.0"),), held_out=())
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    dataclasses.replace(MODEL, metadata=dataclasses.replace(MODEL.metadata, provenance=provenance)).write(path)
    return path


def test_nothing_but_the_reference_is_changed(
    of_small_corpora: Path, small_corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr("convert.drift.LEAST_UTTERANCES", 2)  # the small corpus has six clips a speaker
    written = tmp_path / "known.tflite"
    before = of_small_corpora.read_bytes()
    arguments = ["reference", str(of_small_corpora), "--corpora", str(small_corpora), "--out", str(written)]
    assert main(arguments) == 0
    assert "reference of" in capsys.readouterr().out
    old, new = ModelFile.load(of_small_corpora), ModelFile.load(written)
    assert new.metadata.drift is not None
    assert new.metadata.drift.utterances >= 8
    assert (new.tflite, new.card) == (old.tflite, old.card)
    assert dataclasses.replace(new.metadata, drift=None) == dataclasses.replace(old.metadata, drift=None)
    assert of_small_corpora.read_bytes() == before
    assert main(arguments[:-2]) == 0  # in its place, and the same each time
    assert of_small_corpora.read_bytes() == written.read_bytes()


def test_corpora_that_are_not_there_are_one_error(of_small_corpora: Path, tmp_path: Path, capsys) -> None:
    assert main(["reference", str(of_small_corpora), "--corpora", str(tmp_path)]) == 2
    assert "Put small there" in capsys.readouterr().err


def test_a_missing_reference_is_made_from_clips(small_corpora: Path) -> None:
    clips = read_corpus(small_corpora / "small")[1]
    with pytest.raises(ConvertError, match="too few"):
        with_reference(MODEL, clips[:3], reader(small_corpora))
