"""Synthetic speech: the same every time, and different where an emotion or a speaker differs."""

from __future__ import annotations

import csv
import hashlib
import wave

import numpy as np
import pytest

from convert.corpora.synthetic import (
    CONSONANTS,
    FULL_SCALE,
    SAMPLE_RATE,
    SENTENCES,
    STYLES,
    VOWELS,
    demo,
    main,
    make_corpus,
    synthesise,
    voice_of,
)
from edge_ser.recordings import DEMO

ROUNDING = 2  # LSB that NumPy's versions may differ by in an FFT


def level_dbfs(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean((samples / FULL_SCALE) ** 2))))


def pitch_hz(samples: np.ndarray) -> float:
    """Return the median over voiced frames of the autocorrelation's greatest peak from 60 to 500 Hz."""
    shortest, longest = SAMPLE_RATE // 500, SAMPLE_RATE // 60
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(float), 1024)[::400]
    loud = frames[np.std(frames, axis=1) > 0.5 * np.std(frames, axis=1).max()]
    power = np.abs(np.fft.rfft(loud - loud.mean(axis=1, keepdims=True), 2048)) ** 2
    autocorrelation = np.fft.irfft(power)[:, shortest:longest]
    return float(np.median(SAMPLE_RATE / (shortest + autocorrelation.argmax(axis=1))))


def brightness(samples: np.ndarray) -> float:
    """Return the part of the energy above 2 kHz."""
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    return float(power[hz > 2000].sum() / power.sum())


def test_the_embedded_recording_is_what_its_command_makes_and_small(tmp_path):
    assert main(["--demo", str(tmp_path / "demo.wav")]) == 0
    with wave.open(str(DEMO)) as shipped, wave.open(str(tmp_path / "demo.wav")) as made:
        assert shipped.getparams() == made.getparams()
        assert (shipped.getframerate(), shipped.getnchannels(), shipped.getsampwidth()) == (16000, 1, 2)
        assert 10 <= shipped.getnframes() / shipped.getframerate() <= 14
        old, new = (np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int) for file in (shipped, made))
    assert np.abs(old - new).max() <= ROUNDING
    assert DEMO.stat().st_size < 450_000


def test_the_embedded_recording_has_pauses_and_is_never_clipped():
    samples = demo().astype(float)
    frames = samples[: len(samples) // 800 * 800].reshape(-1, 800)
    silent = np.sqrt(np.mean(frames**2, axis=1)) < 50
    pauses = np.flatnonzero(np.diff(np.concatenate([[0], silent, [0]]).astype(int)) == 1)
    assert len(pauses) >= 5  # four phrases have one before each and one at the end
    assert np.abs(samples).max() < FULL_SCALE


def test_the_same_words_said_again_are_the_same_only_with_the_same_seed():
    first = synthesise(3, "happy", SENTENCES[0], seed=5)
    assert np.array_equal(first, synthesise(3, "happy", SENTENCES[0], seed=5))
    again = synthesise(3, "happy", SENTENCES[0], seed=6)
    assert len(again) != len(first) or not np.array_equal(again, first)


def test_speakers_differ_in_pitch_as_their_voices_say():
    for speaker in (1, 2, 5, 8):
        heard = pitch_hz(synthesise(speaker, "neutral", SENTENCES[0]))
        assert heard == pytest.approx(voice_of(speaker).pitch, rel=0.25), speaker
    assert len({voice_of(speaker).pitch for speaker in range(1, 40)}) == 39
    assert len({voice_of(speaker).tract for speaker in range(1, 40)}) == 39


@pytest.mark.parametrize("speaker", [1, 2, 3, 4])
def test_emotions_differ_as_in_people(speaker):
    said = {emotion: synthesise(speaker, emotion, SENTENCES[1]) for emotion in STYLES}
    levels = {emotion: level_dbfs(samples) for emotion, samples in said.items()}
    assert levels["angry"] > levels["neutral"] + 4 > levels["sad"] + 8
    assert pitch_hz(said["fearful"]) > 1.2 * pitch_hz(said["neutral"]) > 1.2 * pitch_hz(said["sad"])
    assert len(said["sad"]) > 1.1 * len(said["neutral"]) > 1.1 * len(said["fearful"])
    assert brightness(said["angry"]) > 2 * brightness(said["sad"])


def test_every_sound_is_speech_of_finite_level():
    for consonant in CONSONANTS:
        sentence = " ".join(consonant + vowel for vowel in VOWELS)
        assert -40 < level_dbfs(synthesise(1, "neutral", sentence)) < -15, consonant


def test_a_corpus_has_the_layout_of_all_corpora(tmp_path):
    make_corpus(tmp_path, speakers=[1, 2], emotions=["calm", "angry"], sentences=SENTENCES[:1], repetitions=2)
    with (tmp_path / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = ["file", "speaker", "gender", "emotion", "intensity", "statement", "language", "duration_s", "sha256"]
    assert list(rows[0]) == columns
    assert len(rows) == 8
    assert sorted(row["file"] for row in rows) == sorted(path.name for path in (tmp_path / "audio").iterdir())
    assert {(row["speaker"], row["gender"]) for row in rows} == {("01", "m"), ("02", "f")}
    for row in rows:
        path = tmp_path / "audio" / row["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
        with wave.open(str(path)) as file:
            assert float(row["duration_s"]) == pytest.approx(file.getnframes() / 16000, abs=1e-3)
