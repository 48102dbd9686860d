"""Stages: done work is kept exactly as long as it is what would be made again, and half work never counts."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert.compressions.table import CODE
from convert.stages import ROOT, code_digest, run_stage
from convert.training_stage import TRAINING_CODE

KNOWN_OTHERWISE = {
    *("convert/recipe.py", "convert/loss_options.py"),  # their values are inputs of the stage
    *("convert/prepare.py", "convert/features.py", "convert/corpora"),  # what they made is, by its digest
    *("convert/__init__.py", "convert/errors.py", "convert/watch.py", "convert/stages.py"),  # nothing is learnt of them
    *("convert/training_stage.py", "convert/export/assemble.py"),  # see `train_network`: it names its inputs itself
}
"""What training imports and its code's digest leaves out, with the reason."""


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


def imported(file: Path) -> Iterator[str]:
    """Yield the files of `convert` that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "convert":
            for name in (str(node.module), *(f"{node.module}.{each.name}" for each in node.names)):
                place = name.replace(".", "/")
                yield from (each for each in (f"{place}.py", f"{place}/__init__.py") if (ROOT / each).is_file())


def covers(places: set[str], file: str) -> bool:
    return any(file == place or file.startswith(f"{place}/") for place in places)


def test_all_that_training_imports_is_in_its_code_or_known_otherwise() -> None:
    known = {*TRAINING_CODE, *KNOWN_OTHERWISE}
    seen, ahead = set(), ["convert/train.py", "convert/networks.py", "convert/teachers.py"]
    while ahead:
        file = ahead.pop()
        seen.add(file)
        assert covers(known, file), f"{file} is imported by training: list it in TRAINING_CODE"
        if not covers(KNOWN_OTHERWISE, file):
            ahead += set(imported(ROOT / file)) - seen
    assert {"convert/training_step.py", "convert/mixup.py", "convert/losses/focal.py"} <= seen


@pytest.mark.parametrize("code", [TRAINING_CODE, CODE], ids=["training", "compressions"])
def test_a_change_in_any_file_of_a_stages_code_changes_its_digest(
    code: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "convert", tmp_path / "convert", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("convert.stages.ROOT", tmp_path)
    places = [tmp_path / each for each in code]
    files = [file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])]
    digests = {code_digest(*code)}
    for file in files:
        with file.open("a", encoding="utf-8") as text:
            text.write("\nCHANGED = True\n")
        digests.add(code_digest(*code))
    assert len(digests) == len(files) + 1 > 10


def test_every_file_of_a_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({code_digest("convert/augment"), code_digest("convert/corpora"), code_digest("convert/splits.py")}) == 3
    assert (ROOT / "convert").is_dir()
    monkeypatch.setattr("convert.stages.ROOT", tmp_path)
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "a.py").write_text("x = 1")
    before = code_digest("folder")
    (tmp_path / "folder" / "deep" / "a.py").write_text("x = 2")
    assert code_digest("folder") != before
