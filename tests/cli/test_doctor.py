"""`edge-ser doctor` as a person or a script meets it: microphones of all kinds, none, and broken files."""

from __future__ import annotations

import json
import os
import re
from collections import Counter

import numpy as np
import pytest
from cli.command import is_one_error, run
from speech import demo

from edge_ser.cli.doctor import summary, text
from edge_ser.cli.terminal import Looks
from edge_ser.doctor.finding import Finding
from edge_ser.recordings import DEMO
from edge_ser.student.backend import BACKENDS, installed_backends
from edge_ser.student.model_file import BUNDLED

PLAIN = Looks(colour=False, unicode=False)


def findings(ended) -> dict[str, dict[str, str]]:
    return {finding["check"]: finding for finding in map(json.loads, ended.stdout.splitlines())}


def whole_writes(samples: np.ndarray) -> np.ndarray:
    pcm = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return pcm[: len(pcm) // 320 * 320]  # looped by writes of 20 ms


@pytest.fixture
def without_portaudio(tmp_path):
    """Environment in which sounddevice does not find its library."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@pytest.mark.parametrize(
    ("played", "fault", "status"),
    [
        (demo(), None, 0),
        (demo() * 0, "signal", 2),
        (demo().astype(float) * 40, "clipping", 1),
        (demo() / 2 + 3000, "DC offset", 1),
    ],
    ids=["speech", "zeros", "clipping", "offset"],
)
def test_what_a_real_microphone_gives_is_told(played, fault, status, virtual_microphone):
    with virtual_microphone() as microphone, microphone.playing(whole_writes(played), loop=True):
        ended = run("doctor", "--device", "virtmic", "--json", env=microphone.environment)
    found = findings(ended)
    heard = [finding for finding in found.values() if finding["area"] == "microphone"]
    faults = {finding["check"] for finding in heard if finding["status"] in ("warn", "fail")} - {"losses", "permission"}
    assert faults == ({fault} if fault else set())
    assert found["microphone"]["found"].startswith("virtmic, ")
    assert "16, " in found["formats"]["found"]
    assert ended.returncode == {"ok": 0, "warn": 1, "fail": 2}[worst(found)]
    assert ended.returncode >= status
    assert ended.stderr == ""


def worst(found: dict[str, dict[str, str]]) -> str:
    """Return what the exit status is to say: the board under the test may have a warning of its own."""
    statuses = {finding["status"] for finding in found.values()}
    return next((status for status in ("fail", "warn") if status in statuses), "ok")


def test_without_recording_nothing_is_opened(virtual_microphone):
    with virtual_microphone() as microphone:
        found = findings(run("doctor", "--no-record", "--json", env=microphone.environment))
    assert found["recording"]["status"] == "unknown"
    assert "level" not in found


def test_without_a_microphone_the_rest_is_still_looked_at(virtual_microphone):
    with virtual_microphone() as microphone:
        microphone.stop()
        ended = run("doctor", env=microphone.environment)
    assert ended.returncode == 2
    assert "FAIL  devices" in ended.stdout
    assert "There is no microphone" in ended.stdout
    for area in ("software", "microphone", "board"):
        assert f"\n{area}\n" in f"\n{ended.stdout}"
    assert ended.stdout.splitlines()[-1].startswith("1 failed, ")
    assert ended.stderr == ""


def test_a_microphone_that_is_not_there_is_told_with_those_that_are(virtual_microphone):
    with virtual_microphone() as microphone:
        ended = run("doctor", "--device", "virtmik", "--json", env=microphone.environment)
    found = findings(ended)["microphone"]
    assert (ended.returncode, found["status"]) == (2, "fail")
    assert "'virtmic'" in found["cure"]


def test_without_portaudio_it_names_the_package(without_portaudio):
    ended = run("doctor", "--json", env=without_portaudio)
    found = findings(ended)
    assert ended.returncode == 2
    assert found["PortAudio"]["cure"] == "Run `sudo apt-get install libportaudio2`"
    assert "devices" not in found
    assert "memory" in found


def test_a_damaged_model_is_found_and_the_rest_is_still_looked_at(tmp_path):
    model = tmp_path / "model.tflite"
    content = bytearray(BUNDLED.read_bytes())
    content[1000] ^= 1
    model.write_bytes(content)
    ended = run("doctor", "--model", model, "--no-record", "--json")
    found = findings(ended)
    assert ended.returncode == 2
    assert found["model"]["status"] == "fail"
    assert "damaged" in found["model"]["found"]
    assert found["front end"]["status"] == "ok"


def test_settings_that_are_wrong_are_a_finding(tmp_path):
    file = tmp_path / "edge-ser.toml"
    file.write_text("treads = 2\n")
    ended = run("doctor", "--config", file, "--no-record", "--json")
    found = findings(ended)
    assert ended.returncode == 2
    assert found["settings"]["status"] == "fail"
    assert found["settings"]["cure"] == "Write threads"
    assert found["model"]["status"] == "ok"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_it_can_be_read_in_80_columns_and_plain_where_there_is_no_terminal(encoding, virtual_microphone):
    with virtual_microphone() as microphone, microphone.playing(whole_writes(demo() * 0), loop=True):
        environment = {**microphone.environment, "PYTHONIOENCODING": encoding, "COLUMNS": "200"}
        ended = run("doctor", env=environment)
    assert "\x1b" not in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert ("→" in ended.stdout) is (encoding == "utf-8")
    assert ended.stdout.isascii() is (encoding == "ascii")


def test_a_command_is_never_broken_so_that_it_can_be_copied():
    command = "`echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor`"
    finding = Finding("warn", "governor", "powersave " * 20, f"First look around well, then run {command}, and wait")
    shown = text(finding, PLAIN, 60).splitlines()
    assert any(command in line for line in shown)
    assert all(len(line) <= 60 for line in shown if command not in line)


def test_names_from_outside_stay_on_their_line():
    shown = text(Finding("ok", "microphone", "two\nlines\x1b[31m"), PLAIN, 80)
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


def test_colours_change_nothing_but_colours():
    finding = Finding("fail", "model", "it is damaged", "Copy it again")
    coloured = text(finding, Looks(colour=True, unicode=False), 80)
    assert "\x1b[1;31mFAIL\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text(finding, PLAIN, 80)


def test_the_summary_counts_what_matters_first():
    assert summary(Counter(ok=2, fail=1, warn=2)) == "1 failed, 2 warnings, 2 fine"


def test_where_no_runtime_works_other_commands_point_to_it():
    missing = set(BACKENDS) - set(installed_backends())
    if not missing:
        pytest.skip("both runtimes are installed")
    ended = run("classify", "--backend", missing.pop(), DEMO)
    assert ended.returncode == 2
    assert is_one_error(ended.stderr)
    assert ended.stderr.endswith("`edge-ser doctor` looks for the reason.\n")
