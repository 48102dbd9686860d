"""`explain`: hears a recording once as it is, and then again and again with a part hidden from the student.

The pipeline is the one that decides, and it hears the same samples each time, so utterances begin and end where they
did. Only the log-mel bands that the student is given differ: what is hidden is replaced by its mean over the
utterance's speech, which keeps voice and level and takes away what happened there.

After M. D. Zeiler and R. Fergus, 'Visualizing and Understanding Convolutional Networks', ECCV 2014, section 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.source import Source
from edge_ser.errors import AudioFileError
from edge_ser.events import Event
from edge_ser.explanation.explanation import Explanation, Occlusion
from edge_ser.explanation.hearing import Hearing, LogMels
from edge_ser.features import LOG_UNIT, FrontEnd
from edge_ser.features.prominence import FRAME_POWER, FULL_SCALE
from edge_ser.features.tables import POWER_UNIT
from edge_ser.settings import Settings
from edge_ser.student.model_file import ModelFile

EXPLAINED_SECONDS = 60.0
"""Of a recording are explained, from its start."""

SHORTEST_STRETCH = 3  # steps that are hidden at once: 240 ms, about a syllable
MOST_STRETCHES = 48  # for which the recording is heard again
BAND_GROUPS = 10  # of 4 bands

DB_PER_LOG_UNIT = 10 / math.log(10) / LOG_UNIT
ZERO_DBFS = 10 * math.log10(POWER_UNIT / FRAME_POWER / FULL_SCALE**2)
"""Of a log-mel band of 0, if it were all there is in the frame."""

Lost = Callable[[Mapping[int, LogMels]], float]
"""Takes what the student is given instead of some steps; returns by how much the label is less probable."""


def explain(model: ModelFile, settings: Settings, source: Source) -> Explanation:
    """Return the decision on a recording and where it came from; see `Recognizer.explain`."""
    hearing = Hearing(model, settings, source, EXPLAINED_SECONDS)
    found = hearing.recognition
    events = found.timeline[: len(hearing.shares)]
    utterances = utterances_of(hearing.shares)
    if found.speech_seconds and not utterances:
        raise AudioFileError(
            f"Nobody speaks in the first {events[-1].time:.0f} s of {source.name}, the part that can be explained",
            "Cut the recording to where somebody speaks",
        )
    label = max(found.probabilities, key=found.probabilities.__getitem__) if utterances else None
    probability = hearing.probabilities_without({})[label] if label is not None else 0.0

    def lost(hidden: Mapping[int, LogMels]) -> float:
        return probability - hearing.probabilities_without(hidden)[label] if label is not None else 0.0

    means = [_speech_mean(hearing.log_mels[part], events[part]) for part in utterances]
    edges = [0.0, *(event.time for event in events)]
    band_edges = edges_of_bands(model.metadata.features.front_end)
    return Explanation(
        name=source.name,
        model=f"{model.metadata.name} {model.metadata.version}",
        recognition=found,
        label=label,
        probability=probability,
        steps=len(events),
        utterances=tuple((edges[part.start], edges[part.stop]) for part in utterances),
        attention=attention_of(hearing.shares),
        over_time=_over_time(utterances, means, edges, lost),
        over_frequency=_over_frequency(hearing.log_mels, utterances, means, band_edges, lost),
        log_mel_dbfs=hearing.log_mels * DB_PER_LOG_UNIT + ZERO_DBFS,
        band_edges=band_edges,
    )


def _over_time(
    utterances: Sequence[slice], means: Sequence[LogMels], edges: Sequence[float], lost: Lost
) -> tuple[Occlusion, ...]:
    stretch_steps = max(SHORTEST_STRETCH, sum(part.stop - part.start for part in utterances) / MOST_STRETCHES)
    found = []
    for part, mean in zip(utterances, means, strict=True):
        count = max(1, round((part.stop - part.start) / stretch_steps))
        for start, stop in tiles(part.start, part.stop, count):
            drop = lost(dict.fromkeys(range(start, stop), mean))
            found.append(Occlusion(edges[start], edges[stop], drop))
    return tuple(found)


def _over_frequency(
    log_mels: NDArray[np.float64],
    utterances: Sequence[slice],
    means: Sequence[LogMels],
    band_edges: Sequence[float],
    lost: Lost,
) -> tuple[Occlusion, ...]:
    found = []
    for low, high in tiles(0, len(band_edges) - 1, BAND_GROUPS) if utterances else ():
        hidden = {}
        for part, mean in zip(utterances, means, strict=True):
            for step in range(part.start, part.stop):
                hidden[step] = log_mels[step].copy()
                hidden[step][:, low:high] = mean[:, low:high]
        found.append(Occlusion(band_edges[low], band_edges[high], lost(hidden)))
    return tuple(found)


def utterances_of(shares: Sequence[tuple[float, ...]]) -> list[slice]:
    """Return the steps of each utterance that the student heard, the one before its onset included.

    Parameters
    ----------
    shares : sequence
        `Pipeline.shares` after each step.

    Examples
    --------
    >>> utterances_of([(), (), (0.4, 0.6), (0.2,), (), ()])
    [slice(1, 4, None)]
    """
    found: list[slice] = []
    for step, given in enumerate(shares):
        if len(given) > 1 or (given and (not step or not shares[step - 1])):
            found.append(slice(step + 1 - len(given), step + 1))
        elif given:
            found[-1] = slice(found[-1].start, step + 1)
    return found


def attention_of(shares: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return each step's share in the decision over all of them.

    Parameters
    ----------
    shares : sequence
        `Pipeline.shares` after each step: what had been heard before has kept the rest.

    Examples
    --------
    >>> attention_of([(), (1.0, 0.5), (0.5,)])
    (0.25, 0.25, 0.5)
    """
    attention = [0.0] * len(shares)
    kept = 1.0
    for step in reversed(range(len(shares))):
        for back, share in enumerate(reversed(shares[step])):
            attention[step - back] += kept * share
            kept *= 1 - share
    return tuple(attention)


def tiles(start: int, stop: int, count: int) -> list[tuple[int, int]]:
    """Return so many parts of a range, all but equally long.

    Examples
    --------
    >>> tiles(2, 9, 2)
    [(2, 6), (6, 9)]
    """
    parts = np.array_split(np.arange(start, stop), count)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts]


def edges_of_bands(front_end: FrontEnd) -> tuple[float, ...]:
    """Return the n_mels + 1 frequencies, Hz, half-way on the mel scale between the centres of neighbouring bands."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (front_end.fmin, front_end.fmax))
    mels = low + (high - low) * (np.arange(front_end.n_mels + 1) + 0.5) / (front_end.n_mels + 1)
    return tuple((700 * (10 ** (mels / 2595) - 1)).tolist())


def _speech_mean(log_mels: NDArray[np.float64], events: Sequence[Event]) -> LogMels:
    """Return the mean over an utterance's frames with speech, as every frame of a step; whole numbers, as theirs."""
    speech = [event.speech for event in events]
    mean = np.rint(log_mels[speech].mean(axis=(0, 1)))
    return np.broadcast_to(mean, log_mels.shape[1:])
