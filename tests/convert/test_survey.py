"""`edge-ser-convert corpora`: says what is there, and whatever is wrong with a file, without stopping at it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from convert.cli import main
from convert.corpora.manifest import read_corpus
from convert.corpora.survey import BROKEN, NARROW, SILENT, TWICE, survey


@pytest.fixture
def faulty(small_corpora: Path, tmp_path: Path) -> Path:
    """Two corpora: one with a file of each fault, one whose manifest is wrong."""
    folder = tmp_path / "corpora"
    shutil.copytree(small_corpora / "small", folder / "small")
    shutil.copytree(small_corpora / "small", folder / "wrong")
    manifest = folder / "wrong" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("happy", "grumpy"))
    _, clips = read_corpus(folder / "small")
    audio = folder / "small" / "audio"
    (audio / clips[0].file).write_bytes(b"RIFF")
    soundfile.write(audio / clips[1].file, np.zeros(16000), 16000)
    soundfile.write(audio / clips[2].file, np.random.default_rng(0).normal(0, 0.1, 8000), 8000)
    shutil.copyfile(audio / clips[4].file, audio / clips[3].file)
    manifest = folder / "small" / "manifest.csv"
    lines = [line.rpartition(",")[0] + "," for line in manifest.read_text().splitlines()[1:]]  # without sums
    manifest.write_text("\n".join([manifest.read_text().splitlines()[0], *lines]) + "\n")
    return folder


def test_each_fault_is_found_and_the_rest_is_counted(faulty: Path) -> None:
    found = survey(faulty / "small", processes=1)
    _, clips = read_corpus(faulty / "small")
    assert {(fault.kind, fault.file) for fault in found.faults} == {
        (BROKEN, clips[0].file),
        (SILENT, clips[1].file),
        (NARROW, clips[2].file),
        (TWICE, clips[4].file),
    }
    assert len(found.clips) == len(found.heard) == 11
    assert sum(found.by_class.values()) == 11
    seconds = [soundfile.info(faulty / "small" / "audio" / clip.file).duration for clip in found.clips]
    assert found.hours == pytest.approx(sum(seconds) / 3600, rel=1e-3)


def test_the_command_prints_draws_and_writes_and_goes_on_after_a_wrong_corpus(
    faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, figures = tmp_path / "corpora.png", tmp_path / "corpora.json"
    assert main(["corpora", str(faulty), "--plot", str(picture), "--json", str(figures)]) == 2
    said = capsys.readouterr().out
    assert "small, broken: " in said
    assert "small, there twice: " in said
    assert "grumpy" in said
    assert picture.read_bytes().startswith(b"\x89PNG")
    (only,) = json.loads(figures.read_text())
    assert only["clips"] == 11
    assert len(only["faults"]) == 4


def test_a_folder_without_corpora_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpora", str(tmp_path)]) == 2
    assert "manifest.csv" in capsys.readouterr().err


def test_a_corpus_that_is_not_there_is_named(small_corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpora", str(small_corpora), "--only", "emodb"]) == 2
    assert "none of emodb" in capsys.readouterr().err


def test_ones_own_recordings_are_imported_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine" / "sad").mkdir(parents=True)
    soundfile.write(tmp_path / "mine" / "sad" / "bo_1.wav", np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
    command = ["import", "plain", str(tmp_path / "mine"), "--corpora", str(tmp_path / "corpora"), "--name", "office"]
    assert main([*command, "--consent", "forms"]) == 0
    assert "1 clips" in capsys.readouterr().out
    assert read_corpus(tmp_path / "corpora" / "office")[0].consent == "forms"
