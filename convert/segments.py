"""What the student hears of a recording: the log-mel frames of its utterances, cut out as the board cuts them.

`edge_ser.segmenter.Segmenter` does the same a step at a time, with statistics that are not known yet here; a test
holds both to the same frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import LogMel
from edge_ser.features.tables import N_MELS
from edge_ser.features.voice_activity import VoiceActivity

HOP = 160  # samples, 10 ms


@dataclass(frozen=True, slots=True)
class Segmentation:
    """When an utterance begins and ends."""

    frames_per_step: int = 8
    """Frames of 10 ms behind one output of the student."""

    hangover_steps: int = 6
    """Steps without speech that end an utterance, and belong to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One utterance."""

    log_mel: NDArray[np.float64]
    """(frames, n_mels + columns of the extras), whole steps, from the one before the onset to the hangover's end."""

    speech_steps: int
    """Steps with speech among them."""


def segments(pcm: NDArray[np.int16], options: Segmentation, extras: Sequence[str] = ()) -> list[Segment]:
    """Return the utterances in a recording.

    Parameters
    ----------
    pcm : int16 (n,)
        Mono, 16 kHz; completed with zeros to a whole step.
    options : Segmentation
    extras : sequence of str
        What else to hear of each frame; see `LogMel`.
    """
    step = options.frames_per_step
    log_mel = LogMel(extras).push(np.pad(pcm, (0, -len(pcm) % (step * HOP))))
    speech = VoiceActivity()(log_mel[:, :N_MELS]).reshape(-1, step).any(1)
    found = []
    for first, stop in spans(speech, options.hangover_steps):
        found.append(Segment(log_mel[first * step : stop * step], int(speech[first:stop].sum())))
    return found


def spans(speech: NDArray[np.bool_], hangover_steps: int) -> list[tuple[int, int]]:
    """Return the first step and the end (exclusive) of each utterance.

    Examples
    --------
    >>> spans(np.array([0, 0, 1, 0, 1, 0, 0, 0, 1], bool), hangover_steps=2)
    [(1, 7), (7, 9)]
    """
    found: list[tuple[int, int]] = []
    open_at, last = -1, -1
    for step in np.flatnonzero(speech):
        if open_at >= 0 and step - last - 1 > hangover_steps:  # so many silent steps lie between
            found.append((open_at, last + hangover_steps + 1))
            open_at = -1
        if open_at < 0:
            open_at = max(0, int(step) - 1)
        last = int(step)
    if open_at >= 0:
        found.append((open_at, min(len(speech), last + hangover_steps + 1)))
    return found
