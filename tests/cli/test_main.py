"""The command as a whole: versions, wrong arguments, and streams that are closed, full, or not text."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.command import is_one_error, run

from edge_ser.cli.main import main
from edge_ser.cli.program import build_parser
from edge_ser.recordings import DEMO
from edge_ser.student.model_file import BUNDLED

NOBODY = 65534  # the user who owns nothing


def test_the_version_is_told_without_loading_numpy():
    ended = run("--version", env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"})
    assert ended.returncode == 0
    assert ended.stdout.startswith("edge-ser ")
    assert "| edge_ser.cli" in ended.stderr
    for module in ("numpy", "sounddevice", "tflite_runtime", "ai_edge_litert"):
        assert f" {module}\n" not in ended.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["listne"], ["classify"], ["listen", "--rate", "fast"], ["model"], ["--jsno"]]
)
def test_wrong_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["listen", "classify", "publish", "devices", "doctor", "config", "model", "schema"])
def test_each_command_explains_itself_in_80_columns(command, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"edge-ser {command}" in capsys.readouterr().out


def test_the_exit_status_is_documented():
    text = build_parser().format_help()
    for status in ("0", "2", "130", "143"):
        assert f" {status} " in text


def test_a_full_disk_is_one_error():
    with Path("/dev/full").open("w") as full:
        ended = run("model", "show", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert ended.returncode == 2
    assert is_one_error(ended.stderr), ended.stderr


def test_closed_streams_are_no_reason_to_crash():
    quiet = {"capture_output": False, "stdin": subprocess.DEVNULL}
    assert run("classify", DEMO, **quiet, preexec_fn=lambda: (os.close(1), os.close(2))).returncode == 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_file_that_may_not_be_read_is_one_error(open_folder, capsys):
    secret, model = open_folder / "secret.wav", open_folder / "model.tflite"
    secret.write_bytes(DEMO.read_bytes())
    secret.chmod(0)
    model.write_bytes(BUNDLED.read_bytes())
    arguments = ["classify", "--model", str(model)]
    assert main([*arguments, str(DEMO)]) == 0  # loads what another user might not be allowed to
    capsys.readouterr()
    root = os.geteuid() == 0
    if root:  # who may read everything
        os.seteuid(NOBODY)
    try:
        status = main([*arguments, str(secret)])
    finally:
        if root:
            os.seteuid(0)
    error = capsys.readouterr().err
    assert status == 2
    assert is_one_error(error), error
    assert "chmod" in error
