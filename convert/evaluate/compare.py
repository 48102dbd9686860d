"""Two model files on the same recordings, side by side, with paired tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from convert.corpora.manifest import Clip
from convert.errors import ConvertError
from convert.evaluate.listening import listen, spoken_labels
from convert.evaluate.measures import INTERVAL, recalls, uar_draws
from convert.evaluate.model_file import held_out_speakers, read_clips
from convert.progress import track
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile


@dataclass(frozen=True, slots=True)
class Compared:
    """Two students on one set of recordings."""

    name: str
    recordings: int
    speakers: int

    uar: tuple[float, float]
    """Of each."""

    low: float
    """Of the difference, second less first, lower end of the 95 % interval, bootstrapped over speakers."""

    high: float

    first_alone: int
    """Recordings that only the first got right."""

    second_alone: int

    p_value: float
    """Of McNemar's exact test. It takes recordings for independent, which those of one speaker are not: where it and
    the interval disagree, believe the interval."""

    @property
    def difference(self) -> float:
        """UAR of the second less that of the first."""
        return self.uar[1] - self.uar[0]


def compare_files(first: Path, second: Path, corpora: Path) -> list[Compared]:
    """Compare two model files on the speakers whom both name as held out.

    Parameters
    ----------
    first, second : Path
        Model files.
    corpora : Path
        Folder that holds one folder a corpus.

    Raises
    ------
    ModelFileError, CorpusError, ConvertError
        A file or corpus cannot be read; no speaker is held out by both; they name different labels.
    """
    models = [ModelFile.load(path) for path in (first, second)]
    if set(models[0].metadata.labels) != set(models[1].metadata.labels):
        raise ConvertError(
            f"{first.name} names {', '.join(models[0].metadata.labels)} and {second.name} "
            f"{', '.join(models[1].metadata.labels)}",
            "Compare models with the same labels",
        )
    shared = set.intersection(*(set(model.metadata.provenance.held_out) for model in models))
    clips = [clip for clip in held_out_speakers(models[0], corpora)[0] if clip.speaker in shared]
    if not clips:
        raise ConvertError(
            f"No speaker in {corpora} is held out by both models",
            "Compare models whose recipes hold out the same people",
        )
    recordings = read_clips(corpora, clips)
    right = []
    for path, model in zip((first, second), models, strict=True):
        found = listen(Pipeline(model), ([(pcm, 0)] for pcm in track(path.name, len(clips))(recordings)))
        right.append(found.best == spoken_labels(model.metadata, clips))
    return compare(right[0], right[1], spoken_labels(models[0].metadata, clips), clips)


def compare(
    first: NDArray[np.bool_], second: NDArray[np.bool_], spoken: NDArray[np.intp], clips: list[Clip]
) -> list[Compared]:
    """Return the comparison over all recordings and over each corpus, from what was right (n,) of each model."""
    corpus = np.array([clip.corpus for clip in clips])
    sets = {"all": np.ones(len(clips), bool)} if len(set(corpus.tolist())) > 1 else {}
    sets |= {name: corpus == name for name in dict.fromkeys(corpus.tolist())}
    speaker = np.array([clip.speaker for clip in clips])
    found = []
    for name, rows in sets.items():
        names = speaker[rows].tolist()
        one, other, asked = first[rows], second[rows], spoken[rows]
        low, high = np.percentile(uar_draws(other, asked, names) - uar_draws(one, asked, names), INTERVAL)
        alone = int((one & ~other).sum()), int((other & ~one).sum())
        uar = tuple(float(np.mean(list(recalls(each, asked).values()))) for each in (one, other))
        p_value = float(binomtest(alone[0], sum(alone)).pvalue) if sum(alone) else 1.0
        found.append(
            Compared(name, len(names), len(set(names)), (uar[0], uar[1]), float(low), float(high), *alone, p_value)
        )
    return found
