"""What goes wrong is named with its cure, and what was done before stays usable."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from convert.cli import main
from convert.corpora.manifest import COLUMNS
from convert.errors import RecipeError, SplitError, StageError
from convert.prepare import prepare
from convert.recipe import Recipe
from convert.recipe_file import load_recipe
from convert.stages import DONE, run_stage

ROOM = 300_000  # bytes of the tiny disk

RECIPE = """
name = "bad"
version = "0"
description = "d"
licence = "CC0-1.0"
ships = false
classes = ["neutral", "happy", "angry"]
label_of_class = {}
student = {architecture = "streaming_cnn"}
[data]
corpora = ["small"]
held_out = {small = ["01"]}
validation = {}
variants = 0
"""


def recipe_of(folder: Path, text: str = RECIPE) -> Recipe:
    (folder / "bad.toml").write_text(text, encoding="utf-8")
    return load_recipe(folder / "bad.toml")


@pytest.fixture
def small(small_corpora: Path, tmp_path: Path) -> Path:
    """A folder of corpora that may be damaged."""
    shutil.copytree(small_corpora / "small", tmp_path / "corpora" / "small")
    return tmp_path / "corpora"


def rewrite(manifest: Path, change: Callable[[dict[str, str]], dict[str, str] | None]) -> None:
    with manifest.open(newline="") as stream:
        rows = [changed for row in csv.DictReader(stream) if (changed := change(row)) is not None]
    with manifest.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("change", "named", "cure"),
    [
        (lambda row: None, "lists no clip", "leave the corpus out"),
        (lambda row: {**row, "emotion": ""}, "01-neutral-01-01.wav has no emotion", "data.unlabelled"),
        (lambda row: {**row, "emotion": "grumpy"}, "grumpy", "corpus.toml"),
    ],
    ids=["empty corpus", "missing label", "unknown label"],
)
def test_a_run_says_what_is_wrong_with_a_corpus(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change, named: str, cure: str
) -> None:
    rewrite(small / "small" / "manifest.csv", change)
    recipe_of(tmp_path)
    command = ["run", str(tmp_path / "bad.toml"), "--corpora", str(small), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert named in said
    assert cure in said


def test_a_class_of_one_speaker_is_refused_and_what_was_heard_is_kept(small: Path, tmp_path: Path) -> None:
    def only_one_is_angry(row: dict[str, str]) -> dict[str, str]:
        lonely = row["emotion"] == "angry" and row["speaker"] == "01"
        return {**row, "emotion": "happy"} if lonely else row

    rewrite(small / "small" / "manifest.csv", only_one_is_angry)
    out = tmp_path / "out"
    with pytest.raises(SplitError, match=r"Only small/02 speaks 'angry'") as caught:
        prepare(recipe_of(tmp_path), small, out)
    assert "leave the class out" in caught.value.cure
    assert {path.parent.name.rsplit("-", 1)[0] for path in out.glob(f"*/{DONE}")} == {
        "recordings",
        "material",
        "log_mels",
    }
    # By chance it can be split, and nothing is decoded again.
    prepare(recipe_of(tmp_path, RECIPE + 'split = "random"\nshare = 0.4\n'), small, out)
    assert len(list(out.glob(f"recordings-*/{DONE}"))) == len(list(out.glob(f"log_mels-*/{DONE}"))) == 1


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ('split = "by-name"', "split"),
        ("share = 0.9", "data.share"),
        ('unlabelled = ["small"]', "data.unlabelled"),
        ('unlabelled = ["others"]', "teacher"),
        ('class_weights = "some"', "class_weights"),
        ("[augment.tract]\nprobabilty = 0.1", "probability"),
    ],
)
def test_a_wrong_key_of_a_recipe_is_named(tmp_path: Path, more: str, named: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe_of(tmp_path, RECIPE + more + "\n")
    assert named in f"{caught.value.problem} {caught.value.cure}"


def test_what_proves_nothing_about_new_voices_does_not_ship(tmp_path: Path) -> None:
    text = RECIPE.replace("ships = false", "ships = true") + 'split = "random"\n'
    with pytest.raises(RecipeError, match="'random'") as caught:
        recipe_of(tmp_path, text)
    assert "ships = false" in caught.value.cure


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few hundred kilobytes; the test is skipped, visibly, where none can be made."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip(f"no tiny disk: {made.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _write_bytes(folder: Path) -> None:
    (folder / "frames").write_bytes(bytes(2 * ROOM))


def _save(folder: Path) -> None:
    np.save(folder / "frames.npy", np.zeros(2 * ROOM, np.int8))


def _save_many(folder: Path) -> None:
    np.savez(folder / "frames.npz", frames=np.zeros(2 * ROOM, np.int8))


def _checkpoint(folder: Path) -> None:
    import tensorflow as tf

    tf.train.Checkpoint(weights=tf.Variable(tf.zeros(ROOM))).save(str(folder / "checkpoint"))


@pytest.mark.parametrize("write", [_write_bytes, _save, _save_many, _checkpoint])
def test_a_full_disk_is_named_and_after_making_room_the_run_goes_on(
    tiny_disk: Path, write: Callable[[Path], None]
) -> None:
    done = run_stage(tiny_disk, "first", {}, lambda folder: (folder / "result").write_text("whole") and None)
    with pytest.raises(StageError, match="full") as caught:
        run_stage(tiny_disk, "second", {}, write)
    assert str(tiny_disk) in caught.value.problem
    assert "Make room" in caught.value.cure
    subprocess.run(["mount", "-o", f"remount,size={100 * ROOM}", str(tiny_disk)], check=True)
    again = run_stage(tiny_disk, "second", {}, write)
    assert (again / DONE).exists()
    kept = run_stage(tiny_disk, "first", {}, lambda folder: pytest.fail("made again"))
    assert (kept / "result").read_text() == "whole"
    assert kept == done
