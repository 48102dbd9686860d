"""Enrolled speakers: what the baseline knows of somebody after half a minute, as a small file; never audio.

A file is for one model: another's logits mean something else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_ser.capture.resample import Resampler
from edge_ser.capture.source import Source
from edge_ser.data_folder import data_folder
from edge_ser.decision.baseline import Baseline, BaselineState
from edge_ser.errors import OutputError, SettingsError
from edge_ser.pipeline import Pipeline
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.student.metadata import NEUTRAL
from edge_ser.student.model_file import ModelFile
from edge_ser.student.strict import StrictError, from_json, to_json

FORMAT = 1
ENOUGH_SECONDS = 20.0  # of speech
LEAST_SECONDS = 5.0
NAME = re.compile(r"\w[\w .-]{0,63}")

_AGAIN = "Run `edge-ser calibrate --speaker NAME` again"


@dataclass(frozen=True, slots=True)
class Speaker:
    """What is kept of an enrolled speaker."""

    format: int
    """Of the file; `FORMAT`."""

    tflite_sha256: str
    """Of the network that heard the speaker."""

    speech_seconds: float
    """Heard in the enrolment."""

    state: BaselineState
    """Sums, from which nothing can be heard."""


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where speakers are kept: `edge-ser/speakers` in the user's data folder."""
    return data_folder(environment) / "speakers"


def path_of(name: str) -> Path:
    """Return a speaker's file.

    Raises
    ------
    SettingsError
        The name has other characters than letters, digits, spaces, dots and hyphens.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(f"A speaker cannot be called {name!r}", "Use up to 64 letters, digits, spaces, . and -")
    return folder() / f"{name}.json"


def known_speakers() -> list[str]:
    """Return the names of those who are enrolled."""
    return sorted(path.stem for path in folder().glob("*.json"))


def load_speaker(name: str, model: ModelFile) -> Baseline:
    """Return the baseline of an enrolled speaker.

    Raises
    ------
    SettingsError
        There is none of that name, the file is damaged, or was made with another model.
    """
    path = path_of(name)
    if model.metadata.baseline is None:
        raise SettingsError("This model has no baseline for speakers", "Leave the speaker out, or use another model")
    try:
        speaker = from_json(path.read_text(encoding="utf-8"), Speaker)
    except FileNotFoundError as error:
        there = ", ".join(known_speakers()) or "nobody yet"
        raise SettingsError(f"There is no speaker {name!r}; enrolled: {there}", _AGAIN) from error
    except (OSError, UnicodeDecodeError, StrictError) as error:
        raise SettingsError(f"The speaker's file {path} cannot be used ({error})", _AGAIN) from error
    n_classes, n_mfcc = len(model.metadata.classes), model.metadata.features.front_end.n_mfcc
    fits = len(speaker.state.residuals) == n_classes and len(speaker.state.voice) == n_mfcc
    if speaker.format != FORMAT or speaker.tflite_sha256 != model.metadata.tflite_sha256 or not fits:
        raise SettingsError(f"The speaker {name!r} was enrolled with another model", _AGAIN)
    return Baseline(model.metadata.baseline, model.metadata.neutral_classes, speaker.state)


def save_speaker(name: str, speaker: Speaker) -> Path:
    """Write a speaker's file, whole or not at all; return its path.

    Raises
    ------
    SettingsError, OutputError
        The name is impossible; the file cannot be written.
    """
    path = path_of(name)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(to_json(speaker), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror})", "Check the folder's permissions") from error
    return path


def enrol(
    model: ModelFile, source: Source, wanted_seconds: float, progress: Callable[[float], None] = lambda seconds: None
) -> Speaker:
    """Listen to somebody who speaks as usual.

    Parameters
    ----------
    model : ModelFile
    source : Source
        Read until enough speech was heard or it ends; not closed.
    wanted_seconds : float
        Of speech.
    progress : callable
        Told the seconds of speech so far, once a step.

    Raises
    ------
    SettingsError
        The model has no baseline, or too little speech was heard.
    """
    if model.metadata.baseline is None or NEUTRAL not in model.metadata.classes:
        raise SettingsError("This model has no baseline for speakers", "Use the one that came with edge-ser")
    pipeline = Pipeline(model, replace(Settings(), baseline=False))
    baseline = Baseline(model.metadata.baseline, model.metadata.neutral_classes)
    # How somebody speaks who is asked to speak as usual.
    shares = [float(name == NEUTRAL) for name in model.metadata.classes]
    resampler, heard = Resampler(source.sample_rate), 0.0

    def listen(pcm: np.ndarray[tuple[int, ...], np.dtype[np.int16]], lost: int = 0) -> float:
        """Return the seconds of speech that this completes, and take in utterances that end."""
        speech = 0.0
        for first in range(0, len(pcm), pipeline.step_samples):  # an utterance may end with each step
            for event in pipeline.push(pcm[first : first + pipeline.step_samples], lost if first == 0 else 0):
                speech += event.speech * pipeline.step_samples / SAMPLE_RATE
                for ended in pipeline.take_ended():
                    baseline.learn(ended.logits, shares, ended.voice, ended.speech_seconds)
        return speech

    while heard < wanted_seconds and (block := source.read()) is not None:
        if not block.away:
            heard += listen(resampler.push(block.samples), -(-block.lost * SAMPLE_RATE // source.sample_rate))
            progress(heard)
        if getattr(source, "private", False):
            block.samples[:] = 0
    silence = np.zeros(round((model.metadata.decision.hangover_seconds + 1) * SAMPLE_RATE), np.int16)
    listen(np.concatenate((resampler.flush(), silence)))  # the last utterance counts too
    resampler.erase()
    pipeline.erase()
    if heard < min(LEAST_SECONDS, wanted_seconds) or not baseline.share:
        raise SettingsError(f"Only {heard:.1f} s of speech were heard", f"Speak for {wanted_seconds:g} s as usual")
    return Speaker(FORMAT, model.metadata.tflite_sha256, round(heard, 2), baseline.state())
