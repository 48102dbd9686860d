"""sd_notify over a real socket: systemd hears of what goes forward, and of nothing else."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli.command import PROGRAM, REPOSITORY, finish, is_one_error, start
from integrations.service_manager import service_manager
from speech import demo

from edge_ser.events import Event, Flags, State
from edge_ser.integrations.systemd import AWAY, LISTENING, MUTED, Manager, Watchdog, manager_of, watched
from edge_ser.recordings import DEMO

STALLED_SECONDS = 1.5  # a ping is due every quarter of WATCHDOG_SECONDS
WATCHDOG_SECONDS = 1.0

CONFINED = Path(__file__).parent / "confined.py"


def event(time: float, state: State = "no_speech") -> Event:
    return Event(time, state, None, {"neutral": 1.0}, 1.0, 0.0, 0.0, False, 0.0, 0.0, -60.0, Flags())


def told(events: list[Event], watchdog_seconds: float = 4.0) -> list[dict[str, str]]:
    """Return the messages about these events, of which each comes at its own time, in seconds."""
    now = SimpleNamespace(time=0.0)

    def at_their_times() -> Iterator[Event]:
        for each in events:
            now.time += 0.5
            yield each

    with service_manager(watchdog_seconds) as manager:
        passed = list(watched(at_their_times(), manager_of(manager.environment), lambda: now.time))
        assert passed == events
        return list(manager.messages(timeout=0.01))


def test_the_first_audio_makes_it_ready_and_each_more_a_ping_in_time():
    messages = told([event(0.08), event(0.16), event(0.24), event(0.32)])  # half a second between them
    assert messages == [
        {"READY": "1", "STATUS": LISTENING, "WATCHDOG": "1"},
        {"WATCHDOG": "1"},  # a second later, a quarter of the timeout
        {"STOPPING": "1"},
    ]


def test_events_without_new_audio_are_no_progress():
    messages = told([event(0.08)] + 20 * [event(0.08)])
    assert [message for message in messages if "WATCHDOG" in message] == messages[:1]


def test_a_lost_microphone_that_is_looked_for_is_alive_but_not_ready():
    away = [event(1.0 * second, "mic_lost") for second in range(1, 5)]
    assert told(away) == [{"STATUS": AWAY, "WATCHDOG": "1"}, {"WATCHDOG": "1"}, {"STOPPING": "1"}]
    messages = told([event(0.08), *away, event(9.0)])
    assert [message["STATUS"] for message in messages if "STATUS" in message] == [LISTENING, AWAY, LISTENING]
    assert [message for message in messages if "READY" in message] == messages[:1]


def test_where_the_clock_of_the_stream_begins_again_it_is_progress():
    assert told([event(5.0), event(0.08), event(0.16)])[1] == {"WATCHDOG": "1"}


def test_who_is_muted_is_alive_and_ready():
    now = SimpleNamespace(time=0.0)
    with service_manager(4.0) as manager:
        watchdog = Watchdog(manager_of(manager.environment), lambda: now.time)
        for _ in range(3):
            watchdog.muted()
            now.time += 0.5
        watchdog.note(event(0.08))
        watchdog.close()
        assert list(manager.messages(timeout=0.01)) == [
            {"READY": "1", "STATUS": MUTED, "WATCHDOG": "1"},
            {"WATCHDOG": "1"},
            {"STATUS": LISTENING},
            {"STOPPING": "1"},
        ]


def test_an_abstract_socket_is_told_too():
    with service_manager(abstract=True) as manager:
        list(watched([event(0.08)], manager_of(manager.environment)))
        assert manager.wait_for("STOPPING")[0]["READY"] == "1"


@pytest.mark.parametrize(
    ("environment", "watchdog_seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),  # a parent's own
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_pings_are_for_the_process_that_was_meant(environment, watchdog_seconds):
    manager = manager_of({"NOTIFY_SOCKET": "/run/systemd/notify", **environment})
    assert manager is not None
    assert manager.watchdog_seconds == watchdog_seconds
    manager.close()


@pytest.mark.parametrize("address", ["", "relative/socket", "vsock:2:1234"])
def test_without_a_manager_that_is_understood_nothing_is_told(address):
    assert manager_of({"NOTIFY_SOCKET": address}) is None
    assert list(watched([event(0.08)], None)) == [event(0.08)]


def test_a_manager_that_is_gone_or_does_not_listen_holds_nothing_up(tmp_path):
    gone = Manager(str(tmp_path / "nobody"), 1e-6)
    assert len(list(watched(map(event, range(1, 100)), gone))) == 99
    with service_manager(1e-6) as manager:  # nobody reads: the kernel keeps some messages, then no more
        assert len(list(watched(map(event, range(1, 5000)), manager_of(manager.environment)))) == 4999


def test_a_real_stall_ends_the_pings_and_its_end_brings_them_back():
    """Audio stops in the middle of the stream, as with a driver that neither gives samples nor fails."""
    second = demo()[:16000].tobytes()
    with service_manager(WATCHDOG_SECONDS) as manager:
        process = start("listen", "--source", "-", env=manager.environment, stdin=subprocess.PIPE, text=False)
        process.stdin.write(second)
        process.stdin.flush()
        assert manager.wait_for("READY")
        list(manager.messages(timeout=STALLED_SECONDS))  # what it still had
        assert list(manager.messages(timeout=STALLED_SECONDS)) == []
        process.stdin.write(second)
        process.stdin.flush()
        assert "WATCHDOG" in next(manager.messages())
        process.terminate()
        assert manager.wait_for("STOPPING")
        finish(process)
    assert process.returncode == 143


def test_a_reader_of_events_who_is_stuck_ends_the_pings():
    with service_manager(WATCHDOG_SECONDS) as manager:
        environment = manager.environment
        process = start("listen", "--source", "-", "--json", env=environment, stdin=subprocess.PIPE, text=False)
        os.set_blocking(process.stdin.fileno(), False)
        silence = bytes(65536)
        assert manager.wait_for("READY") if process.stdin.write(silence) else None
        stuck = False
        while not stuck:  # nobody reads stdout: when that pipe is full, so is soon the one to stdin
            _, writable, _ = select.select([], [process.stdin], [], STALLED_SECONDS)
            stuck = not writable
            if writable:
                os.write(process.stdin.fileno(), silence[:4096])
        list(manager.messages(timeout=STALLED_SECONDS))
        assert list(manager.messages(timeout=STALLED_SECONDS)) == []
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.stderr.close()
        process.wait(10)


def test_a_service_without_a_microphone_fails_and_plays_no_recording(tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    with service_manager() as manager:
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        process = start("listen", env={**manager.environment, "PYTHONPATH": path})
        out, error = finish(process)
        assert (process.returncode, out) == (2, "")
        assert "PortAudio is missing" in error
        assert list(manager.messages(timeout=0.01)) == []


def test_what_systemd_sends_to_a_dead_service_says_where_it_hung():
    process = start("listen", "--source", "-", env={**os.environ, "PYTHONFAULTHANDLER": "1"}, stdin=subprocess.PIPE)
    process.stdin.buffer.write(demo()[:16000].tobytes())
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGABRT)
    _, error = finish(process)
    assert process.returncode == -signal.SIGABRT
    assert "in _listen" in error


def test_a_microphone_that_goes_away_is_waited_for_with_pings(virtual_microphone):
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(demo(), loop=True),
        service_manager(WATCHDOG_SECONDS) as manager,
    ):
        environment = {**microphone.environment, **changed(manager.environment)}
        process = start("listen", "--device", "virtmic", env=environment)
        manager.wait_for("READY")
        microphone.unplug()
        manager.wait_for("STATUS", AWAY)
        assert "WATCHDOG" in next(manager.messages())
        microphone.plug()
        manager.wait_for("STATUS", LISTENING)
        process.terminate()
        manager.wait_for("STOPPING")
        finish(process)


HANGS_SOON = """
import sys
from edge_ser.capture import reopening
reopening.HUNG_SECONDS = 2.0
from edge_ser.cli.main import main
sys.exit(main(["listen", "--device", "virtmic"]))
"""


def test_a_sound_server_that_hangs_ends_the_service(virtual_microphone):
    """PulseAudio is stopped in its tracks: PortAudio waits for it for ever."""
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(demo(), loop=True),
        service_manager(WATCHDOG_SECONDS) as manager,
    ):
        environment = {**microphone.environment, **changed(manager.environment)}
        process = subprocess.Popen(
            [sys.executable, "-c", HANGS_SOON],
            cwd=REPOSITORY,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        manager.wait_for("READY")
        os.kill(microphone.pid, signal.SIGSTOP)
        try:
            manager.wait_for("STOPPING")
            _, error = finish(process)
        finally:
            os.kill(microphone.pid, signal.SIGCONT)
        assert process.returncode == 2
        assert "PortAudio does not let go" in error


def changed(environment: dict[str, str]) -> dict[str, str]:
    """Return what a service manager adds to the environment."""
    return {name: environment[name] for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC")}


@pytest.fixture
def unit(tmp_path, can_confine) -> Path:
    """The unit that `edge-ser service show` prints."""
    file = tmp_path / "edge-ser.service"
    shown = subprocess.run(
        [*PROGRAM, "service", "show", "--", "listen"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    file.write_text(shown.stdout)
    return file


def test_the_confinement_of_these_tests_is_one(unit):
    tries = """
