"""Listening opens no way out: no internet socket, no file to write to, no log that holds what was said.

Twice over: by the system calls of the whole process with all its libraries, in a namespace without a network (Linux,
strace), and by what Python itself reports (everywhere).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from speech import demo

from edge_ser.recordings import DEMO
from edge_ser.segmenter import Segmenter
from edge_ser.student.model_file import ModelFile

REPOSITORY = Path(__file__).parents[2]
LISTEN = (sys.executable, "-m", "edge_ser.cli.main", "listen", "--json")
CALLS = "%network,open,openat,openat2,creat,mknod,mkdir,rename,renameat,renameat2,link,linkat,symlink,truncate"

WRITTEN = ("/dev/null", "/dev/shm/jack", "/dev/dsp")
"""Beginnings of the paths that may be opened for writing; docs/privacy.md says who does that and why.

In turn: PortAudio's messages on stderr are sent there; JACK's client library, which PortAudio asks whether there is a
JACK server; PortAudio's search for OSS devices.
"""

CONNECTED = ("/pulse/native", "/dev/shm/jack")
"""Parts of the paths of local sockets: the sound server that the microphone belongs to, and the search for JACK."""

WITHOUT_PYC = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # of a checkout; an installed package has them already

AUDITED = """
import os, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC

def note(event, args):
    if event == "open" and (isinstance(args[1], str) and set(args[1]) & set("wax+") or (args[2] or 0) & WRITES):
        print("AUDIT open", args, file=sys.stderr)
    elif event.startswith(("socket.", "ftplib", "http", "urllib", "smtplib", "os.rename", "os.mkdir", "os.link",
                           "os.symlink", "os.truncate", "shutil", "tempfile", "sqlite3", "os.system", "os.exec",
                           "os.posix_spawn", "os.fork", "subprocess")):
        print("AUDIT", event, args, file=sys.stderr)

sys.addaudithook(note)
"""

CAREFREE = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_STREAM)
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
open(sys.argv[1], "w")
"""

LOGGED = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("edge_ser").setLevel(logging.DEBUG)
from edge_ser.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Trace:
    """What a process and its children asked the system for."""

    families: frozenset[str]
    """Address families of all sockets."""

    connected: frozenset[str]
    """Local sockets that it tried to connect to."""

    written: frozenset[str]
    """Paths opened for writing, or made."""


