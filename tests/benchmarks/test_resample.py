"""The comparison with soxr runs with and without it, and counts what depends on the cutting of a stream."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks import resample
from benchmarks.resample import differing_samples


def test_every_rate_is_measured_also_without_soxr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    report = resample.run(quick=True)
    assert {f"{rate}.edge-ser_us" for rate in resample.RATES} == set(report.figures)
    assert report.notes == ("soxr is not installed: pip install soxr",)


def test_soxr_int16_depends_on_the_cutting_and_ours_does_not() -> None:
    pytest.importorskip("soxr")
    report = resample.run(quick=True)
    differing = {row[0]: row[1:] for row in report.tables[1].rows}
    assert differing["edge-ser"] == (0, 0, 0)
    assert min(differing["soxr int16"]) > 0  # type: ignore[type-var]


def test_samples_that_depend_on_the_cutting_are_counted() -> None:
    signal = np.arange(100, dtype=np.int16)
    assert differing_samples(np.concatenate, signal, 30) == 0
    assert differing_samples(
        lambda blocks: np.concatenate([block[:1] * 0 + len(blocks) for block in blocks]), signal, 30
    )
    assert differing_samples(lambda blocks: np.concatenate([block - block[0] for block in blocks]), signal, 30) == 70