import os, socket
for forbidden in (socket.socket, lambda: os.setuid(5), lambda: os.nice(-1)):
    try:
        forbidden()
    except PermissionError:
        print("refused")
"""
    command = [sys.executable, str(CONFINED), str(unit), sys.executable, "-c", tries]
    assert subprocess.run(command, capture_output=True, text=True).stdout.split() == 3 * ["refused"]


def test_student_and_microphone_live_with_what_the_unit_forbids(unit, virtual_microphone):
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(demo(), loop=True),
        service_manager(WATCHDOG_SECONDS) as manager,
    ):
        environment = {**microphone.environment, **changed(manager.environment)}
        process = start_confined(unit, "--device", "virtmic", env=environment)
        manager.wait_for("READY")
        while "valence" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        process.terminate()
        manager.wait_for("STOPPING")
        _, error = finish(process)
    assert (process.returncode, error) == (143, "")


def test_memory_that_is_written_or_run_but_not_both_is_enough_for_the_runtime_and_not_for_portaudio(
    unit, virtual_microphone
):
    """Why the unit does without MemoryDenyWriteExecute, and what somebody is told who adds it."""
    unit.write_text(unit.read_text() + "MemoryDenyWriteExecute=yes\n")
    out, error = finish(start_confined(unit, "--source", str(DEMO), "--fast"))
    assert "valence" in out
    assert error == ""
    with virtual_microphone(16000, 1) as microphone:
        process = start_confined(unit, "--device", "virtmic", env=microphone.environment)
        _, error = process.communicate(timeout=60)  # where it does without, it listens for ever
    assert is_one_error(error)
    assert "MemoryDenyWriteExecute" in error


def start_confined(unit: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start `listen` under what the unit forbids."""
    return subprocess.Popen(
        [sys.executable, str(CONFINED), str(unit), *PROGRAM, "listen", *arguments],
        cwd=REPOSITORY,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
