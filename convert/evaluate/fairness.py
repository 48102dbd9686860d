"""Whom a shipped file understands better: by gender, corpus, language, strength of feeling, and speaker.

Corpora differ in difficulty and in how many women and men they hold, so a gap between genders is taken within each
corpus, and then averaged over the corpora.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.corpora.manifest import Clip
from convert.evaluate.listening import Decisions, listen, spoken_labels
from convert.evaluate.measures import INTERVAL, calibration_error, recalls, uar_draws, uar_interval
from convert.evaluate.model_file import held_out_speakers, read_clips
from convert.progress import track
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile

FEMALE, MALE = "f", "m"
AVERAGE = "mean of the corpora"
Z_95 = 1.959964  # of the normal distribution, two-sided 95 %


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of some recordings; shares are from 0 to 1."""

    name: str
    recordings: int
    speakers: int
    uar: float

    uar_low: float
    """Lower end of its 95 % interval, bootstrapped over speakers."""

    uar_high: float
    wa: float
    ece: float

    answered: float
    """Share of recordings of which a label was named."""

    right_if_answered: float
    recall: dict[str, float]


@dataclass(frozen=True, slots=True)
class Gap:
    """UAR of women less that of men."""

    name: str
    """Of the corpus."""

    women: int
    """Speakers."""

    men: int
    gap: float

    low: float
    """Lower end of its 95 % interval, bootstrapped over the speakers of each gender."""

    high: float


@dataclass(frozen=True, slots=True)
class Speaker:
    """One held-out speaker."""

    name: str
    gender: str
    recordings: int

    wa: float
    """Share of right answers."""

    low: float
    """Lower end of its 95 % interval over this speaker's recordings (Wilson)."""

    high: float
    answered: float


@dataclass(frozen=True, slots=True)
class Fairness:
    """All groups, the gaps between genders, and all speakers, the worst first."""

    groups: list[Group]
    gaps: list[Gap]
    speakers: list[Speaker]


def evaluate_fairness(path: Path, corpora: Path) -> Fairness:
    """Return the figures of a model file by group, on the speakers whom it names as held out.

    Raises
    ------
    ModelFileError, CorpusError, ConvertError
        As `convert.evaluate.model_file.evaluate_file`.
    """
    model = ModelFile.load(path)
    clips, _ = held_out_speakers(model, corpora)
    recordings = read_clips(corpora, clips)
    found = listen(Pipeline(model), ([(pcm, 0)] for pcm in track("listening", len(clips))(recordings)))
    return fairness(found, clips, spoken_labels(model.metadata, clips), model.metadata.labels)


def fairness(found: Decisions, clips: Sequence[Clip], spoken: NDArray[np.intp], labels: Sequence[str]) -> Fairness:
    """Return the figures of recordings (n,) whose right labels are `spoken`."""
    keys: list[Callable[[Clip], str]] = [
        lambda clip: "all",
        lambda clip: f"gender {clip.gender}" if clip.gender else "",
        lambda clip: f"language {clip.language}" if clip.language else "",
        lambda clip: clip.corpus,
        lambda clip: f"{clip.corpus}, {clip.gender}" if clip.gender else "",
        lambda clip: f"{clip.corpus}, {clip.intensity} intensity" if clip.intensity else "",
    ]
    rows: dict[str, list[int]] = {}
    for key in keys:
        for row, clip in enumerate(clips):
            if name := key(clip):
                rows.setdefault(name, []).append(row)
    groups = [_group(name, np.array(chosen), found, clips, spoken, labels) for name, chosen in rows.items()]
    return Fairness(groups, _gaps(found, clips, spoken), _speakers(found, clips, spoken))


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (E. B. Wilson, JASA 22, 1927).

    Examples
    --------
    >>> [round(end, 3) for end in wilson(5, 10)]
    [0.237, 0.763]
    """
    share, z2 = right / count, Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def _group(
    name: str,
    rows: NDArray[np.intp],
    found: Decisions,
    clips: Sequence[Clip],
    spoken: NDArray[np.intp],
    labels: Sequence[str],
) -> Group:
    right, asked, answered = (found.best == spoken)[rows], spoken[rows], found.answered[rows]
    speakers = [clips[row].speaker for row in rows]
    recall = recalls(right, asked)
    low, high = uar_interval(right, asked, speakers)
    return Group(
        name=name,
        recordings=len(rows),
        speakers=len(set(speakers)),
        uar=float(np.mean(list(recall.values()))),
        uar_low=low,
        uar_high=high,
        wa=float(right.mean()),
        ece=calibration_error(found.shares[rows].max(axis=1), right),
        answered=float(answered.mean()),
        right_if_answered=float(right[answered].mean()) if answered.any() else 0.0,
        recall={labels[label]: value for label, value in recall.items()},
    )


def _gaps(found: Decisions, clips: Sequence[Clip], spoken: NDArray[np.intp]) -> list[Gap]:
    right = found.best == spoken
    corpus, gender = np.array([clip.corpus for clip in clips]), np.array([clip.gender for clip in clips])
    speaker = np.array([clip.speaker for clip in clips])
    gaps, draws = [], []
    for name in dict.fromkeys(corpus.tolist()):
        rows = [np.flatnonzero((corpus == name) & (gender == each)) for each in (FEMALE, MALE)]
        if not all(len(each) for each in rows):
            continue
        # Each corpus and gender has draws of its own: they are different people.
        of_women, of_men = (
            uar_draws(right[each], spoken[each], speaker[each].tolist(), 2 * len(gaps) + nth)
            for nth, each in enumerate(rows)
        )
        uar = [float(np.mean(list(recalls(right[each], spoken[each]).values()))) for each in rows]
        low, high = np.percentile(of_women - of_men, INTERVAL)
        women, men = (len(set(speaker[each].tolist())) for each in rows)
        gaps.append(Gap(name, women, men, uar[0] - uar[1], float(low), float(high)))
        draws.append(of_women - of_men)
    if len(gaps) > 1:
        low, high = np.percentile(np.mean(draws, axis=0), INTERVAL)
        mean = float(np.mean([each.gap for each in gaps]))
        women, men = sum(each.women for each in gaps), sum(each.men for each in gaps)
        gaps.append(Gap(AVERAGE, women, men, mean, float(low), float(high)))
    return gaps


def _speakers(found: Decisions, clips: Sequence[Clip], spoken: NDArray[np.intp]) -> list[Speaker]:
    right = found.best == spoken
    names = np.array([clip.speaker for clip in clips])
    gender = {clip.speaker: clip.gender for clip in clips}
    speakers = []
    for name in dict.fromkeys(names.tolist()):
        own = names == name
        low, high = wilson(int(right[own].sum()), int(own.sum()))
        speakers.append(
            Speaker(
                name,
                gender[name],
                int(own.sum()),
                float(right[own].mean()),
                low,
                high,
                float(found.answered[own].mean()),
            )
        )
    return sorted(speakers, key=lambda each: (each.wa, each.name))
