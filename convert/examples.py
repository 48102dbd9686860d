"""What training reads: stretches of speech as int8 features, with their labels, drawn in batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKET_FRAMES = 80  # batches are padded to a multiple: few shapes, so that few graphs are traced


@dataclass(frozen=True, slots=True)
class Examples:
    """Stretches of speech with labels; n of them.

    A clip has as many stretches as its voice pauses in it for long, and as many again in each augmented variant.
    """

    features: NDArray[np.int8]
    """(frames of all, n_features), memory-mapped."""

    start: NDArray[np.int64]
    """(n,) first row of each."""

    frames: NDArray[np.int64]
    """(n,) rows of each."""

    corpus: NDArray[np.str_]
    """(n,) name of the corpus."""

    target: NDArray[np.int64]
    """(n,) index of the class."""

    counts_as: NDArray[np.int32]
    """(n, n_classes) what each class counts as in the corpus, -1 for nothing; see `convert.losses.told_apart`."""

    weight: NDArray[np.float32]
    """(n,) of the loss: rare classes of a corpus count more."""

    probability: NDArray[np.float64]
    """(n,) of being drawn."""

    draws: int
    """An epoch's length: the number of clips behind the stretches."""

    soft: NDArray[np.float32] | None = None
    """(n, n_classes) the teachers' probabilities, for distillation."""

    labelled: NDArray[np.bool_] | None = None
    """(n,) whether the label counts; all do where it is not given."""

    speaker: NDArray[np.int64] | None = None
    """(n,) number of who speaks."""

    gender: NDArray[np.int64] | None = None
    """(n,) 0 a woman, 1 a man, 2 not known."""

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Return (n, n_classes): the classes that the corpus tells apart."""
        return self.counts_as == np.arange(self.counts_as.shape[1])

    def only(self, chosen: NDArray[np.bool_]) -> Examples:
        """Return some of the examples (n,); an epoch of them is as much shorter as they are fewer."""
        fields = ("start", "frames", "corpus", "target", "counts_as", "weight", "probability")
        optional = [name for name in ("soft", "labelled", "speaker", "gender") if getattr(self, name) is not None]
        part: dict[str, Any] = {name: getattr(self, name)[chosen] for name in (*fields, *optional)}
        share = float(part["probability"].sum())
        part["probability"] = part["probability"] / share
        return replace(self, **part, draws=max(1, round(self.draws * share)))

    def with_soft(self, soft: NDArray[np.float32]) -> Examples:
        """Return the same examples with soft targets (n, n_classes)."""
        return replace(self, soft=soft)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, padded with zeros at the end."""

    features: NDArray[np.int8]
    """(batch, frames, n_features)."""

    frames: NDArray[np.int32]
    """(batch,) before the padding."""

    index: NDArray[np.int64]
    """(batch,) of the stretches."""


def epoch_batches(
    examples: Examples, batch_size: int, max_frames: int, generator: np.random.Generator
) -> Iterator[Batch]:
    """Draw an epoch: as many stretches as there are clips, alike in length within a batch, batches in random order."""
    count = max(1, examples.draws // batch_size)
    drawn = generator.choice(len(examples.start), count * batch_size, p=examples.probability)
    by_length = drawn[np.argsort(examples.frames[drawn] + generator.uniform(0, BUCKET_FRAMES, len(drawn)))]
    for row in generator.permutation(count):
        index = by_length[row * batch_size : (row + 1) * batch_size]
        frames = np.minimum(examples.frames[index], max_frames)
        offset = (generator.random(len(index)) * (examples.frames[index] - frames + 1)).astype(np.int64)
        yield _padded(examples.features, examples.start[index] + offset, frames, index)


def batches_in_order(examples: Examples, batch_size: int) -> Iterator[Batch]:
    """Give every stretch once and whole, shortest first, to predict on."""
    order = np.argsort(examples.frames, kind="stable")
    for first in range(0, len(order), batch_size):
        index = order[first : first + batch_size]
        yield _padded(examples.features, examples.start[index], examples.frames[index], index)


def _padded(
    features: NDArray[np.int8], start: NDArray[np.int64], frames: NDArray[np.int64], index: NDArray[np.int64]
) -> Batch:
    longest = math.ceil(int(frames.max()) / BUCKET_FRAMES) * BUCKET_FRAMES
    padded = np.zeros((len(index), longest, features.shape[1]), np.int8)
    for row, (first, count) in enumerate(zip(start, frames, strict=True)):
        padded[row, :count] = features[first : first + count]
    return Batch(padded, frames.astype(np.int32), index)
