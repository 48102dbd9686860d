"""The soak passes where all is well, and would notice a sample lost, doubled or altered, or a decision changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks.report import Report
from benchmarks.soak import Part, RingSource, report_of, run
from benchmarks.soak_material import Loop, material, to_48_khz
from edge_ser.capture.ring import Ring

HOURS = 0.01  # the other parts last at least a minute


def figures_that_must_be_zero(report: Report) -> dict[str, float]:
    names = [f"{part}_unaccounted_samples" for part in ("day", "the_day_again", "48_khz", "overruns")]
    names += [f"{part}_lost_samples" for part in ("day", "the_day_again", "48_khz")]
    return {name: report.figures[name] for name in [*names, "decisions_differ_count"]}


def assert_all_is_well(report: Report) -> None:
    assert set(figures_that_must_be_zero(report).values()) == {0}
    assert report.figures["overruns_lost_samples"] >= 8 * 16000  # 10 s at once into a ring of 2 s
    assert 0 < report.figures["overruns_gap_events_count"] <= report.figures["overruns_overflows_count"]
    assert report.figures["day_events_count"] == round(HOURS * 3600 / 0.08)
    assert "no" not in {row[-1] for row in report.tables[0].rows[:4]}


def test_minutes_of_the_recording_and_noise_pass() -> None:
    assert_all_is_well(run(hours=HOURS))


def test_minutes_of_real_voices_and_noise_pass(corpora: Path) -> None:
    pytest.importorskip("soundfile")
    report = run(hours=HOURS, corpora=corpora)
    assert_all_is_well(report)
    assert "clips of speech" in report.notes[0]


PART = Part("day", 16000, 32000, 32000, 0, 0, 0, 25, 0, 2.0, "aa", 1.0, (50.0,) * 48)


@pytest.mark.parametrize(
    ("change", "unaccounted"),
    [
        ({}, 0),
        ({"read": 31999}, 1),
        ({"read": 32001}, 1),
        ({"lost": 5}, 5),
        ({"read": 31000, "lost": 1000}, 0),
        ({"altered": 3}, 3),
        ({"end_seconds": 2.0 - 7 / 16000}, 7),
        ({"sample_rate": 48000, "end_seconds": 10667 / 16000}, 0),
    ],
)
def test_every_sample_is_accounted_for(change: dict[str, float], unaccounted: int) -> None:
    assert dataclasses.replace(PART, **change).unaccounted == unaccounted


@pytest.mark.parametrize(
    ("number", "change", "row"),
    [
        (1, {"digest": "bb"}, 2),
        (2, {"sample_rate": 16000, "altered": 1}, 0),
        (0, {"lost": 10, "read": 31990}, 1),
        (1, {"memory_mb": (*(50.0,) * 20, 51.5, *(50.0,) * 27)}, 4),
    ],
)
def test_what_goes_wrong_is_told(number: int, change: dict[str, object], row: int) -> None:
    well = [PART, PART, PART, dataclasses.replace(PART, overflows=1)]
    assert [line[-1] for line in report_of(well, 24.0, ()).tables[0].rows] == ["yes"] * 5
    ill = [dataclasses.replace(part, **(change if i == number else {})) for i, part in enumerate(well)]  # type: ignore[arg-type]
    assert [i for i, line in enumerate(report_of(ill, 24.0, ()).tables[0].rows) if line[-1] == "no"] == [row]


def test_an_altered_sample_is_noticed_and_a_counted_loss_is_none() -> None:
    loop = Loop(np.arange(1000, dtype=np.int16), 320)
    ring = Ring(640)
    source = RingSource(ring, loop, 16000)
    for position in (0, 320, 640):  # the first is overwritten
        ring.write(loop.at(position))
    block = source.read()
    assert block is not None
    assert (block.lost, source.altered) == (320, 0)
    altered = loop.at(960).copy()
    altered[5] ^= 1
    ring.write(altered)
    source.read()
    assert source.altered == 1


def test_a_loop_goes_on_without_end() -> None:
    loop = Loop(np.arange(1000, dtype=np.int16), 320)
    endless = np.arange(5000) % 1000
    for position in (0, 900, 999, 1000, 2345):
        assert loop.at(position).tolist() == endless[position : position + 320].tolist()
        assert loop.differs(endless[position : position + 2000].astype(np.int16), position) == 0
        assert loop.differs(endless[position + 1 : position + 2001].astype(np.int16), position) == 2000
    assert len(loop.at(10, 7)) == 7


def test_material_holds_speech_noise_and_silence() -> None:
    samples, _ = material(None)
    by_step = samples[: len(samples) // 1280 * 1280].reshape(-1, 1280).astype(float).std(axis=1)
    assert (by_step == 0).sum() > 30  # a muted microphone
    assert ((by_step > 8) & (by_step < 12)).sum() > 8  # a quiet room
    assert ((by_step > 900) & (by_step < 1100)).sum() > 50  # noise
    assert len(to_48_khz(samples)) == 3 * len(samples)
