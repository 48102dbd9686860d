"""TensorBoard gets the figures of each epoch where it is asked for, and no file is written where it is not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import tensorflow as tf

from convert import watch


def test_figures_are_written_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = watch.writer(tmp_path)
    watch.write(board, 1, {"loss": 2.0})
    board.close()
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(watch, "_WANTED", [False])  # what is asked for here holds for this test alone
    watch.use_tensorboard()
    board = watch.writer(tmp_path)
    watch.write(board, 1, {"loss": 2.0, "validation UAR": math.nan})
    watch.write(board, 2, {"loss": 1.0, "validation UAR": 0.5})
    board.close()
    (file,) = (tmp_path / watch.FOLDER).iterdir()
    events = [event for event in tf.compat.v1.train.summary_iterator(str(file)) if event.summary.value]
    found = [
        (event.step, value.tag, float(tf.make_ndarray(value.tensor)))
        for event in events
        for value in event.summary.value
    ]
    assert found == [(1, "loss", 2.0), (2, "loss", 1.0), (2, "validation UAR", 0.5)]
