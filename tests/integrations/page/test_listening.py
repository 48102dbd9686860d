"""Muting closes the source, at once and for good, until somebody unmutes; a page is never told anything else."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from integrations.page.served import served
from speech import demo

from edge_ser import Recognizer, Settings
from edge_ser.capture.source import Block, Source, open_source
from edge_ser.errors import AudioFileError
from edge_ser.integrations.page.listening import Listening
from edge_ser.integrations.systemd import Manager, Watchdog
from edge_ser.recordings import DEMO

WAIT_SECONDS = 60.0  # the machine may be busy


class Log:
    """What was published, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, said: dict[str, Any]) -> None:
        self.told.append((kind, said))

    def states(self) -> list[str]:
        return [said["state"] for kind, said in self.told if kind == "capture"]


class Watched(Source):
    """The embedded recording in real time, as often as it lasts; says whether it is open."""

    def __init__(self) -> None:
        self._source = open_source(DEMO, realtime=True)
        self.name, self.sample_rate, self.open, self.read_after_close = "demo", self._source.sample_rate, True, False

    def read(self) -> Block | None:
        self.read_after_close |= not self.open
        return self._source.read()

    def close(self) -> None:
        self.open = False
        self._source.close()


def until(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def stage():
    """Give a `Listening` on watched sources, with all that were opened and what was published."""
    opened: list[Watched] = []
    log = Log()

    def open_watched() -> tuple[Source, str]:
        opened.append(Watched())
        return opened[-1], "demo"

    recognizer = Recognizer(settings=Settings(feedback=True))
    listening = Listening(recognizer, open_watched, log)
    yield listening, opened, log, recognizer
    with suppress(RuntimeError):
        listening.stop()


def test_on_return_from_mute_the_source_is_closed_and_nothing_more_is_heard(stage) -> None:
    listening, opened, log, _ = stage
    listening.start()
    until(lambda: len(log.told) > 20)
    listening.mute()
    assert not opened[0].open
    assert listening.capture.state == "muted"
    told = len(log.told)
    time.sleep(0.3)
    assert len(log.told) == told
    assert not opened[0].read_after_close
    assert log.told[-1][1]["state"] == "muted"


def test_muting_forgets_what_was_heard(stage) -> None:
    listening, _, _, recognizer = stage
    listening.start()
    until(lambda: recognizer.last_utterance() is not None)
    listening.mute()
    assert recognizer.last_utterance() is None
    assert recognizer._free == []  # no front end, no network with a history


def test_unmuting_opens_a_new_source_that_begins_at_its_beginning(stage) -> None:
    listening, opened, log, _ = stage
    listening.start()
    until(lambda: len(log.told) > 5)
    listening.mute()
    listening.unmute()
    until(lambda: len(opened) == 2 and log.told[-1][0] == "hear")
    assert log.states() == ["listening", "muted", "listening"]
    again = [said["time"] for kind, said in log.told if kind == "hear"]
    assert again.count(0.08) == 2


def test_it_begins_muted_where_it_is_told_to(stage) -> None:
    listening, opened, log, _ = stage
    listening.start(muted=True)
    time.sleep(0.1)
    assert (opened, log.told) == ([], [])
    listening.unmute()
    until(lambda: opened)


def test_many_who_mute_and_unmute_at_once_end_in_silence(stage) -> None:
    listening, opened, _, _ = stage
    listening.start()

    def press() -> None:
        for _ in range(3):
            listening.mute()
            listening.unmute()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listening.mute()
    assert not any(source.open for source in opened)
    assert listening.capture.state in ("muted", "failed")
    assert listening.capture.problem == ""


def test_a_recording_ends_and_can_be_played_again() -> None:
    log = Log()
    listening = Listening(Recognizer(), lambda: (open_source(DEMO), "demo"), log)
    listening.start()
    until(lambda: log.states()[-1:] == ["ended"])
    heard = [said for kind, said in log.told if kind == "hear"]
    listening.unmute()
    until(lambda: log.states() == ["listening", "ended"] * 2)
    again = [said for kind, said in log.told if kind == "hear"][len(heard) :]
    assert [said["probabilities"] for said in again] == [said["probabilities"] for said in heard]
    assert len(heard) == -(-len(demo()) // 1280)
    listening.stop()


def test_a_source_that_cannot_be_opened_is_told_with_its_cure_and_can_be_tried_again() -> None:
    log = Log()
    able = threading.Event()

    def open_sometimes() -> tuple[Source, str]:
        if not able.is_set():
            raise AudioFileError("It is not there", "Bring it")
        return open_source(DEMO), "demo"

    listening = Listening(Recognizer(), open_sometimes, log)
    listening.start(muted=True)
    listening.unmute()
    until(lambda: log.states() == ["failed"])
    assert listening.capture.problem == "It is not there. Bring it."
    able.set()
    listening.unmute()
    until(lambda: log.states() == ["failed", "listening", "ended"])
    listening.stop()


def test_a_fault_of_the_program_does_not_leave_a_page_that_says_it_listens() -> None:
    log = Log()

    class Faulty(Watched):
        def read(self) -> Block | None:
            raise ZeroDivisionError("of all things")

    listening = Listening(Recognizer(), lambda: (Faulty(), "demo"), log)
    listening.start()
    until(lambda: log.states() == ["listening", "failed"])
    assert "ZeroDivisionError" in listening.capture.problem
    listening.stop()


def test_the_microphone_is_let_go_by_the_sound_server_while_it_is_muted(virtual_microphone, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")

    with virtual_microphone(16000, 1) as microphone, microphone.playing(demo(), loop=True):

        def recorders() -> str:
            """Return the programs that record from the sound server now."""
            command = ["pactl", "list", "short", "source-outputs"]
            return subprocess.run(
                command, env=microphone.environment, check=True, capture_output=True, text=True
            ).stdout

        with served(tmp_path, "--device", "virtmic", environment=microphone.environment) as server:
            with server.stream() as messages:
                until(lambda: next(messages)[0] == "hear")
            assert recorders()
            assert json.loads(server.ask("GET", "/state")[2])["capture"]["microphone"] is True
            assert server.json("POST", "/mute")["state"] == "muted"
            assert recorders() == ""
            server.json("POST", "/unmute")
            until(recorders)


def test_a_service_manager_is_told_that_it_listens_and_that_it_is_muted(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(WAIT_SECONDS)
        watchdog = Watchdog(Manager(str(tmp_path / "notify"), watchdog_seconds=0.4))
        source = Watched()
        listening = Listening(Recognizer(), lambda: (source, "demo"), Log(), watchdog)
        listening.start()
        try:
            assert b"READY=1\nSTATUS=listening\nWATCHDOG=1" in manager.recv(1000)
            listening.mute()
            while b"STATUS=muted" not in manager.recv(1000):
                pass
            assert manager.recv(1000) == b"WATCHDOG=1"  # and again, for it is alive
        finally:
            listening.stop()
            watchdog.close()
