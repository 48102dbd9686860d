"""What utterances were like in training, beside which the board notices drift: see `edge_ser.decision.drift`.

The clips of a speaker are heard one after the other by the board's own pipeline, as a visitor would be.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from convert.calibration import corpus_weights
from convert.corpora.manifest import MANIFEST_NAME, Clip, read_corpus
from convert.errors import ConvertError
from convert.evaluate.model_file import read_clips
from convert.progress import track
from edge_ser.decision.drift import DECISIONS, LEAST_SECONDS, measures_of, stability_index
from edge_ser.pipeline import Pipeline, Utterance, drift_measures
from edge_ser.settings import SAMPLE_RATE
from edge_ser.student.metadata import DriftReference, Histogram
from edge_ser.student.model_file import ModelFile

CLIPS_EACH = 12  # of a speaker, drawn at random
PAUSE_SECONDS = 1.6  # between them: the noise floor needs one to rise to them, and an utterance half of one to end
QUIET_SHARE = 0.04  # of a recording's frames, whose noise fills the pauses
FRAME = 512  # samples, 32 ms
BLOCK = 8 * 1280  # samples given to the pipeline at once: no more utterances end in them than it remembers
TAIL = 0.02  # of the reference in the lowest and in the highest bin
WINDOW = 50  # utterances
LEAST_UTTERANCES = 8  # of a speaker that stand for how a single speaker differs from all
WINDOWS_EACH = 5  # drawn of a speaker's utterances, with replacement
KEPT_TO = 0.95  # of single speakers' windows in which no index exceeds its limit
LEAST_SHARE = 0.005  # of a decision that training hardly ever came to
LEAST_LIMIT = 0.1  # a stability index up to which nothing has changed, as is usually said

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """n utterances."""

    values: NDArray[np.float64]
    """(n, measures): what is compared, in the order of `measures_of`."""

    decisions: NDArray[np.str_]
    """(n,): the label that each ended with, or `uncertain`."""

    def __len__(self) -> int:
        return len(self.values)

    def drawn(self, count: int, rng: Generator) -> Heard:
        """Return so many of them, drawn with replacement."""
        chosen = rng.integers(len(self.values), size=count)
        return Heard(self.values[chosen], self.decisions[chosen])


MEASURES = tuple(measures_of(0.0, 0.0, 0.0, [0.0] * 40, 0.0))


def session_of(recordings: Sequence[Pcm], rng: Generator) -> Pcm:
    """Return recordings one after the other, with pauses that sound like the quietest parts of each."""
    return np.concatenate([part for pcm in recordings for part in (pcm, _background(pcm, rng))])


def _background(pcm: Pcm, rng: Generator) -> Pcm:
    """Return a pause: noise with level and spectrum of a recording's quietest frames.

    White noise would not do: where it is louder than the recording's own background, it is a sound that sets in.
    """
    count = round(PAUSE_SECONDS * SAMPLE_RATE)
    if len(pcm) < FRAME:
        return np.zeros(count, np.int16)
    power = np.square(np.abs(np.fft.rfft(pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME) * np.hanning(FRAME))))
    order = np.argsort(power.sum(axis=1))
    quiet = power[order[: max(1, round(QUIET_SHARE * len(order)))]].mean(axis=0) / np.square(np.hanning(FRAME)).sum()
    white = np.fft.rfft(rng.normal(0, 1, count))
    shape = np.interp(np.linspace(0, 1, len(white)), np.linspace(0, 1, len(quiet)), np.sqrt(quiet))
    return np.clip(np.rint(np.fft.irfft(white * shape, count)), -32768, 32767).astype(np.int16)


def hear(pipeline: Pipeline, pcm: Pcm) -> Heard:
    """Return the utterances that the board finds in a stream, those that are long enough to be compared."""
    pipeline.reset()
    ended: list[Utterance] = []
    for first in range(0, len(pcm), BLOCK):
        pipeline.push(pcm[first : first + BLOCK])
        ended += [each for each in pipeline.take_ended() if each.speech_seconds >= LEAST_SECONDS]
    rows = [list(drift_measures(each).values()) for each in ended]
    return Heard(np.reshape(rows, (-1, len(MEASURES))), np.array([each.decision for each in ended], str))


def hear_speakers(
    model: ModelFile,
    clips: Sequence[Clip],
    read: Callable[[Clip], Pcm],
    change: Callable[[Pcm, Generator], Pcm] = lambda pcm, _: pcm,
) -> dict[str, Heard]:
    """Return by speaker, `corpus/name`, what the board makes of some of their clips; those without utterances not.

    Parameters
    ----------
    model : ModelFile
    clips : sequence of Clip
    read : callable
        Returns the samples of a clip.
    change : callable
        What happens to the sound on its way to the board.
    """
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    pipeline, found = Pipeline(model), {}
    for speaker, own in track("speakers", len(by_speaker))(by_speaker.items()):
        rng = np.random.default_rng(zlib.crc32(speaker.encode()))  # whoever else is heard
        chosen = [own[place] for place in rng.permutation(len(own))[:CLIPS_EACH]]
        heard = hear(pipeline, change(session_of([read(clip) for clip in chosen], rng), rng))
        if len(heard):
            found[speaker] = heard
    return found


def reference_of(by_speaker: Mapping[str, Heard], labels: Sequence[str]) -> DriftReference:
    """Return the reference.

    Parameters
    ----------
    by_speaker : mapping
        By `corpus/name`; all corpora count alike.
    labels : sequence of str
        That the model may say.

    Raises
    ------
    ConvertError
        There are too few speakers to tell what is usual for one.
    """
    decided = (*labels, "uncertain")
    rng = np.random.default_rng(0)
    found = []
    for name, own in by_speaker.items():
        others = {other: heard for other, heard in by_speaker.items() if other != name}
        if len(own) >= LEAST_UTTERANCES and others:
            beside = _distributions(others, decided)
            found += [list(indices(own.drawn(WINDOW, rng), *beside).values()) for _ in range(WINDOWS_EACH)]
    if not found:
        cure = f"Give at least {LEAST_UTTERANCES} clips of each of two speakers"
        raise ConvertError("There are too few recordings for a reference", cure)
    histograms, decisions = _distributions(by_speaker, decided)
    # First what each index alone keeps to, then as much more for all that they together do.
    single = np.maximum(np.quantile(found, KEPT_TO, axis=0), LEAST_LIMIT)
    together = max(1.0, float(np.quantile((np.array(found) / single).max(axis=1), KEPT_TO)))
    limits = dict(zip((*MEASURES, DECISIONS), (single * together).tolist(), strict=True))
    return DriftReference(
        histograms,
        decisions,
        {name: round(limit, 4) for name, limit in limits.items()},
        sum(map(len, by_speaker.values())),
        WINDOW,
    )


def indices(heard: Heard, histograms: Mapping[str, Histogram], decisions: Mapping[str, float]) -> dict[str, float]:
    """Return the stability index of utterances for each measure and for `decisions`."""
    found = {}
    for name, values in zip(MEASURES, heard.values.T, strict=True):
        edges, shares = histograms[name].edges, histograms[name].shares
        counts = np.bincount(np.searchsorted(edges, values, "right"), minlength=len(shares))
        found[name] = stability_index(counts.tolist(), shares)
    counts = [int((heard.decisions == label).sum()) for label in decisions]
    return {**found, DECISIONS: stability_index(counts, list(decisions.values()))}


def with_reference(model: ModelFile, clips: Sequence[Clip], read: Callable[[Clip], Pcm]) -> ModelFile:
    """Return a model file that knows what these clips are like; nothing else in it is changed.

    Raises
    ------
    ConvertError
        There are too few speakers.
    """
    reference = reference_of(hear_speakers(model, clips, read), model.metadata.labels)
    return dataclasses.replace(model, metadata=dataclasses.replace(model.metadata, drift=reference))


def reader(corpora: Path) -> Callable[[Clip], Pcm]:
    """Return what reads clips from a folder that holds one folder a corpus."""
    return lambda clip: read_clips(corpora, [clip])[0]


def known_clips(model: ModelFile, corpora: Path) -> list[Clip]:
    """Return the clips of the speakers who are not held out, of the corpora that the model file names.

    Raises
    ------
    ConvertError
        None of these corpora is there.
    """
    provenance = model.metadata.provenance
    clips = []
    for corpus in provenance.corpora:
        if (corpora / corpus.name / MANIFEST_NAME).is_file():
            clips += read_corpus(corpora / corpus.name, model.metadata.classes)[1]
    clips = [clip for clip in clips if clip.speaker not in provenance.held_out]
    if not clips:
        names = ", ".join(corpus.name for corpus in provenance.corpora)
        raise ConvertError(f"None of the corpora of {model.metadata.name} is in {corpora}", f"Put {names} there")
    return clips


def _distributions(
    by_speaker: Mapping[str, Heard], decided: Sequence[str]
) -> tuple[dict[str, Histogram], dict[str, float]]:
    values = np.concatenate([heard.values for heard in by_speaker.values()])
    decisions = np.concatenate([heard.decisions for heard in by_speaker.values()])
    weight = corpus_weights([name.split("/")[0] for name, heard in by_speaker.items() for _ in range(len(heard))])
    histograms = {name: _histogram(column, weight) for name, column in zip(MEASURES, values.T, strict=True)}
    shares = np.array([weight[decisions == label].sum() for label in decided])
    shares = np.maximum(shares / max(shares.sum(), LEAST_SHARE), LEAST_SHARE)
    return histograms, dict(zip(decided, (shares / shares.sum()).round(4).tolist(), strict=True))


def _histogram(values: NDArray[np.float64], weight: NDArray[np.float64]) -> Histogram:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    edges = np.unique(np.interp((TAIL, 1 - TAIL), below, values[order]).round(2))
    places = np.searchsorted(edges, values, "right")
    shares = np.bincount(places, weight, len(edges) + 1)
    shares = np.maximum(shares / shares.sum(), TAIL / 2)
    return Histogram(tuple(edges.tolist()), tuple((shares / shares.sum()).round(4).tolist()))
