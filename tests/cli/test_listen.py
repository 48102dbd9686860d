"""`edge-ser listen`: events as they come, from wherever, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from cli.command import finish, is_one_error, run, seconds_to_end, start
from cli.wav_files import speech, wav, write_bad

from edge_ser.cli.main import main
from edge_ser.recordings import DEMO

STOP_SECONDS = 0.2  # from the signal to the end of the process, of its own time and waiting
STOP_ATTEMPTS = 3  # of which one must keep to it: the machine may be busy with something else
STARTED_SECONDS = 120.0  # within which the first event must come


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def assert_ends_soon(number: signal.Signals, status: int, started: Callable[[], subprocess.Popen[str]]) -> None:
    """Start a process, send it the signal, and expect a clean end within STOP_SECONDS."""
    took = []
    while not took or (min(took) >= STOP_SECONDS and len(took) < STOP_ATTEMPTS):
        process = started()
        took.append(seconds_to_end(process, number))
        out, error = finish(process)
        # PortAudio's own thread writes these where a microphone is unplugged.
        ours = [line for line in error.splitlines() if not line.startswith("Expression")]
        assert (process.returncode, ours) == (status, [])
        assert "stats" in lines(out)[-1]
    assert min(took) < STOP_SECONDS, took


@pytest.fixture
def without_portaudio(tmp_path: Path) -> dict[str, str]:
    """Environment in which sounddevice does not find its library."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def test_a_file_gives_an_event_every_80_ms_and_what_it_cost(capsys):
    assert main(["listen", "--source", str(DEMO), "--fast", "--json"]) == 0
    *events, last = lines(capsys.readouterr().out)
    times = [event["time"] for event in events[:-1]]
    assert times == pytest.approx([0.08 * (i + 1) for i in range(len(times))], abs=1e-3)
    assert 0 < events[-1]["time"] - times[-1] <= 0.08  # what is left of the file
    assert {"no_speech", "warming_up"} < {event["state"] for event in events}
    for event in events:
        assert sum(event["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    stats = last["stats"]
    assert stats["steps"] == len(events)
    assert stats["audio_seconds"] == pytest.approx(events[-1]["time"], abs=1e-3)
    assert 0 < stats["step_ms_p50"] <= stats["step_ms_p95"] <= stats["step_ms_p99"]
    assert stats["step_ms_p95"] < 80
    names = ("overflows", "lost_seconds", "mic_losses", "mic_restorations", "away_seconds", "queue_seconds")
    assert [stats[name] for name in (*names, "queue_high_water_seconds")] == [0] * 7


def test_without_a_terminal_there_is_one_line_for_each_change(capsys):
    assert main(["listen", "--source", str(DEMO), "--fast"]) == 0
    said = [line.split(" s  ")[1].split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert said[0] == "nobody speaks"
    assert said.count("nobody speaks") >= 4  # before each phrase of the recording
    assert all(one != other for one, other in pairwise(said))


def test_a_pipe_of_raw_pcm_gives_the_events_of_the_file(tmp_path, capsys):
    ended = run("listen", "--source", "-", "--json", input=speech().tobytes(), text=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    file = tmp_path / "speech.wav"
    file.write_bytes(wav(speech().tobytes()))
    assert main(["listen", "--source", str(file), "--fast", "--json"]) == 0
    assert lines(ended.stdout.decode())[:-1] == lines(capsys.readouterr().out)[:-1]


def test_nothing_in_the_pipe_and_no_pipe_at_all_are_one_error():
    ended = run("listen", "--source", "-", input="")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert is_one_error(ended.stderr), ended.stderr
    ended = run("listen", "--source", "-", preexec_fn=lambda: os.close(0))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert is_one_error(ended.stderr), ended.stderr


def test_bad_files_are_one_error(tmp_path, capsys):
    for file in write_bad(tmp_path):
        assert main(["listen", "--fast", "--source", str(file)]) == 2, file
        error = capsys.readouterr().err
        assert is_one_error(error), error


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fast"],
        ["--device", "no such microphone"],
        ["--device", "default", "--source", str(DEMO)],
        ["--source", str(DEMO), "--rate", "8000"],
        ["--source", str(DEMO), "--channel", "0"],
        ["--source", str(DEMO), "--model", str(DEMO)],
    ],
)
def test_what_does_not_fit_together_is_one_error(arguments, capsys):
    assert main(["listen", *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert is_one_error(error), error


def test_without_portaudio_it_says_so_and_plays_the_recording_in_real_time(without_portaudio):
    process = start("listen", "--json", env=without_portaudio)
    first = json.loads(process.stdout.readline())
    began = time.monotonic()
    while json.loads(process.stdout.readline())["time"] < first["time"] + 0.79:
        pass
    took = time.monotonic() - began
    process.send_signal(signal.SIGTERM)
    _, error = finish(process)
    assert took > 0.5  # 0.8 s of audio; the first event may have come late
    assert error.startswith("edge-ser: The system library PortAudio is missing")
    assert "libportaudio2" in error
    assert error.count("\n") == 1


def test_a_microphone_that_was_named_is_not_replaced_by_the_recording(without_portaudio):
    ended = run("listen", "--device", "USB", env=without_portaudio)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert is_one_error(ended.stderr)
    assert ended.stderr.endswith("; `edge-ser doctor` looks for the reason.\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_soon_and_cleanly(number, status):
    def started():
        process = start("listen", "--source", DEMO, "--json")
        process.stdout.readline()
        return process

    assert_ends_soon(number, status, started)


def test_a_signal_while_modules_are_imported_is_a_quiet_death(tmp_path):
    # NumPy, for one, turns an exception at this moment into a page of advice.
    (tmp_path / "sounddevice.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    ended = run("listen", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_a_signal_ends_a_wait_for_the_pipe():
    def started():
        process = start("listen", "--source", "-", "--json", stdin=subprocess.PIPE)
        process.stdin.buffer.write(speech().tobytes())
        process.stdin.flush()
        process.stdout.readline()
        time.sleep(0.3)  # until it waits
        return process

    assert_ends_soon(signal.SIGTERM, 143, started)


def test_a_reader_who_leaves_ends_it_quietly():
    process = start("listen", "--source", DEMO, "--fast", "--json")
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(10) == 0
    process.stderr.close()


def test_a_real_microphone_is_listened_to(virtual_microphone):
    with virtual_microphone(16000, 1) as microphone:

        def started():
            process = start("listen", "--device", "virtmic", "--json", env=microphone.environment)
            deadline = time.monotonic() + STARTED_SECONDS
            with microphone.playing(speech()):
                while not json.loads(process.stdout.readline())["speech"]:
                    assert time.monotonic() < deadline
            return process

        assert_ends_soon(signal.SIGINT, 130, started)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_soon_while_the_microphone_is_away(virtual_microphone, number, status):
    with virtual_microphone(16000, 1) as microphone, microphone.playing(speech(), loop=True):

        def started():
            microphone.plug()
            process = start("listen", "--device", "virtmic", "--json", env=microphone.environment)
            process.stdout.readline()
            microphone.unplug()
            while json.loads(process.stdout.readline())["state"] != "mic_lost":
                pass
            return process

        microphone.unplug()
        assert_ends_soon(number, status, started)


def test_lines_tell_of_a_microphone_that_goes_and_comes_back(virtual_microphone):
    with virtual_microphone(16000, 1) as microphone, microphone.playing(speech(), loop=True):
        environment = {**microphone.environment, "PYTHONUNBUFFERED": "1"}
        process = start("listen", "--device", "virtmic", "--channel", "0", env=environment)
        process.stdout.readline()
        microphone.unplug()
        while not (line := process.stdout.readline()).endswith("is gone; it is looked for until it is back\n"):
            assert line
        assert process.stdout.readline().endswith("no microphone\n")
        microphone.plug()
        assert process.stdout.readline().endswith("the microphone is back\n")
        process.terminate()
        finish(process)
    assert process.returncode == 143


def test_without_a_microphone_it_says_so_and_plays_the_recording(virtual_microphone):
    with virtual_microphone(16000, 1) as microphone:
        microphone.stop()
        process = start("listen", "--json", env=microphone.environment)
        assert json.loads(process.stdout.readline())["time"] == pytest.approx(0.08)
        process.terminate()
        _, error = finish(process)
    assert error.startswith("edge-ser: There is no microphone. Plug one in")
    assert "`edge-ser doctor`" in error
    assert error.count("\n") == 1
