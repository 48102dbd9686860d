"""`edge-ser devices`: what is there, or the one line that says what to do."""

import json
import subprocess
import sys

import pytest

from edge_ser.capture.devices import InputDevice
from edge_ser.cli.devices import table

COMMAND = """
import argparse, sys
from edge_ser.cli import devices
from edge_ser.errors import EdgeSerError
parser = argparse.ArgumentParser()
devices.add_parser(parser.add_subparsers())
args = parser.parse_args(sys.argv[1:])
try:
    sys.exit(args.run(args))
except EdgeSerError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


@pytest.fixture
def run(request):
    def run(microphone, *args):
        return subprocess.run(
            [sys.executable, "-c", COMMAND, "devices", *args],
            env=microphone.environment,
            cwd=request.config.rootpath,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_the_table_is_aligned_and_marks_the_default():
    devices = [
        InputDevice(0, "hw", 2, 48000, "ALSA", default=False),
        InputDevice(11, "a microphone", 128, 192_000, "JACK", default=True),
    ]
    assert table(devices).splitlines() == [
        "  index  name          channels      Hz  through",
        "      0  hw                   2   48000  ALSA",
        "*    11  a microphone       128  192000  JACK",
    ]


def test_real_devices_are_listed(virtual_microphone, run):
    with virtual_microphone(16000, 1) as microphone:
        listed = run(microphone)
        as_json = run(microphone, "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [line.split()[-4] for line in listed.stdout.splitlines()[1:]] == ["pulse", "virtmic", "default"]
    assert [line[0] for line in listed.stdout.splitlines()[1:]] == [" ", " ", "*"]
    assert (as_json.returncode, as_json.stderr) == (0, "")
    devices = [InputDevice(**json.loads(line)) for line in as_json.stdout.splitlines()]
    assert [(device.name, device.default) for device in devices] == [
        ("pulse", False),
        ("virtmic", False),
        ("default", True),
    ]


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_without_a_microphone_it_ends_with_2_and_one_line(virtual_microphone, run, args):
    with virtual_microphone(16000, 1) as microphone:
        microphone.stop()
        ended = run(microphone, *args)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("There is no microphone. Plug one in")
    assert ended.stderr.count("\n") == 1
