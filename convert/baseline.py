"""What speakers at large are like, beside whom the board hears a new one: see `edge_ser.decision.baseline`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.segments import Segmentation, segments
from edge_ser.decision.baseline import VOICE_COEFFICIENTS
from edge_ser.features import Mfcc
from edge_ser.student.metadata import BaselineReference, Features

KNOWN_SHARE = 0.95  # of a speaker's own recordings that must not be taken for another voice
LEAST_DEVIATION = 0.25  # int8 steps


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """What a baseline learns from besides logits, of n recordings."""

    mean: NDArray[np.float64]
    """(n, n_mfcc): mean cepstra of the utterances, in int8 steps."""

    seconds: NDArray[np.float64]
    """(n,): of speech."""


def voices_of(recordings: Sequence[NDArray[np.int16]], spec: Features, segmentation: Segmentation) -> Voices:
    """Return the voices of recordings, int8 features before the running mean is removed; zeros where nobody speaks."""
    n_mfcc = spec.front_end.n_mfcc
    to_mfcc = Mfcc(spec.front_end, spec.mean[:n_mfcc], spec.std[:n_mfcc], spec.lsb_per_std)
    means, seconds = np.zeros((len(recordings), n_mfcc)), np.zeros(len(recordings))
    for row, pcm in enumerate(recordings):
        found = segments(pcm, segmentation)
        if found:
            means[row] = np.concatenate([to_mfcc(each.log_mel) for each in found]).mean(axis=0)
            seconds[row] = sum(each.speech_steps for each in found) * spec.step_seconds
    return Voices(means, seconds)


def reference_of(
    logits: NDArray[np.float64],
    spoken: NDArray[np.intp],
    voices: NDArray[np.float64],
    speakers: Sequence[str],
) -> BaselineReference:
    """Return what the runtime compares a speaker with.

    Parameters
    ----------
    logits : float64 (n, n_classes)
        Pooled, of speakers that the student was not trained on.
    spoken : int (n,)
        Right classes. One that nobody spoke gets what the others have in common: their mean for themselves and for
        each other.
    voices : float64 (n, n_mfcc)
        See `Voices.mean`.
    speakers : sequence of str
        `corpus/speaker` of each recording; all corpora count alike.
    """
    n_classes = logits.shape[1]
    centred = logits - logits.mean(axis=1, keepdims=True)
    corpora, counts = np.unique([name.split("/")[0] for name in speakers], return_counts=True)
    weight = 1 / np.array([counts[corpora == name.split("/")[0]][0] for name in speakers])
    there = [place for place in range(n_classes) if (spoken == place).any()]
    means = np.zeros((n_classes, n_classes))
    for place in there:
        means[place] = np.average(centred[spoken == place], axis=0, weights=weight[spoken == place])
    missing = [place for place in range(n_classes) if place not in there]
    if missing and there:
        own = means[there, there].mean()
        means[missing] = -own / (n_classes - 1)
        means[missing, missing] = own
    deviation, distances = _within_speakers(voices, np.asarray(speakers))
    return BaselineReference(
        tuple(tuple(round(value, 4) for value in row) for row in means.tolist()),
        tuple(round(value, 3) for value in deviation.tolist()),
        round(float(np.percentile(distances, 100 * KNOWN_SHARE)), 3),
    )


def _within_speakers(
    voices: NDArray[np.float64], speakers: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the deviation (n_mfcc,) within speakers, and each recording's distance from the rest of its speaker."""
    rest = np.zeros_like(voices)
    for name in np.unique(speakers):
        own = speakers == name
        count = np.count_nonzero(own)
        # The mean of the others; somebody with one recording lies on it.
        rest[own] = (voices[own].sum(axis=0) - voices[own]) / (count - 1) if count > 1 else voices[own]
    off = voices - rest
    deviation = np.maximum(np.sqrt(np.square(off).mean(axis=0)), LEAST_DEVIATION)
    distances = np.square((off / deviation)[:, VOICE_COEFFICIENTS]).mean(axis=1)
    return deviation, np.maximum(distances, 1e-3)
