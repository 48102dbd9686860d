"""What README.md says is so: commands, code, names, figures."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import get_args

import pytest

from benchmarks import goals, readme
from benchmarks.board_report import BOARD_TABLE
from benchmarks.everything import write_pages
from benchmarks.questions import ON_CORPORA, ON_EMULATORS, QUESTIONS
from edge_ser.events import Event, Flags, Notice, State
from edge_ser.student.backend import installed_backends

REPOSITORY = Path(__file__).parent.parent
TEXT = readme.README.read_text(encoding="utf-8")
NUMBER = re.compile(r"-?\+?\d+(?:\.\d+)?")
TOLERANCE = 0.05  # of a probability: another processor may round one step of int8 differently


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


def first_column(head: str) -> list[str]:
    """Return what stands in backquotes in the first column of the table with this head."""
    (table,) = re.findall(rf"^\| {head} \|.*?\n\n", TEXT, flags=re.DOTALL | re.MULTILINE)
    return [name for row in table.strip().splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def blocks(kind: str, text: str = TEXT) -> dict[str, str]:
    return {match["name"]: match[0] for match in readme.BLOCK.finditer(text) if match["kind"] == kind}


def test_the_first_two_commands_come_first() -> None:
    commands = [line.split("#")[0].strip() for line in code_blocks("sh")[0].splitlines()]
    assert commands == ["sh setup.sh listen", "sh setup.sh test"]
    assert TEXT.index("sh setup.sh listen") < 100


def test_continuous_integration_runs_the_second_command() -> None:
    assert "sh setup.sh test" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


def test_the_python_runs_as_written_and_is_three_lines() -> None:
    (code,) = code_blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 3
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Recognition(")


def test_events_states_and_flags_are_those_of_the_code() -> None:
    assert set(first_column("field")) == {field.name for field in dataclasses.fields(Event)}
    assert set(first_column("state")) == set(get_args(State))
    assert set(first_column("notice")) == set(get_args(Notice))
    assert set(first_column("flag")) == {field.name for field in dataclasses.fields(Flags)}


@pytest.mark.parametrize("extra", first_column("extra"))
def test_every_extra_exists(extra: str) -> None:
    assert re.search(rf"^{extra} = \[", (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), flags=re.MULTILINE)


def commands_with_options() -> list[tuple[str, tuple[str, ...], set[str]]]:
    """Return module, subcommand and options of each row of the table of commands."""
    (table,) = re.findall(r"^\| command \|.*?\n\n", TEXT, flags=re.DOTALL | re.MULTILINE)
    modules = {"edge-ser": "edge_ser.cli.main", "edge-ser-convert": "convert.cli", "edge-ser-bench": "benchmarks.cli"}
    found = []
    for row in table.strip().splitlines()[2:]:
        words = re.findall(r"`([^`]+)`", row)[0].split()
        subcommand = tuple(takewhile(re.compile("[a-z][a-z-]*").fullmatch, words[1:]))
        found.append((modules[words[0]], subcommand, set(re.findall(r"--[a-z-]+", row))))
    return found


@pytest.mark.parametrize(("module", "subcommand", "options"), commands_with_options())
def test_every_command_and_option_exists(module: str, subcommand: tuple[str, ...], options: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *subcommand, "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=99,
    )
    assert done.returncode == 0, done.stderr
    assert options <= set(re.findall(r"--[a-z-]+", done.stdout))


def test_every_file_and_folder_named_exists() -> None:
    linked = re.findall(r"\]\((?!http|#)([^)]+)\)", TEXT)
    assert linked
    for path in [*linked, *first_column("folder"), *re.findall(r"convert/recipes/[\w.]+", TEXT)]:
        assert (REPOSITORY / path).exists(), path


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.name)
def test_every_block_has_its_figures(page: Path) -> None:
    for name, block in blocks("benchmark", page.read_text(encoding="utf-8")).items():
        assert block == readme.fill(block), f"{name} differs from its results: run python -m benchmarks.readme"


def test_the_page_of_all_results_is_made_of_them(tmp_path: Path) -> None:
    for path in readme.RESULTS.glob("*.json"):
        shutil.copy(path, tmp_path)
    write_pages(tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.suffix in (".html", ".md", ".svg"))
    assert len(made) > 2
    for name in made:
        there, here = ((folder / name).read_text(encoding="utf-8") for folder in (readme.RESULTS, tmp_path))
        assert there == here, f"{name} differs from the results: run python -m benchmarks.readme"


def test_every_benchmark_has_one_block() -> None:
    found = [name for page in readme.PAGES for name in blocks("benchmark", page.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted({**QUESTIONS, **ON_CORPORA, **ON_EMULATORS, goals.NAME: "", BOARD_TABLE: ""})


@pytest.mark.skipif(readme.RUNTIME not in installed_backends(), reason="the output shown is that of tflite-runtime")
def test_the_output_shown_is_what_the_commands_print() -> None:
    found = blocks("output")
    assert set(found) == set(readme.OUTPUTS)
    for block in found.values():
        now = readme.fill(block)
        assert NUMBER.sub("", block) == NUMBER.sub("", now), "run python -m benchmarks.readme"
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (block, now)]
        assert numbers[0] == pytest.approx(numbers[1], abs=TOLERANCE)


def test_a_changed_figure_would_be_noticed(tmp_path: Path) -> None:
    name = "student"
    report = json.loads((readme.RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    report["tables"][0]["rows"][0][1] = 123456
    (tmp_path / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
    block = blocks("benchmark")[name]
    assert readme.fill(block, tmp_path) != block
