"""`edge-ser publish`: from a recording to a real broker, and what is said where that cannot be."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mosquitto
import pytest
from cli.command import finish, is_one_error, start
from mosquitto import Mosquitto, Subscriber, free_port

from edge_ser.cli.main import main
from edge_ser.cli.publish import PASSWORD_VARIABLE
from edge_ser.recordings import DEMO


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that mosquitto may enter."""
    pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed: pip install 'edge-ser[mqtt]'")
    if mosquitto.PROGRAM is None:
        pytest.skip("no MQTT broker: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="mqtt") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def broker(folder: Path) -> Iterator[Mosquitto]:
    with mosquitto.broker(folder) as started:
        yield started


def test_a_recording_is_published_and_home_assistant_is_told(broker, capsys):
    subscriber = Subscriber(broker.port)
    address = f"127.0.0.1:{broker.port}"
    assert main(["publish", "--mqtt", address, "--name", "lobby", "--source", str(DEMO), "--fast"]) == 0
    out, error = capsys.readouterr()
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    subscriber.close()
    states = subscriber.states("lobby")
    assert out == ""
    assert error.splitlines() == [
        f"edge-ser: publishing to {address} as edge-ser/lobby",
        f"edge-ser: {len(states)} messages published, 0 lost",
    ]
    assert {"no_speech", "warming_up", "emotion"} <= {state["state"] for state in states}
    announced = [json.loads(each.payload) for each in subscriber.heard if each.topic.startswith("homeassistant/")]
    (emotion,) = (entity for entity in announced if entity["unique_id"] == "edge-ser-lobby-emotion")
    assert set(emotion["options"]) == set(states[0]["probabilities"])
    assert emotion["device"]["model"].startswith("default ")


def test_discovery_and_the_interval_are_as_asked(broker, capsys):
    subscriber = Subscriber(broker.port)
    at = ["publish", "--mqtt", f"127.0.0.1:{broker.port}", "--source", str(DEMO), "--fast"]
    assert main([*at, "--name", "every", "--no-discovery", "--interval", "0"]) == 0
    assert main([*at, "--name", "some", "--discovery", "ha", "--interval", "5"]) == 0
    for name in ("every", "some"):
        subscriber.wait_for(f"edge-ser/{name}/availability", "offline")
    subscriber.close()
    assert len(subscriber.states("every")) == 173  # of the recording, one every 80 ms
    assert {each.topic.split("/")[0] for each in subscriber.heard} == {"edge-ser", "ha"}
    assert len(subscriber.states("some")) < 30


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_however_it_ends_it_is_said_to_be_offline(broker, number, status):
    subscriber = Subscriber(broker.port)
    process = start("publish", "--mqtt", f"127.0.0.1:{broker.port}", "--name", "lobby", "--source", DEMO)
    subscriber.wait_for("edge-ser/lobby/availability", "online")
    mosquitto.wait_until(lambda: subscriber.states("lobby"))
    process.send_signal(number)
    _, error = finish(process)
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    subscriber.close()
    assert process.returncode == status
    assert "Traceback" not in error
    assert (", 0 lost" in error) == (number != signal.SIGKILL)


@pytest.mark.parametrize("way", ["file", "environment"])
def test_the_password_comes_from_a_file_or_the_environment(folder, tmp_path, way, monkeypatch, capsys):
    access = mosquitto.make_certificates(folder)
    (tmp_path / "password").write_text(access.password + "\n")
    options = ["--user", access.user, "--tls", "--ca-file", str(access.ca_file), "--name", "lobby"]
    monkeypatch.setenv(PASSWORD_VARIABLE, access.password if way == "environment" else "another")
    if way == "file":
        options += ["--password-file", str(tmp_path / "password")]
    with mosquitto.broker(folder, access) as broker:
        at = ["--mqtt", f"localhost:{broker.port}", "--source", str(DEMO), "--fast"]
        assert main(["publish", *at, *options]) == 0
    error = capsys.readouterr().err
    assert access.password not in error
    assert ", 0 lost" in error


def test_a_broker_that_is_not_there_is_an_error_once_the_recording_is_over(folder, capsys):
    address = f"127.0.0.1:{free_port()}"
    assert main(["publish", "--mqtt", address, "--source", str(DEMO), "--fast"]) == 2
    trouble, sum_up, error = capsys.readouterr().err.splitlines()
    assert "nothing listens there" in trouble
    assert sum_up.startswith("edge-ser: 0 messages published, ")
    assert is_one_error(error + "\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mqtt", "broker:mqtt"],
        ["--mqtt", "localhost", "--name", "a/b"],
        ["--mqtt", "localhost", "--password-file", "/absent"],
        ["--mqtt", "localhost", "--password-file", str(DEMO)],
        ["--mqtt", "localhost", "--ca-file", "/absent"],
        ["--mqtt", "localhost", "--tls", "--ca-file", "/absent"],
        ["--mqtt", "localhost", "--queue", "0"],
        ["--mqtt", "localhost", "--interval", "nan"],
        ["--mqtt", "localhost", "--threads", "0"],
        ["--mqtt", "localhost", "--rate", "8000"],
    ],
)
def test_what_does_not_fit_together_is_one_error(arguments, folder, capsys):
    assert main(["publish", "--source", str(DEMO), *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert is_one_error(error), error


def test_a_password_without_tls_over_a_network_is_warned_of(folder, tmp_path, capsys):
    (tmp_path / "password").write_text("secret\n")
    access = ["--user", "me", "--password-file", str(tmp_path / "password")]
    assert main(["publish", "--mqtt", "no-such-host.invalid", *access, "--source", str(DEMO), "--fast"]) == 2
    assert "unencrypted: use --tls" in capsys.readouterr().err.splitlines()[0]


def test_there_is_no_flag_for_a_password(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["publish", "--mqtt", "localhost", "--user", "me", "--password", "secret"])
    assert ended.value.code == 2  # and --password is not taken for a short --password-file either


def test_without_paho_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "paho.mqtt.enums", None)
    assert main(["publish", "--mqtt", "localhost", "--source", str(DEMO), "--fast"]) == 2
    assert "pip install 'edge-ser[mqtt]'" in capsys.readouterr().err
