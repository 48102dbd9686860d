"""Stages: done work is kept exactly as long as it is what would be made again, and half work never counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.stages import ROOT, code_digest, run_stage


def test_a_stage_is_done_once_and_again_when_an_input_changes(tmp_path: Path) -> None:
    made: list[Path] = []
    first = run_stage(tmp_path, "count", {"n": 1}, made.append)
    assert run_stage(tmp_path, "count", {"n": 1}, made.append) == first
    other = run_stage(tmp_path, "count", {"n": 2}, made.append)
    assert made == [first, other]
    assert first != other


def test_the_order_of_inputs_does_not_matter(tmp_path: Path) -> None:
    made: list[Path] = []
    run_stage(tmp_path, "count", {"a": 1, "b": [2, 3]}, made.append)
    run_stage(tmp_path, "count", {"b": [2, 3], "a": 1}, made.append)
    assert len(made) == 1


def test_an_interrupted_stage_finds_what_it_left(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").write_text("work")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "long", {}, interrupted)
    found = []
    run_stage(tmp_path, "long", {}, lambda folder: found.append((folder / "half").read_text()))
    assert found == ["work"]


def test_code_counts_and_its_comments_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convert.stages.ROOT", tmp_path)
    digests = []
    for text in (
        'def f(x):\n    """Say one thing."""\n    return x + 1\n',
        'def f(x):  # why\n    """Say another."""\n\n    return (x + 1)\n',
        "def f(x):\n    return x + 2\n",
    ):
        (tmp_path / "module.py").write_text(text)
        digests.append(code_digest("module.py"))
    assert digests[0] == digests[1] != digests[2]


def test_every_file_of_a_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({code_digest("convert/augment"), code_digest("convert/corpora"), code_digest("convert/splits.py")}) == 3
    assert (ROOT / "convert").is_dir()
    monkeypatch.setattr("convert.stages.ROOT", tmp_path)
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "a.py").write_text("x = 1")
    before = code_digest("folder")
    (tmp_path / "folder" / "deep" / "a.py").write_text("x = 2")
    assert code_digest("folder") != before
