"""Batches: what was asked for is drawn, nothing is invented but padding, and the seed decides the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.examples import BUCKET_FRAMES, Examples, batches_in_order, epoch_batches

N_MFCC = 4


def examples(lengths: list[int], probability: list[float] | None = None, draws: int | None = None) -> Examples:
    """Return stretches whose every value tells its row: the row's number below 100, never 0."""
    total = sum(lengths)
    rows = (np.arange(total * N_MFCC) % 99 + 1).astype(np.int8).reshape(total, N_MFCC)
    count = len(lengths)
    share = np.ones(count) if probability is None else np.array(probability)
    return Examples(
        features=rows,
        start=np.cumsum([0, *lengths[:-1]]),
        frames=np.array(lengths),
        corpus=np.full(len(lengths), "one"),
        target=np.zeros(count, np.int64),
        counts_as=np.tile(np.arange(2, dtype=np.int32), (count, 1)),
        weight=np.ones(count, np.float32),
        probability=share / share.sum(),
        draws=count if draws is None else draws,
    )


lengths_of = st.lists(st.integers(1, 300), min_size=1, max_size=30)


@settings(deadline=None, max_examples=50)
@given(lengths_of, st.integers(1, 9))
def test_predictions_see_every_stretch_once_and_whole(lengths: list[int], batch_size: int) -> None:
    data = examples(lengths)
    seen = []
    for batch in batches_in_order(data, batch_size):
        assert batch.features.shape[1] % BUCKET_FRAMES == 0
        for features, frames, index in zip(batch.features, batch.frames, batch.index, strict=True):
            seen.append(int(index))
            whole = data.features[data.start[index] : data.start[index] + data.frames[index]]
            np.testing.assert_array_equal(features[:frames], whole)
            assert not features[frames:].any()
    assert sorted(seen) == list(range(len(lengths)))


@settings(deadline=None, max_examples=50)
@given(lengths_of, st.integers(1, 9), st.integers(8, 200), st.integers(0, 2**32))
def test_training_sees_parts_of_stretches_no_longer_than_allowed(lengths, batch_size, max_frames, seed) -> None:
    data = examples(lengths)
    batches = list(epoch_batches(data, batch_size, max_frames, np.random.default_rng(seed)))
    assert len(batches) == max(1, data.draws // batch_size)
    for batch in batches:
        assert len(batch.index) == batch_size
        for features, frames, index in zip(batch.features, batch.frames, batch.index, strict=True):
            assert frames == min(data.frames[index], max_frames)
            whole = data.features[data.start[index] : data.start[index] + data.frames[index]]
            windows = np.lib.stride_tricks.sliding_window_view(whole, frames, axis=0).transpose(0, 2, 1)
            assert (windows == features[:frames]).all(axis=(1, 2)).any(), "a part of the stretch, in its order"
            assert not features[frames:].any()


def test_the_generator_decides_the_epoch() -> None:
    data = examples([100, 200, 50, 30, 80] * 4)
    epochs = [list(epoch_batches(data, 4, 60, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    for first, again in zip(epochs[0], epochs[1], strict=True):
        np.testing.assert_array_equal(first.features, again.features)
    assert any(not np.array_equal(a.index, b.index) for a, b in zip(epochs[0], epochs[2], strict=True))


def test_stretches_are_drawn_as_often_as_their_probability_says() -> None:
    data = examples([40, 40, 40], probability=[1, 2, 0], draws=6000)
    drawn = np.concatenate([batch.index for batch in epoch_batches(data, 10, 40, np.random.default_rng(0))])
    counts = np.bincount(drawn, minlength=3)
    assert counts[2] == 0
    assert counts[1] / counts[0] == pytest.approx(2, rel=0.1)


def test_batches_hold_stretches_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(20, 400, 640).tolist()
    padded = spoken = 0
    for batch in epoch_batches(examples(lengths), 64, 400, np.random.default_rng(0)):
        padded += batch.features.shape[0] * batch.features.shape[1]
        spoken += int(batch.frames.sum())
    assert padded / spoken < 1.5, "less than a third of the work is on padding"
