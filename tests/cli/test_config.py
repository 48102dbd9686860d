"""`edge-ser config`, and the flags that every command that recognises has."""

from __future__ import annotations

import json
import os

import pytest
from cli.command import is_one_error, run

from edge_ser.cli.main import main
from edge_ser.configuration import fields
from edge_ser.recordings import DEMO


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "edge-ser.toml"
    path.write_text("uncertain_below = 1.0\n")
    return path


def test_it_shows_each_value_and_where_it_comes_from(file, monkeypatch, capsys):
    monkeypatch.setenv("EDGE_SER_HYSTERESIS", "0.25")
    assert main(["config", "--config", str(file), "--threads", "2"]) == 0
    head, _, *rows, _, model = capsys.readouterr().out.splitlines()
    assert str(file) in head
    shown = {row.split()[0]: row.split(maxsplit=1)[1] for row in rows}
    assert set(shown) == set(fields())
    assert shown["threads"].split() == ["2", "flag", "--threads"]
    assert shown["hysteresis"].split() == ["0.25", "environment", "EDGE_SER_HYSTERESIS"]
    assert shown["uncertain_below"].split(maxsplit=1) == ["1.0", f"file {file}"]
    assert shown["model"].split() == ["not", "set", "default"]
    assert model.startswith("model in use: default ")
    assert "(shipped, " in model


def test_without_a_file_it_says_where_it_looked(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("EDGE_SER_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["config"]) == 0
    assert f"{tmp_path}/edge-ser/config.toml" in capsys.readouterr().out


def test_json_is_an_object_a_setting(file, capsys):
    assert main(["config", "--json", "--config", str(file)]) == 0
    lines = {line["name"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert set(lines) == set(fields())
    assert lines["uncertain_below"] == {
        "name": "uncertain_below",
        "value": 1.0,
        "origin": "file",
        "place": str(file),
    }


def test_what_toml_prints_can_be_read_again(file, tmp_path, capsys):
    asked = ["--config", str(file), "--device", 'the "USB" one']
    assert main(["config", *asked, "--toml"]) == 0
    again = tmp_path / "again.toml"
    again.write_text(capsys.readouterr().out)
    assert main(["config", "--config", str(again), "--json"]) == 0
    values = {line["name"]: line["value"] for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (values["device"], values["uncertain_below"]) == ('the "USB" one', 1.0)


@pytest.mark.parametrize("command", [["config"], ["classify", str(DEMO)], ["listen", "--source", str(DEMO), "--fast"]])
def test_a_bad_file_is_one_error_for_every_command(command, file, capsys):
    file.write_text("treads = 2\n")
    assert main([*command, "--config", str(file)]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert is_one_error(error), error
    assert "Write threads" in error


def test_file_environment_and_flags_reach_the_decisions(file, capsys):
    def state(*arguments):
        assert main(["classify", "--json", *arguments, str(DEMO)]) == 0
        return json.loads(capsys.readouterr().out)["state"]

    assert state("--config", str(file)) == "uncertain"
    assert state("--config", str(file), "--uncertain-below", "0") == "emotion"
    ended = run("classify", "--json", DEMO, env={**os.environ, "EDGE_SER_UNCERTAIN_BELOW": "1"})
    assert json.loads(ended.stdout)["state"] == "uncertain"


def test_listen_takes_them_too(file, capsys):
    assert main(["listen", "--source", str(DEMO), "--fast", "--json", "--config", str(file)]) == 0
    states = {json.loads(line).get("state") for line in capsys.readouterr().out.splitlines()}
    assert "uncertain" in states
    assert "emotion" not in states


def test_the_configured_microphone_is_for_when_no_source_is_named(file, capsys):
    file.write_text('device = "no such microphone"\n')
    assert main(["listen", "--source", str(DEMO), "--fast", "--config", str(file)]) == 0
    assert main(["listen", "--config", str(file)]) == 2
    assert is_one_error(capsys.readouterr().err)
