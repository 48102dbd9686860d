"""The front end's benchmark runs, with and without its peers, and judges its goals by what it measured."""

from __future__ import annotations

import sys

import pytest

from benchmarks import kaldi_pitch
from benchmarks.frontend import run
from benchmarks.frontend_peers import PEERS
from benchmarks.report import Report
from edge_ser.features.extras import EXTRAS

OPTIONAL = [peer for peer in PEERS if peer.package != "numpy"]


@pytest.fixture(scope="module")
def report() -> Report:
    return run(quick=True)


def test_every_kind_of_block_has_its_figures(report: Report) -> None:
    for kind in ("10_ms", "20_ms", "100_ms", "batch"):
        assert 0 < float(report.figures[f"{kind}.edge-ser_us"]) < 1e5
        assert float(report.figures[f"{kind}.naive_ratio"]) > 0
    for part in ("log-mel", "40_MFCC", "voice_activity"):
        assert float(report.figures[f"part_80_ms.{part}_us"]) > 0
    for extra in EXTRAS:
        assert report.figures[f"extra_10_ms.{extra}_us"] > 0
        assert report.figures[f"extra_80_ms.{extra}_us"] > 0
    assert float(report.figures["start.first_feature_ratio"]) > 1
    assert report.figures["profile.start_ms"] > 0
    assert report.figures["profile.1_frames.operations_us"] > report.figures["profile.48_frames.operations_us"] > 0


def test_kaldis_pitch_is_measured_or_named_with_the_command_that_installs_it(report: Report) -> None:
    measured = report.figures.get("prosody_10_ms.ratio", 0) > 0
    noted = any(f"pip install {kaldi_pitch.PACKAGE}" in note for note in report.notes)
    assert measured != noted


def test_each_peer_is_measured_or_named_with_the_command_that_installs_it(report: Report) -> None:
    for peer in OPTIONAL:
        measured = f"100_ms.{peer.name.split()[0]}_ratio" in report.figures
        noted = any(f"pip install {peer.package}" in note for note in report.notes)
        assert measured != noted, peer.name


def test_goals_are_judged_by_the_measured_ratio(report: Report) -> None:
    table = report.tables[0]
    goals = [row for row in table.rows if row[table.columns.index("goal")] is not None]
    for row in goals:
        ratio, goal, reached = (row[table.columns.index(name)] for name in ("ours / it", "goal", "reached"))
        assert reached == ("yes" if float(str(ratio).split()[0]) <= float(str(goal)) + 0.005 else "no") or (
            abs(float(str(ratio).split()[0]) - float(str(goal))) <= 0.005
        )


def test_without_any_peer_it_still_runs_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = ("kaldi_native_fbank", "pymicro_features", "librosa", "python_speech_features", "opensmile", "torch",
               "tensorflow")  # fmt: skip
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    report = run(quick=True)
    assert len([note for note in report.notes if "Kaldi's pitch" not in note]) == len(OPTIONAL)
    assert float(report.figures["10_ms.edge-ser_us"]) > 0
