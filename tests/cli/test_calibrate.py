"""`edge-ser calibrate`: from ordinary speech to `listen --speaker NAME`."""

from __future__ import annotations

import os
from pathlib import Path

from cli.command import is_one_error, run

from edge_ser.recordings import DEMO


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_DATA_HOME": str(folder)}


def test_somebody_is_enrolled_listed_used_and_forgotten(tmp_path: Path) -> None:
    env = environment(tmp_path)
    enrolled = run("calibrate", "--speaker", "Anna", "--source", DEMO, "--seconds", "6", env=env)
    assert enrolled.returncode == 0, enrolled.stderr
    assert enrolled.stdout.startswith("Anna: 6 s of speech, kept in ")
    assert run("calibrate", "--list", env=env).stdout == "Anna\n"
    plain, known = (run("classify", DEMO, "--json", *more, env=env) for more in ((), ("--speaker", "Anna")))
    assert known.returncode == 0, known.stderr
    assert known.stdout != plain.stdout
    assert run("calibrate", "--speaker", "Anna", "--forget", env=env).returncode == 0
    assert run("calibrate", "--list", env=env).stdout == ""
    gone = run("classify", DEMO, "--speaker", "Anna", env=env)
    assert gone.returncode == 2
    assert is_one_error(gone.stderr)


def test_what_cannot_be_is_told_before_anybody_speaks(tmp_path: Path) -> None:
    for arguments in (
        [],
        ["--speaker", "../Anna"],
        ["--speaker", "Anna", "--source", str(tmp_path / "none.wav")],
        ["--speaker", "Anna", "--source", str(DEMO), "--seconds", "0"],
        ["--speaker", "Anna", "--forget"],
    ):
        refused = run("calibrate", *arguments, env=environment(tmp_path))
        assert refused.returncode == 2, arguments
        assert is_one_error(refused.stderr), refused.stderr
