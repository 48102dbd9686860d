"""How a shipped file bears what rooms, microphones and lines do: the same recordings, spoilt in one way each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.corpora.manifest import Clip
from convert.evaluate.conditions import ENVIRONMENT, NOISES, Condition, Pcm, conditions
from convert.evaluate.listening import Decisions, listen, spoken_labels
from convert.evaluate.measures import INTERVAL, calibration_error, recalls, uar_draws, uar_interval
from convert.evaluate.model_file import held_out_speakers, read_clips
from convert.parallel import workers
from convert.progress import track
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile

log = logging.getLogger(__name__)

SAME_AT_LEAST = 0.95
"""Share of decisions that a small change must leave as they were."""


@dataclass(frozen=True, slots=True)
class Robustness:
    """Figures under one condition; shares are from 0 to 1."""

    condition: str

    small: bool
    """A change that nobody would hear."""

    recordings: int

    uar: float
    """Over the labels, all corpora together."""

    uar_low: float
    """Lower end of its 95 % interval, bootstrapped over speakers."""

    uar_high: float

    change: float
    """Of the UAR, against the untouched recordings."""

    change_low: float
    """Lower end of its 95 % interval: the same speakers are drawn for both."""

    change_high: float

    uar_by_corpus: dict[str, float]

    wa: float

    ece: float

    silent: float
    """Share of recordings in which no speech was found."""

    answered: float
    """Share of recordings of which a label was named."""

    right_if_answered: float
    """Share of right answers among those."""

    same: float
    """Share of recordings with the same most likely label as untouched."""


def evaluate_robustness(path: Path, corpora: Path, every: int = 1, processes: int | None = None) -> list[Robustness]:
    """Return the figures of a model file under each condition, on the speakers whom it names as held out.

    Parameters
    ----------
    path, corpora
        As in `convert.evaluate.model_file.evaluate_file`.
    every : int
        Judge every so manyth recording alone: quicker, and with wider intervals.
    processes : int, optional
        That share the conditions; as many as there are processors where it is not given. The result does not
        depend on it.

    Raises
    ------
    ModelFileError, CorpusError, ConvertError
        The file or a corpus cannot be read; nothing there suits.
    """
    model = ModelFile.load(path)
    clips = held_out_speakers(model, corpora)[0][::every]
    tried = conditions(corpora, [])
    if not any(each.name.startswith(ENVIRONMENT) for each in tried):
        log.warning("%s has no %s: environmental noise is left out", corpora, NOISES)
    with workers(processes, _prepare, (path, corpora, every)) as pool:
        heard = list(track("conditions", len(tried))(pool.map(_listen, range(len(tried)))))
    spoken = spoken_labels(model.metadata, clips)
    return [
        figures(each.name, each.small, found, heard[0], clips, spoken) for each, found in zip(tried, heard, strict=True)
    ]


def figures(
    name: str, small: bool, found: Decisions, clean: Decisions, clips: Sequence[Clip], spoken: NDArray[np.intp]
) -> Robustness:
    """Return the figures of one condition, from what was said under it and of the untouched recordings."""
    speakers = [clip.speaker for clip in clips]
    corpus = np.array([clip.corpus for clip in clips])
    right, right_clean = found.best == spoken, clean.best == spoken
    low, high = uar_interval(right, spoken, speakers)
    change = uar_draws(right, spoken, speakers) - uar_draws(right_clean, spoken, speakers)
    change_low, change_high = np.percentile(change, INTERVAL)
    return Robustness(
        condition=name,
        small=small,
        recordings=len(clips),
        uar=_uar(right, spoken),
        uar_low=low,
        uar_high=high,
        change=_uar(right, spoken) - _uar(right_clean, spoken),
        change_low=float(change_low),
        change_high=float(change_high),
        uar_by_corpus={each: _uar(right[corpus == each], spoken[corpus == each]) for each in dict.fromkeys(corpus)},
        wa=float(right.mean()),
        ece=calibration_error(found.shares.max(axis=1), right),
        silent=float((~found.heard).mean()),
        answered=float(found.answered.mean()),
        right_if_answered=float(right[found.answered].mean()) if found.answered.any() else 0.0,
        same=float((found.best == clean.best).mean()),
    )


def unsteady(found: Sequence[Robustness]) -> list[str]:
    """Return the small changes that altered more decisions than they may."""
    return [each.condition for each in found if each.small and each.same < SAME_AT_LEAST]


def _uar(right: NDArray[np.bool_], spoken: NDArray[np.intp]) -> float:
    return float(np.mean(list(recalls(right, spoken).values())))


_WORKER: list[tuple[Pipeline, list[Pcm], list[Condition]]] = []  # of this process, filled once


def _prepare(path: Path, corpora: Path, every: int) -> None:
    model = ModelFile.load(path)
    recordings = read_clips(corpora, held_out_speakers(model, corpora)[0][::every])
    _WORKER[:] = [(Pipeline(model), recordings, conditions(corpora, recordings))]


def _listen(number: int) -> Decisions:
    pipeline, recordings, all_conditions = _WORKER[0]
    spoil = all_conditions[number].spoil
    return listen(pipeline, (spoil(pcm, np.random.default_rng([number, row])) for row, pcm in enumerate(recordings)))
