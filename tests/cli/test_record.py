"""`edge-ser record`: no sound is kept before somebody has agreed to the text."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from pathlib import Path

import pytest
from cli.command import PROGRAM, REPOSITORY, is_one_error

from edge_ser.cli.main import main
from edge_ser.recordings import DEMO


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "edge-ser" / "recordings"


def record(*arguments: str) -> int:
    return main(["record", "--source", str(DEMO), "--seconds", "0.5", *arguments])


def test_with_a_name_it_records_says_until_when_and_can_be_deleted(store, capsys) -> None:
    assert record("--consent-given-by", "A. Person", "--retention-days", "2") == 0
    out, error = capsys.readouterr()
    assert "for 2 days" in error
    (path,) = store.glob("*.wav")
    assert out.startswith(f"{path}, kept until ")
    assert main(["record", "--list"]) == 0
    assert re.fullmatch(rf"{path.stem}  until [\d-]+ [\d:]+ UTC  A. Person\n", capsys.readouterr().out)
    assert main(["record", "--delete", path.stem]) == 0
    assert list(store.glob("2*")) == []


@pytest.mark.parametrize("arguments", [[], ["--consent-given-by", " "], ["--consent-given-by", "A", "--seconds", "-1"]])
def test_without_consent_or_with_an_impossible_wish_nothing_is_kept(arguments, store, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: PTH123, SIM115
    assert record(*arguments) == 2
    assert is_one_error(capsys.readouterr().err.splitlines(keepends=True)[-1])
    assert not store.exists()


@pytest.mark.parametrize(("typed", "status"), [("A. Person\n", 0), ("\n", 2)])
def test_at_a_terminal_the_name_is_typed(typed, status, store) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "record", "--source", DEMO, "--seconds", "0.5"],
        cwd=REPOSITORY,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, typed.encode())
    out, error = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == status, error
    assert "Type your name to agree" in out + error
    assert len(list(store.glob("*.wav"))) == (status == 0)


def test_whatever_it_is_called_for_it_first_deletes_what_has_expired(store, capsys) -> None:
    for arguments in (["--purge"], ["--list"], ["--consent-text"]):
        assert record("--consent-given-by", "A", "--retention-days", "0.0000001") == 0
        capsys.readouterr()
        time.sleep(0.02)  # its time is over after 9 ms
        assert main(["record", *arguments]) == 0
        assert "deleted" in capsys.readouterr().err
        assert list(store.glob("2*")) == []
