"""Features of any number of audio files, on all cores, in constant memory; and how fast that is.

For corpora that training does not know: the recipe's own stages are in `log_mels.py` and `features.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.corpora.audio import read_pcm
from convert.parallel import in_order, workers
from edge_ser.features import FrontEnd, LogMel, Mfcc
from edge_ser.settings import SAMPLE_RATE

FILES_PER_TASK = 16
UNIT_STD = 2.0  # natural-log units: about that of speech, where no training set has said
LSB_PER_STD = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """One file's features."""

    path: Path
    seconds: float
    """Of audio."""

    mfcc: NDArray[np.int8]
    """(frames, n_mfcc)."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What extraction took in one process."""

    audio_seconds: float
    processor_seconds: float

    @property
    def times_real_time(self) -> float:
        """Seconds of audio in a second of one core."""
        return self.audio_seconds / self.processor_seconds


def extract(paths: Iterable[Path], processes: int = 2) -> Iterator[Extracted]:
    """Give the features of each file, in order.

    Parameters
    ----------
    paths : iterable of Path
        Read only as far as the work has got, so there may be more than fit in memory.
    processes : int
        What is given does not depend on it.

    Raises
    ------
    CorpusError
        Naming a file that cannot be read.
    """
    tasks = iter(paths)
    chunks = iter(lambda: list(islice(tasks, FILES_PER_TASK)), [])
    with workers(processes) as pool:
        for found in in_order(pool, features_of, chunks, ahead=2 * processes):
            yield from found


def features_of(paths: Sequence[Path]) -> list[Extracted]:
    """Return the features of some files, from reading to int8."""
    front_end = FrontEnd()
    log_mel = LogMel()
    to_mfcc = Mfcc(front_end, np.zeros(front_end.n_mfcc), np.full(front_end.n_mfcc, UNIT_STD), LSB_PER_STD)
    found = []
    for path in paths:
        pcm = read_pcm(path)
        log_mel.reset()
        found.append(Extracted(path, len(pcm) / SAMPLE_RATE, to_mfcc(log_mel.push(pcm))))
    return found


def extraction_speed(paths: Sequence[Path]) -> Speed:
    """Return how fast one core makes features of these files, in its processor time: other programs do not count."""
    features_of(paths[:1])  # tables are loaded and kernels made once
    began = time.process_time()
    seconds = sum(
        each.seconds
        for first in range(0, len(paths), FILES_PER_TASK)
        for each in features_of(paths[first : first + FILES_PER_TASK])
    )
    return Speed(seconds, time.process_time() - began)
