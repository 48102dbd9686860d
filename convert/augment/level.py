"""How loud the voice arrives, and what happens where it is too loud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from convert.augment.chance import Range, between, happens


@dataclass(frozen=True, slots=True)
class Gain:
    """Distance and microphone gain.

    Each corpus is first brought to the same median level, so that how loud a clip is says nothing about where it is
    from; within a corpus loud stays louder than soft.
    """

    probability: float = 1.0

    median_dbfs: float = -26.0
    """Level that the corpus's median is brought to."""

    decibel: Range = (-25.0, 10.0)


@dataclass(frozen=True, slots=True)
class Clipping:
    """The loudest samples cut off."""

    probability: float = 0.08

    share: Range = (0.001, 0.03)
    """Of the samples."""


def change_gain(samples: NDArray[np.float32], rng: Generator, options: Gain, corpus_dbfs: float) -> NDArray[np.float32]:
    """Return the voice louder or softer.

    Parameters
    ----------
    samples : float32 (n,)
    rng : Generator
    options : Gain
    corpus_dbfs : float
        Median level of the clip's corpus.
    """
    decibel = between(rng, options.decibel)
    if not happens(rng, options.probability):
        return samples
    return samples * np.float32(10 ** ((options.median_dbfs - corpus_dbfs + decibel) / 20))


def clip_peaks(samples: NDArray[np.float32], rng: Generator, options: Clipping) -> NDArray[np.float32]:
    """Return the samples with the loudest cut off, and as loud as full scale allows."""
    share = between(rng, options.share)
    if not happens(rng, options.probability):
        return samples
    limit = float(np.quantile(np.abs(samples), 1 - share))
    return np.clip(samples / limit, -1, 1).astype(np.float32) if limit > 0 else samples