@pytest.fixture(scope="module")
def without_network() -> list[str]:
    """What runs a program under strace in a namespace without a network."""
    if not shutil.which("strace") or not shutil.which("unshare"):
        pytest.skip("no strace: apt-get install strace")
    isolated = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    traced = ["strace", "-f", "-qq", "-e", f"trace={CALLS}"]
    if subprocess.run([*traced, "-o", os.devnull, *isolated, "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this system allows no namespace without a network, or no strace")
    return [*traced, "-o", "TRACE", *isolated]


def with_trace(prefix: list[str], trace: Path) -> list[str]:
    return [str(trace) if part == "TRACE" else part for part in prefix]


def read_trace(path: Path) -> Trace:
    text = path.read_text(encoding="utf-8", errors="replace")
    opened = re.findall(r'\b(?:open|openat|openat2|creat)\([^"]*"([^"]*)"(.*)', text)
    written = {name for name, flags in opened if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", flags)}
    written |= set(re.findall(r'\bcreat\("([^"]*)"', text))
    written |= set(re.findall(r'\b(?:mkdir|mknod|rename\w*|link\w*|symlink|truncate)\([^"]*"([^"]*)"', text))
    return Trace(
        frozenset(re.findall(r"\bsocket\((\w+)", text)),
        frozenset(re.findall(r'sun_path=@?"([^"]*)"', text)),
        frozenset(written),
    )


def assert_private(trace: Trace) -> None:
    assert trace.families <= {"AF_UNIX"}
    for path in trace.connected:
        assert any(part in path for part in CONNECTED), path
    for path in trace.written:
        assert path.startswith(WRITTEN), path


def test_a_file_is_listened_to_without_a_socket_and_without_writing(without_network, tmp_path) -> None:
    trace = tmp_path / "trace"
    command = [*with_trace(without_network, trace), *LISTEN, "--source", DEMO, "--fast"]
    done = subprocess.run(command, cwd=REPOSITORY, env=WITHOUT_PYC, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"state": "emotion"' in done.stdout
    assert read_trace(trace) == Trace(frozenset(), frozenset(), frozenset())
    assert str(DEMO) in trace.read_text()  # it was this process that was traced


def test_a_microphone_is_listened_to_through_the_local_sound_server_alone(
    without_network, tmp_path, virtual_microphone
) -> None:
    trace = tmp_path / "trace"
    pcm = demo()
    with virtual_microphone(16000, 1) as microphone, microphone.playing(pcm[: len(pcm) // 320 * 320], loop=True):
        command = [*with_trace(without_network, trace), *LISTEN, "--device", "virtmic"]
        environment = microphone.environment | {"PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            speech, states = 0, set()
            while speech < 20 or "emotion" not in states:
                event = json.loads(process.stdout.readline())
                speech += event["speech"]
                states.add(event["state"])
        finally:
            process.stdout.close()  # it ends at its next line, as with `| head`
            process.wait(60)
    found = read_trace(trace)
    assert_private(found)
    assert any("/pulse/native" in path for path in found.connected)


def test_the_trace_would_show_a_socket_and_a_file(without_network, tmp_path) -> None:
    trace, file = tmp_path / "trace", tmp_path / "file"
    subprocess.run([*with_trace(without_network, trace), sys.executable, "-c", CAREFREE, file], check=True)
    found = read_trace(trace)
    assert {"AF_INET", "AF_INET6"} <= found.families
    assert str(file) in found.written
    with pytest.raises(AssertionError):
        assert_private(found)


def audited(code: str, *arguments: object) -> list[str]:
    """Return what Python reports of code that could let something out."""
    done = subprocess.run(
        [sys.executable, "-c", AUDITED + code, *map(str, arguments)],
        cwd=REPOSITORY,
        env=WITHOUT_PYC,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stderr.splitlines() if line.startswith("AUDIT")]


def test_python_itself_reports_no_socket_no_file_and_no_other_program() -> None:
    code = "from edge_ser.cli.main import main\nassert main(sys.argv[1:]) == 0"
    assert audited(code, "listen", "--json", "--fast", "--source", DEMO) == []
    assert audited(code, "classify", "--timeline", DEMO) == []


def test_python_would_report_a_socket_and_a_file(tmp_path) -> None:
    found = audited(CAREFREE, tmp_path / "file")
    assert sum("socket.__new__" in line for line in found) == 2
    assert any(str(tmp_path) in line for line in found)


def numbers_in(text: str) -> set[tuple[int, ...]]:
    """Return every run of four whole numbers in a row, however they are separated."""
    found: set[tuple[int, ...]] = set()
    for run in re.findall(r"-?\d+(?:[\s,\[\]]+-?\d+){3,}", text):
        row = [int(number) for number in re.findall(r"-?\d+", run)]
        found |= {tuple(row[place : place + 4]) for place in range(len(row) - 3)}
    return found


def runs_of(values: np.ndarray) -> set[tuple[int, ...]]:
    rows = np.lib.stride_tricks.sliding_window_view(values.ravel(), 4)
    return {tuple(row) for row in rows.tolist() if len(set(row)) > 2}


def test_logs_hold_neither_audio_nor_features() -> None:
    command = [sys.executable, "-c", LOGGED, "listen", "--json", "--fast", "--source", str(DEMO)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    features = ModelFile.load_bundled().metadata.features
    segmenter, pcm = Segmenter(features, 0.48), demo()
    steps = [segmenter(pcm[first : first + 1280]) for first in range(0, len(pcm) - 1280, 1280)]
    heard = np.concatenate([frames for step in steps for frames in step.features])
    said = numbers_in(done.stdout + done.stderr)
    assert not said & runs_of(pcm)
    assert not said & runs_of(heard)
    # Nor in another form: an event says no more than its fields, and beside the events nothing is said.
    assert done.stderr == ""
    assert all(len(line) < 1000 for line in done.stdout.splitlines())


def test_a_log_that_holds_audio_or_features_would_be_noticed() -> None:
    pcm = demo()[20_000:20_040]
    assert numbers_in(f"DEBUG {pcm}") & runs_of(demo())
    assert numbers_in(f"DEBUG {pcm.tolist()}") & runs_of(demo())
