"""What the model file says of speakers at large, and what the protocol `adapted` measures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convert.baseline import Voices, reference_of, voices_of
from convert.evaluate.adapted import Session, judge_adapted
from convert.segments import Segmentation
from edge_ser.student.model_file import ModelFile

METADATA = ModelFile.load_bundled().metadata
N_CLASSES, N_MFCC = len(METADATA.classes), METADATA.features.front_end.n_mfcc


def speakers_of(count: int, per_class: int, own: float, seed: int = 0) -> list[Session]:
    """Return speakers who each have an offset of their own upon what is common to all."""
    rng = np.random.default_rng(seed)
    sessions = []
    for _ in range(count):
        offset, spoken = rng.normal(0, own, N_CLASSES), np.repeat(np.arange(N_CLASSES), per_class)
        logits = np.eye(N_CLASSES)[spoken] * 2 + offset + rng.normal(0, 0.3, (len(spoken), N_CLASSES))
        labels = np.array([METADATA.labels.index(METADATA.label_of_class[METADATA.classes[c]]) for c in spoken])
        voices = Voices(np.tile(rng.normal(0, 5, N_MFCC), (len(spoken), 1)), np.full(len(spoken), 2.0))
        sessions.append(Session(logits, voices, labels))
    return sessions


def test_knowing_the_speaker_is_worth_what_was_put_in() -> None:
    spoken = np.repeat(np.arange(N_CLASSES), 10)
    reference = reference_of(
        np.eye(N_CLASSES)[spoken] * 2,
        spoken,
        np.random.default_rng(0).normal(0, 1, (len(spoken), N_MFCC)),
        [f"one/{row % 4}" for row in range(len(spoken))],
    )
    decision = dataclasses.replace(METADATA.decision, temperature=0.5)
    metadata = dataclasses.replace(METADATA, baseline=reference, decision=decision)
    found = {one.name: one for one in judge_adapted(metadata, speakers_of(4, 8, own=1.0), "one", orders=3)}
    assert set(found) == {"one, as the corpus has it", "one, 80 % neutral", "one, enrolled"}
    as_it_is = found["one, as the corpus has it"]
    assert as_it_is.adapted > as_it_is.cold + 0.05
    assert as_it_is.gain_low <= as_it_is.adapted - as_it_is.cold <= as_it_is.gain_high
    nothing_to_learn = judge_adapted(metadata, speakers_of(4, 8, own=0.0), "one", orders=3)[0]
    assert nothing_to_learn.adapted > nothing_to_learn.cold - 0.03


def test_a_class_that_nobody_spoke_is_like_the_others() -> None:
    spoken = np.repeat(np.arange(N_CLASSES - 1), 6)
    logits = np.eye(N_CLASSES)[spoken] * 2
    reference = reference_of(logits, spoken, np.zeros((len(spoken), N_MFCC)), ["one/a"] * len(spoken))
    means = np.array(reference.logits)
    assert means[-1].argmax() == N_CLASSES - 1
    np.testing.assert_allclose(means.sum(axis=1), 0, atol=1e-3)


def test_corpora_count_alike_however_large() -> None:
    spoken = np.zeros(101, int)
    logits = np.concatenate([np.full((100, 1), 1.0), [[3.0]]]) * np.eye(N_CLASSES)[spoken]
    speakers = ["large/a"] * 100 + ["small/b"]
    means = np.array(reference_of(logits, spoken, np.zeros((101, N_MFCC)), speakers).logits)
    assert means[0, 0] == pytest.approx(2.0 * (1 - 1 / N_CLASSES), abs=1e-3)


def test_the_voice_is_that_of_the_board(corpora) -> None:
    """What the reference is made from is what the pipeline tells of the same recording."""
    from convert.corpora.audio import read_pcm
    from convert.corpora.manifest import AUDIO_FOLDER, read_corpus
    from edge_ser.pipeline import Pipeline

    clip = read_corpus(corpora / "ravdess")[1][100]
    pcm = read_pcm(corpora / "ravdess" / AUDIO_FOLDER / clip.file, clip.sha256)
    spec = METADATA.features
    hangover_steps = round(METADATA.decision.hangover_seconds / spec.step_seconds)
    voices = voices_of([pcm], spec, Segmentation(spec.frames_per_step, hangover_steps))
    pipeline = Pipeline(ModelFile.load_bundled())
    pipeline.push(np.concatenate([pcm, np.zeros(16000, np.int16)]))
    (ended,) = pipeline.take_ended()
    assert ended.speech_seconds == pytest.approx(voices.seconds[0])
    np.testing.assert_allclose(ended.voice, voices.mean[0], atol=0.05)
