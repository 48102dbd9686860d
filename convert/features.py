"""Training features: the board's own int8 MFCC with the running mean removed, statistics from the training speakers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import StageError
from convert.log_mels import LogMels
from edge_ser.features import FrontEnd, Mfcc, RunningMean
from edge_ser.features.mfcc import cepstra

INT8, INDEX = "features.int8", "index.npz"
LEAST_STD = 1e-3  # of a coefficient, in natural-log units


@dataclass(frozen=True, slots=True)
class FeatureOptions:
    """How log-mel frames become int8."""

    n_mfcc: int = 40
    """Coefficients of a frame."""

    lsb_per_std: float = 24.0
    """int8 steps per standard deviation of the training frames; 24 clips at 5.3."""

    prior_frames: int = 50
    """Frames after which the running mean is believed half."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Utterances, each int8 (frames, n_mfcc)."""

    options: FeatureOptions

    mean: NDArray[np.float64]
    """(n_mfcc,): of the training frames, natural-log units."""

    std: NDArray[np.float64]
    """(n_mfcc,)."""

    frames: NDArray[np.int8]
    """(all frames, n_mfcc), memory-mapped."""

    start: NDArray[np.int64]
    """(rows + 1,): first frame of each utterance; the last is the end."""

    clip: NDArray[np.int32]
    """(rows,)."""

    variant: NDArray[np.int32]
    """(rows,): 0 the recording as it is, else an augmented copy."""

    speech_steps: NDArray[np.int32]
    """(rows,)."""

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def length(self) -> NDArray[np.int64]:
        """Frames of each row."""
        return np.diff(self.start)

    def row(self, index: int) -> NDArray[np.int8]:
        """Return an utterance (frames, n_mfcc)."""
        return self.frames[self.start[index] : self.start[index + 1]]


def statistics(
    log_mels: LogMels, rows: NDArray[np.intp], n_mfcc: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation (n_mfcc,) of the cepstra of some utterances.

    Raises
    ------
    StageError
        There are none.
    """
    count, total, squares = 0, np.zeros(n_mfcc), np.zeros(n_mfcc)
    for row in rows:
        values = cepstra(log_mels.row(row).astype(np.float64), n_mfcc)
        count += len(values)
        total += values.sum(0)
        squares += np.square(values).sum(0)
    if not count:
        raise StageError("No speech was found in the training clips", "Listen to some: are they silent or noise?")
    mean = total / count
    return mean, np.maximum(np.sqrt(np.maximum(squares / count - mean**2, 0)), LEAST_STD)


def write_features(
    log_mels: LogMels,
    train_clips: NDArray[np.intp],
    options: FeatureOptions,
    frames_per_step: int,
    folder: Path,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> None:
    """Turn all utterances into int8 features.

    Parameters
    ----------
    log_mels : LogMels
    train_clips : array of int
        Clips of the training speakers, from which the statistics are taken, augmented copies included.
    options : FeatureOptions
    frames_per_step : int
        The running mean is updated once a step, as on the board.
    folder : Path
        Where the arrays go.
    progress : callable
        Wraps the iteration over utterances.
    """
    train_rows = np.flatnonzero(np.isin(log_mels.clip, train_clips))
    mean, std = statistics(log_mels, train_rows, options.n_mfcc)
    to_mfcc = Mfcc(FrontEnd(n_mfcc=options.n_mfcc), mean, std, options.lsb_per_std)
    running_mean = RunningMean(options.n_mfcc, options.prior_frames)
    with (folder / INT8).open("wb") as stream:
        for row in progress(range(len(log_mels))):
            stream.write(utterance(log_mels.row(row), to_mfcc, running_mean, frames_per_step).tobytes())
    np.savez(
        folder / INDEX,
        n_mfcc=options.n_mfcc,
        lsb_per_std=options.lsb_per_std,
        prior_frames=options.prior_frames,
        mean=mean,
        std=std,
        start=log_mels.start,
        clip=log_mels.clip,
        variant=log_mels.variant,
        speech_steps=log_mels.speech_steps,
    )


def utterance(
    log_mel: NDArray[np.int32], to_mfcc: Mfcc, running_mean: RunningMean, frames_per_step: int
) -> NDArray[np.int8]:
    """Return what the student gets of one utterance: int8 (frames, n_mfcc)."""
    mfcc = to_mfcc(log_mel.astype(np.float64))
    running_mean.reset()
    for first in range(0, len(mfcc), frames_per_step):
        mfcc[first : first + frames_per_step] = running_mean(mfcc[first : first + frames_per_step])
    return mfcc


def open_features(folder: Path) -> Features:
    """Return what `write_features` wrote."""
    with np.load(folder / INDEX) as index:
        options = FeatureOptions(int(index["n_mfcc"]), float(index["lsb_per_std"]), int(index["prior_frames"]))
        return Features(
            options,
            index["mean"],
            index["std"],
            np.memmap(folder / INT8, np.int8, "r").reshape(-1, options.n_mfcc),
            index["start"],
            index["clip"],
            index["variant"],
            index["speech_steps"],
        )
