"""The commands in the READMEs of these examples run as they are written."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import mosquitto
import pytest

from edge_ser.json_lines import schema_text

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
PORT = "18830"  # in the README; here another, which is free


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like the repository's root, into which commands may write, with `edge-ser` to be found."""
    folder, programs = tmp_path / "checkout", tmp_path / "bin"
    for made in (folder, programs):
        made.mkdir()
    for name in ("examples", "edge_ser"):
        (folder / name).symlink_to(REPOSITORY / name)
    (programs / "edge-ser").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m edge_ser.cli.main "$@"\n')
    (programs / "edge-ser").chmod(0o755)
    return folder


def run_readme(example: str, checkout: Path, port: int | None = None) -> str:
    """Return what all commands of a README print, one after the other in one shell."""
    text = (EXAMPLES / example / "README.md").read_text(encoding="utf-8")
    script = "set -eu\n" + "".join(re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))
    started = subprocess.Popen(
        ["sh", "-c", script.replace(PORT, str(port))],
        cwd=checkout,
        start_new_session=True,
        env={
            **os.environ,
            "PATH": f"{checkout.parent / 'bin'}:{mosquitto.PATH}",
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, error = started.communicate(timeout=mosquitto.WAIT_SECONDS)
    finally:
        with suppress(ProcessLookupError):  # what the commands left behind
            os.killpg(started.pid, signal.SIGKILL)
    assert started.returncode == 0, error
    return out


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program, path=mosquitto.PATH) is None:
            pytest.skip(f"no {program}: apt-get install mosquitto mosquitto-clients gcc jq")


def test_other_languages_read_the_lines(checkout):
    need("cc", "jq")
    in_c, in_shell = run_readme("other_languages", checkout).split("go on", maxsplit=1)
    reactions = in_c.splitlines()
    assert reactions[0].startswith("0.08 s: no_speech (")
    assert re.fullmatch(r"\d+\.\d\d s: neutral \(0\.\d\d\)", reactions[2])
    assert re.fullmatch(r" \(0\.\d\d+\)\n(?:go on \(0\.\d\d+\)\n)*", in_shell)  # the recording is neutral, then happy


def test_the_shell_script_reacts_to_each_emotion_once_while_it_lasts():
    need("jq")
    heard = ("happy", "angry", "angry", "sad", "fearful", "neutral")
    lines = [json.dumps({"state": "emotion", "emotion": emotion, "confidence": 0.5}) for emotion in heard]
    lines.append(json.dumps({"state": "mic_lost", "emotion": None, "confidence": 0.5}))
    script = EXAMPLES / "other_languages" / "react.sh"
    ended = subprocess.run(["sh", script], input="\n".join(lines), capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    said = ["go on", "call a person", "slow down", "slow down", "go on"]
    assert ended.stdout.splitlines() == [*(f"{each} (0.5)" for each in said), "say that nobody is heard"]


def test_a_program_in_c_finds_its_keys_wherever_they_stand(checkout):
    need("cc")
    program = checkout / "react"
    sanitised = ("-Wall", "-Wextra", "-Werror", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover")
    source = EXAMPLES / "other_languages" / "react.c"
    built = subprocess.run(["cc", *sanitised, "-o", program, source], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    line = {"new": {"state": "no"}, 'say "state": ': "[{", "confidence": 0.5, "state": "emotion", "time": 1.5}
    lines = [
        json.dumps({**line, "emotion": "sad", "flags": {"emotion": "angry"}}),
        json.dumps({"emotion": "happy", **line}, separators=(",", ":")),
        *('{"state":"', '{"state', '{"state":"\\', '{"emotion":"' + "x" * 9000, "]]}}", '{"stats": {"state": 1}}'),
        json.dumps({**line, "state": "no_speech", "emotion": None}, indent=None),
    ]
    ended = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    said = ended.stdout.splitlines()
    assert said[:2] == ["1.50 s: sad (0.50)", "1.50 s: happy (0.50)"]
    assert said[-1] == "1.50 s: no_speech (0.50)"


def test_the_c_program_reads_keys_that_the_schema_has():
    source = (EXAMPLES / "other_languages" / "react.c").read_text(encoding="utf-8")
    keys = set(re.findall(r'(?:string|number|value)_of\(line, "(\w+)"', source))
    assert keys == {"state", "emotion", "time", "confidence"}
    assert keys <= set(json.loads(schema_text())["$defs"]["event"]["required"])


def test_mqtt_is_seen_by_a_subscriber(checkout):
    pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed: pip install 'edge-ser[mqtt]'")
    need("mosquitto", "mosquitto_sub")
    if not Path("/usr/sbin/mosquitto").exists():
        pytest.skip("mosquitto is not where Debian has it")
    seen = run_readme("mqtt", checkout, mosquitto.free_port()).splitlines()
    assert seen[0] == "edge-ser/lobby/availability online"
    assert seen[-1] == "edge-ser/lobby/availability offline"
    states = [json.loads(line.partition(" ")[2]) for line in seen[1:-1]]
    assert {"no_speech", "emotion"} <= {state["state"] for state in states}


def test_the_automation_names_entities_that_are_announced():
    from edge_ser.integrations.home_assistant import discovery
    from edge_ser.integrations.mqtt_messages import Device

    text = (EXAMPLES / "mqtt" / "automation.yaml").read_text(encoding="utf-8")
    announced = [json.loads(each.payload) for each in discovery(Device("lobby", ("angry", "sad"), "m", "1"), 1.0)]
    # Home Assistant makes an id of the device's and the entity's name.
    ids = {f"{each['device']['name']}_{each['name']}".lower().replace(" ", "_") for each in announced}
    assert set(re.findall(r"entity_id: sensor\.(\w+)", text)) <= ids
    assert "to: angry" in text
