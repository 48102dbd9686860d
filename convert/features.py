"""Training features: the board's own int8, the running mean removed, with statistics from the training speakers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import StageError
from convert.log_mels import LogMels
from edge_ser.features import FrontEnd, ToInt8
from edge_ser.features.extras import count_columns
from edge_ser.features.mfcc import cepstra
from edge_ser.features.tables import N_MELS

INT8, INDEX = "features.int8", "index.npz"
LEAST_STD = 1e-3  # of a coefficient, in natural-log units
LEAST_EXTRA_STD = 1.0  # of a column of integers


@dataclass(frozen=True, slots=True)
class FeatureOptions:
    """How log-mel frames become int8."""

    n_mfcc: int = 40
    """Coefficients of a frame."""

    lsb_per_std: float = 24.0
    """int8 steps per standard deviation of the training frames; 24 clips at 5.3."""

    prior_frames: int = 50
    """Frames after which the running mean is believed half."""

    extras: tuple[str, ...] = ()
    """What the student hears beside the MFCC: names from `edge_ser.features.extras.EXTRAS`."""

    @property
    def n_extras(self) -> int:
        """Columns of the extras."""
        return count_columns(self.extras)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Utterances, each int8 (frames, n_features): the MFCC, then the columns of the extras."""

    options: FeatureOptions

    mean: NDArray[np.float64]
    """(n_features,): of the training frames, natural-log units for the MFCC."""

    std: NDArray[np.float64]
    """(n_features,)."""

    frames: NDArray[np.int8]
    """(all frames, n_features), memory-mapped."""

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
        """Return an utterance (frames, n_features)."""
        return self.frames[self.start[index] : self.start[index + 1]]


def statistics(
    log_mels: LogMels, rows: NDArray[np.intp], n_mfcc: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation (n_features,) of some utterances: of the cepstra, then of the extras.

    Raises
    ------
    StageError
        There are none.
    """
    n_extras = log_mels.frames.shape[1] - N_MELS
    count, total, squares = 0, np.zeros(n_mfcc + n_extras), np.zeros(n_mfcc + n_extras)
    for row in rows:
        values = columns(log_mels.row(row).astype(np.float64), n_mfcc)
        count += len(values)
        total += values.sum(0)
        squares += np.square(values).sum(0)
    if not count:
        raise StageError("No speech was found in the training clips", "Listen to some: are they silent or noise?")
    mean = total / count
    least = np.repeat([LEAST_STD, LEAST_EXTRA_STD], [n_mfcc, n_extras])
    return mean, np.maximum(np.sqrt(np.maximum(squares / count - mean**2, 0)), least)


def columns(frames: NDArray[np.float64], n_mfcc: int) -> NDArray[np.float64]:
    """Return what is standardised, (frames, n_features), of frames as `LogMel` gives them: cepstra, then extras."""
    return np.concatenate((cepstra(frames[:, :N_MELS], n_mfcc), frames[:, N_MELS:]), axis=1)


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
    front_end = FrontEnd(n_mfcc=options.n_mfcc)
    to_int8 = ToInt8(front_end, mean, std, options.lsb_per_std, options.prior_frames, options.extras)
    with (folder / INT8).open("wb") as stream:
        for row in progress(range(len(log_mels))):
            stream.write(utterance(log_mels.row(row), to_int8, frames_per_step).tobytes())
    np.savez(
        folder / INDEX,
        n_mfcc=options.n_mfcc,
        lsb_per_std=options.lsb_per_std,
        prior_frames=options.prior_frames,
        extras=np.array(options.extras, np.str_),
        mean=mean,
        std=std,
        start=log_mels.start,
        clip=log_mels.clip,
        variant=log_mels.variant,
        speech_steps=log_mels.speech_steps,
    )


def utterance(
    log_mel: NDArray[np.int32] | NDArray[np.float64], to_int8: ToInt8, frames_per_step: int
) -> NDArray[np.int8]:
    """Return what the student gets of one utterance: int8 (frames, n_features)."""
    frames = log_mel.astype(np.float64)
    to_int8.reset()
    steps = [to_int8(frames[first : first + frames_per_step]) for first in range(0, len(frames), frames_per_step)]
    return np.concatenate(steps)


def open_features(folder: Path) -> Features:
    """Return what `write_features` wrote."""
    with np.load(folder / INDEX) as index:
        extras = tuple(index["extras"].tolist()) if "extras" in index else ()  # older runs know of none
        options = FeatureOptions(int(index["n_mfcc"]), float(index["lsb_per_std"]), int(index["prior_frames"]), extras)
        return Features(
            options,
            index["mean"],
            index["std"],
            np.memmap(folder / INT8, np.int8, "r").reshape(-1, options.n_mfcc + options.n_extras),
            index["start"],
            index["clip"],
            index["variant"],
            index["speech_steps"],
        )
