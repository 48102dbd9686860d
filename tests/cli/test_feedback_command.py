"""`edge-ser feedback`: corrects what a running `serve` decided last; lists, exports and deletes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.command import is_one_error, run
from integrations.page.served import Served, served

from edge_ser.cli.main import main
from edge_ser.feedback import CONSENT_TEXT, read_export

WAIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that has decided something."""
    pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")
    with served(tmp_path_factory.mktemp("data"), "--source", "demo", "--feedback") as running:
        deadline = time.monotonic() + WAIT_SECONDS
        while running.ask("POST", "/feedback/about")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield running


@pytest.fixture(autouse=True)
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = request.getfixturevalue("server") if "server" in request.fixturenames else None
    monkeypatch.setenv("XDG_DATA_HOME", str(server.data if server else tmp_path))


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    assert main(["feedback", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["feedback", *map(str, arguments)]) == 2
    told = capsys.readouterr().err
    assert is_one_error(told)
    return told


def test_from_the_last_decision_to_a_file_for_training_and_to_nothing(
    server: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = printed(capsys, "--url", server.url, "--label", "sad")
    assert line.endswith("sad, kept without features")
    (line,) = printed(capsys, "--url", server.url, "--label", "happy", "--consent")
    assert line.endswith("happy, kept with the features of the utterance")
    listed = printed(capsys, "--list")
    assert [each.endswith("-> happy  with features") for each in sorted(listed, key=len)] == [False, True]
    assert len(printed(capsys, "--list", "--json")) == 2
    printed(capsys, "--export", tmp_path / "export.jsonl")
    exported = read_export(tmp_path / "export.jsonl")
    assert {each.label: each.heard is not None for each in exported} == {"sad": False, "happy": True}
    printed(capsys, "--delete", listed[0].split()[0])
    assert printed(capsys, "--list") == listed[1:]
    printed(capsys, "--delete", "all")
    assert printed(capsys, "--list") == []


def test_an_unknown_label_is_refused_with_those_that_there_are(server: Served, capsys) -> None:
    assert "neutral, happy, sad" in error_of(capsys, "--url", server.url, "--label", "furious")


def test_where_corrections_are_not_taken_the_cure_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")
    with served(tmp_path, "--source", "demo", "--muted") as deaf:
        assert "serve --feedback" in error_of(capsys, "--url", deaf.url, "--label", "sad")
    assert "edge-ser serve" in error_of(capsys, "--url", deaf.url, "--label", "sad")


@pytest.mark.parametrize("url", ["nonsense", "file:///etc", "http://[", "http://127.0.0.1:1/"])
def test_a_url_where_nothing_is_is_one_error(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--url" in error_of(capsys, "--url", url, "--label", "sad")


def test_what_one_agrees_to_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--consent-text") == [f"{CONSENT_TEXT} (version 1)"]


def test_one_damaged_correction_hides_no_other(server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "--url", server.url, "--label", "sad")
    damaged = server.data / "edge-ser" / "feedback" / "20200101T000000-00000000.json"
    damaged.write_text("{")
    assert main(["feedback", "--list"]) == 0
    out, error = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "--delete 20200101T000000-00000000" in error
    assert "--delete 20200101T000000-00000000" in error_of(capsys, "--export", server.data / "export.jsonl")
    printed(capsys, "--delete", "20200101T000000-00000000")
    printed(capsys, "--delete", "all")


def test_help_says_that_audio_is_never_kept() -> None:
    assert "audio never is" in run("feedback", "--help").stdout


def test_nothing_to_do_is_an_error() -> None:
    done = run("feedback")
    assert done.returncode == 2
    assert json.dumps("--label")[1:-1] in done.stderr
