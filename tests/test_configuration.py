"""One configuration: what holds, from where, and an error that names the place for whatever is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ser import configuration, configuration_file
from edge_ser.errors import SettingsError
from edge_ser.setting_values import describe, example_of, from_text, from_toml, kinds, to_toml
from edge_ser.settings import Settings
from edge_ser.student.backend import BACKEND_VARIABLE, BACKENDS


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edge-ser.toml"


def load(file: Path | None = None, environment: dict[str, str] | None = None, **flags: Any) -> Any:
    return configuration.load(file, flags, {"HOME": "/nowhere", **(environment or {})})


def refused(*args: Any, **flags: Any) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(*args, **flags)
    return caught.value


def test_flags_come_before_the_environment_before_the_file_before_the_default(file: Path) -> None:
    file.write_text("threads = 2\nhysteresis = 0.2\nuncertain_below = 0.3\n")
    found = load(file, {"EDGE_SER_THREADS": "3", "EDGE_SER_HYSTERESIS": "0.3"}, threads="4")
    settings = found.settings
    assert (settings.threads, settings.hysteresis, settings.uncertain_below) == (4, 0.3, 0.3)
    origins = {name: str(origin) for name, origin in found.origins.items()}
    assert origins["threads"] == "flag --threads"
    assert origins["hysteresis"] == "environment EDGE_SER_HYSTERESIS"
    assert origins["uncertain_below"] == f"file {file}"
    assert origins["minimum_dwell_seconds"] == "default"


def test_without_anything_it_is_the_defaults() -> None:
    found = load()
    assert (found.settings, found.file) == (Settings(), None)
    assert set(found.origins) == {field.name for field in fields_of(Settings)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("treads = 2", ["treads", "Write threads"]),
        ("[listen]\nthreads = 2", ["'listen'", "There are model, "]),
        ('threads = "2"', ["threads is '2', not a whole number", "threads = 1"]),
        ("threads = true", ["threads is True"]),
        ("threads = 0", ["threads is 0"]),
        ('hysteresis = "much"', ["not a number"]),
        ("hysteresis = nan", ["hysteresis is nan"]),
        ('backend = "litter"', ["litert or tflite", "Write litert"]),
        ("model = 1", ["model is 1, not text"]),
        ("threads = 1\nthreads = 2\n", ["not TOML", "line 2"]),
        ("threads = \n", ["not TOML", "line 1"]),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_file_and_key(file: Path, content: str, expected: list[str]) -> None:
    file.write_text(content)
    message = str(refused(file))
    for part in (str(file), *expected):
        assert part in message


@pytest.mark.parametrize("content", [None, b"\xff\xfe", "directory"])
def test_a_file_that_was_named_and_cannot_be_read_is_an_error(file: Path, content: bytes | str | None) -> None:
    if content == "directory":
        file.mkdir()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    error = refused(file)
    assert str(file) in error.problem
    assert "edge-ser config --toml" in error.cure


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("EDGE_SER_THREADS", "two", "EDGE_SER_THREADS: threads is 'two'"),
        ("EDGE_SER_THREADS", "0", "environment EDGE_SER_THREADS"),
        ("EDGE_SER_BACKEND", "torch", "litert or tflite"),
        ("EDGE_SER_TREADS", "2", "Write EDGE_SER_THREADS"),
    ],
)
def test_what_is_wrong_in_the_environment_is_told_with_its_variable(variable: str, text: str, expected: str) -> None:
    assert expected in str(refused(None, {variable: text}))


def test_variables_that_are_empty_or_of_others_are_left_alone() -> None:
    assert load(None, {"EDGE_SER_THREADS": "", "EDGE_SER_CORPORA": "/data", "THREADS": "7"}).settings == Settings()


def test_what_is_wrong_with_a_flag_is_told_with_the_flag() -> None:
    assert "--uncertain-below: uncertain_below is 'often'" in str(refused(uncertain_below="often"))
    assert "flag --uncertain-below" in str(refused(uncertain_below="2"))
    assert "Write threads" in str(refused(treads=2))


def test_the_file_is_the_named_one_else_the_users_else_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, variable, system = (tmp_path / name for name in ("named", "variable", "system"))
    monkeypatch.setattr(configuration_file, "SYSTEM_FILE", system)
    user = tmp_path / "edge-ser" / "config.toml"
    user.parent.mkdir()
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "EDGE_SER_CONFIG": str(variable)}
    for threads, path in enumerate((named, variable, user, system), start=2):
        path.write_text(f"threads = {threads}\n")
    assert load(named, environment).settings.threads == 2
    assert load(None, environment).settings.threads == 3
    del environment["EDGE_SER_CONFIG"]
    assert load(None, environment).file == user
    user.unlink()
    assert load(None, environment).file == system
    system.unlink()
    assert load(None, environment).file is None


def test_without_xdg_the_users_file_is_in_dot_config() -> None:
    user, system = configuration_file.default_files({"HOME": "/home/pi"})
    assert (user, system) == (Path("/home/pi/.config/edge-ser/config.toml"), Path("/etc/edge-ser.toml"))


def test_the_starter_file_is_valid_and_explains_every_setting(file: Path) -> None:
    text = load().to_toml()
    file.write_text(text)
    assert load(file).settings == Settings()
    for name, explanation in configuration.explanations().items():
        assert f"# {explanation}\n#{name} = " in text


def test_each_line_of_the_starter_file_can_be_taken_as_it_is_but_for_placeholders(file: Path) -> None:
    lines = [line[1:] for line in load().to_toml().splitlines() if line.startswith("#") and line[1] != " "]
    assert len(lines) == len(configuration.fields())
    for line in lines:
        file.write_text(line)
        name = line.split(" = ")[0]
        assert load(file).origins[name].kind == "file"


def test_every_setting_is_explained_and_of_a_type_that_file_environment_and_flags_can_give() -> None:
    assert set(configuration.explanations()) == set(configuration.fields())
    for declared in configuration.fields().values():
        assert describe(declared)
        assert example_of(declared)


def test_the_settings_name_the_runtimes_that_there_are() -> None:
    (literal,) = kinds(configuration.fields()["backend"])
    assert literal.__args__ == tuple(BACKENDS)
    assert configuration.variable_of("backend") == BACKEND_VARIABLE


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))
values = st.one_of(
    st.tuples(texts, st.just(str)),
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.just(int)),
    st.tuples(st.floats(allow_nan=False), st.just(float | None)),
    st.tuples(st.booleans(), st.just(bool)),
    st.tuples(st.lists(texts).map(tuple), st.just(tuple[str, ...])),
    st.tuples(st.sampled_from(["a", "b"]), st.just(Literal["a", "b"])),
)


@given(values)
def test_a_value_written_as_toml_is_read_as_the_same(value: Any) -> None:
    tomllib = pytest.importorskip("tomllib", reason="in the standard library from Python 3.11")
    written, declared = value
    assert from_toml(tomllib.loads(f"x = {to_toml(written)}")["x"], declared) == written


@given(st.one_of(st.tuples(st.integers(), st.just(int)), st.tuples(st.floats(allow_nan=False), st.just(float | None))))
def test_a_number_as_text_is_read_as_the_same(value: Any) -> None:
    written, declared = value
    assert from_text(str(written), declared) == written


@pytest.mark.parametrize(("text", "expected"), [("yes", True), ("ON", True), ("1", True), ("false", False)])
def test_yes_and_no_may_be_said_in_several_ways(text: str, expected: bool) -> None:
    assert from_text(text, bool) is expected


@pytest.mark.parametrize(("text", "declared"), [("maybe", bool), ("1.5", int), ("c", Literal["a", "b"]), ("", float)])
def test_text_of_another_kind_is_refused(text: str, declared: Any) -> None:
    with pytest.raises(ValueError, match=describe(declared)):
        from_text(text, declared)


def test_a_union_takes_what_any_of_its_types_takes() -> None:
    assert from_text("mix", int | Literal["mix"]) == "mix"
    assert from_text("2", int | Literal["mix"] | None) == 2


def test_a_library_user_is_touched_by_neither_file_nor_environment(file: Path) -> None:
    file.write_text("threads = 3\n")
    script = "from edge_ser import Settings; print(Settings().threads)"
    environment = {**os.environ, "EDGE_SER_CONFIG": str(file), "EDGE_SER_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
