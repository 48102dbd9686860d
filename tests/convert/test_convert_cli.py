"""`edge-ser-convert`: whatever is wrong is said in one line with exit status 2, before anything takes long."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.cli import main
from convert.commands.shared import recipe_path

RECIPE = """
name = "small"
version = "0"
description = "d"
licence = "CC0-1.0"
classes = ["neutral", "calm", "happy"]
label_of_class = {}
student = {architecture = "streaming_cnn"}
[data]
corpora = ["CORPUS"]
held_out = {CORPUS = ["01"]}
validation = {}
"""


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one line on standard error of a command that must fail."""
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("edge-ser-convert: ")
    assert said.count("\n") == 1
    return said


def recipe(folder: Path, corpus: str, more: str = "") -> Path:
    path = folder / "recipe.toml"
    path.write_text(RECIPE.replace("CORPUS", corpus) + more, encoding="utf-8")
    return path


def test_recipes_are_found_by_name_and_by_path(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["recipes"]) == 0
    assert {"default", "smoke"} <= set(capsys.readouterr().out.split())
    assert recipe_path("smoke").is_file()
    own = tmp_path / "own.toml"
    assert recipe_path(str(own)) == own


def test_corpora_are_listed_with_their_licence(capsys: pytest.CaptureFixture[str], small_corpora: Path) -> None:
    assert main(["corpora", str(small_corpora)]) == 0
    said = capsys.readouterr().out
    line = next(line for line in said.splitlines() if "small" in line)
    assert "12" in line
    assert "1 f 1 m" in line
    assert "not stated" in line
    assert "neutral" in said


def test_a_misspelt_key_is_named_with_the_right_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = recipe(tmp_path, "small", "[pruning]\nsparcity = 0.2\n")
    said = refusal(capsys, "run", path, "--corpora", tmp_path, "--out", tmp_path / "out")
    assert "sparcity" in said
    assert "sparsity" in said


def test_a_recipe_or_corpus_or_model_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert "absent.toml" in refusal(capsys, "run", tmp_path / "absent.toml", "--corpora", tmp_path, "--out", out)
    assert "absent" in refusal(capsys, "run", recipe(tmp_path, "absent"), "--corpora", tmp_path, "--out", out)
    assert "absent.tflite" in refusal(capsys, "evaluate", tmp_path / "absent.tflite", "--corpora", tmp_path)


def test_a_corpus_whose_licence_forbids_it_does_not_ship(
    capsys: pytest.CaptureFixture[str], small_corpora: Path, tmp_path: Path
) -> None:
    path = recipe(tmp_path, "small")
    said = refusal(capsys, "run", path, "--corpora", small_corpora, "--out", tmp_path / "out")
    assert "small" in said
    assert "ships = false" in said


def test_an_output_folder_that_cannot_be_made_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = recipe(tmp_path, "small")
    assert "file" in refusal(capsys, "run", path, "--corpora", tmp_path, "--out", tmp_path / "file" / "out")


def test_a_file_that_is_no_model_cannot_be_judged(
    capsys: pytest.CaptureFixture[str], small_corpora: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(b"no model")
    assert "foreign.tflite" in refusal(capsys, "evaluate", foreign, "--corpora", small_corpora)
