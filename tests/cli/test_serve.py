"""`edge-ser serve`: what it refuses to serve, and that it ends when it is told to; see also tests/integrations/page."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cli.command import is_one_error, run
from integrations.page.served import served

from edge_ser.cli.main import main
from edge_ser.recordings import DEMO


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["serve", *map(str, arguments)]) == 2
    told = capsys.readouterr().err
    assert is_one_error(told)
    return told


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.20", "::", "kiosk.local"])
def test_elsewhere_there_is_no_page_without_a_token(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = error_of(capsys, "--address", address, "--source", "demo")
    assert "no token" in told
    assert "--token-file FILE" in told


@pytest.mark.parametrize("token", ["", "short", "with spaces in it all", 'quotes"quotes"quotes"', "émisémisémisémis"])
def test_a_token_that_could_be_guessed_or_garbled_is_refused(token: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "token").write_text(token)
    assert "token_urlsafe" in error_of(capsys, "--token-file", tmp_path / "token", "--source", "demo")


def test_the_cure_makes_a_token_that_is_taken(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")
    make = "import secrets; print(secrets.token_urlsafe())"
    made = subprocess.run([sys.executable, "-c", make], check=True, capture_output=True, text=True).stdout
    (tmp_path / "token").write_text(made)
    arguments = ("--source", "demo", "--muted", "--address", "0.0.0.0", "--token-file", tmp_path / "token")
    with served(tmp_path, *arguments) as server:
        assert server.ask("GET", "/state")[0] == 401
        assert server.ask("GET", "/state", headers={"Authorization": f"Bearer {made.strip()}"})[0] == 200


def test_a_pipe_is_refused_for_it_cannot_be_muted(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be muted" in error_of(capsys, "--source", "-")


def test_a_folder_without_a_page_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "index.html" in error_of(capsys, "--page", tmp_path, "--source", "demo")


def test_a_port_that_is_taken_is_an_error_with_a_cure(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "--port" in error_of(capsys, "--port", taken.getsockname()[1], "--source", "demo")
    error_of(capsys, "--port", 70000, "--source", "demo")


def test_a_file_that_is_none_ends_it_before_there_is_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")
    (tmp_path / "talk.wav").write_bytes(b"no audio")
    assert "talk.wav" in error_of(capsys, "--source", tmp_path / "talk.wav", "--port", 0)


def test_without_the_extra_the_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(\"No module named 'uvicorn'\", name='uvicorn')\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from edge_ser.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", script, "serve", "--source", "demo"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert is_one_error(done.stderr)
    assert "edge-ser[serve]" in done.stderr


def test_listen_plays_the_embedded_recording_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "--source", "demo", "--fast", "--json"]) == 0
    by_name = capsys.readouterr().out.splitlines()[:-1]
    assert main(["listen", "--source", str(DEMO), "--fast", "--json"]) == 0
    assert by_name == capsys.readouterr().out.splitlines()[:-1]


def test_the_stream_says_what_listen_says(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")
    done = run("listen", "--source", "demo", "--fast", "--json")
    expected = {event["time"]: event for event in map(json.loads, done.stdout.splitlines()[:-1])}
    with served(tmp_path, "--source", "demo", "--muted") as server, server.stream() as messages:
        kind, start = next(messages)
        assert (kind, start["capture"]["state"], start["feedback"]) == ("start", "muted", None)
        server.json("POST", "/unmute")
        heard = [said for _, (kind, said) in zip(range(30), messages, strict=False) if kind == "hear"]
    assert len(heard) > 20
    for said in heard:
        assert said.pop("at") > 1e9
        assert said == expected[said["time"]]
