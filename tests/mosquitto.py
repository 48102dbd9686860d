"""A real MQTT broker that can be killed, a subscriber that notes all it hears, and a network that can be cut."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAIT_SECONDS = 60.0  # for what must come, on a busy machine
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"  # where Debian has mosquitto, and users do not look
PROGRAM = shutil.which("mosquitto", path=PATH)


def wait_until(condition: Callable[[], Any]) -> Any:
    """Return what a condition says once it says something."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Access:
    """What a guarded broker asks for."""

    ca_file: Path
    other_ca_file: Path
    """Of an authority that it has nothing to do with."""

    user: str = "kiosk"
    password: str = "correct horse"


class Mosquitto:
    """A broker at `port`, for anyone, or by TLS with a user and a password."""

    def __init__(self, folder: Path, access: Access | None = None) -> None:
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        self._configuration = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1"]
        if access is None:
            lines += ["allow_anonymous true"]
        else:
            passwords = folder / "passwords"
            passwords.touch(mode=0o600)
            subprocess.run(["mosquitto_passwd", "-b", passwords, access.user, access.password], check=True)
            passwords.chmod(0o644)  # started by root, it becomes another user
            lines += ["allow_anonymous false", f"password_file {passwords}"]
            lines += [f"certfile {folder}/host.pem", f"keyfile {folder}/host.key"]
        self._configuration.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        log = self._log.open("ab")
        self._process = subprocess.Popen([PROGRAM, "-c", self._configuration], stdout=log, stderr=log)
        log.close()
        wait_until(self._listens)

    def kill(self) -> None:
        """Without time for anything."""
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def make_certificates(folder: Path) -> Access:
    """Make two authorities, and of the first a certificate for localhost."""

    def openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    authority = ("req", "-x509", *new_key, "-days", 2)
    for name in ("authority", "other"):
        openssl(*authority, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    openssl("req", *new_key, "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    by_authority = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", 2)
    openssl("x509", "-req", "-in", "host.csr", *by_authority, "-extfile", "names", "-out", "host.pem")
    (folder / "host.key").chmod(0o644)
    return Access(folder / "authority.pem", folder / "other.pem")


@dataclass(frozen=True)
class Heard:
    """One message as a subscriber got it."""

    topic: str
    payload: str
    retained: bool


class Subscriber:
    """Notes every message at a broker; comes back by itself when that does.

    With quality of service 0: mosquitto then passes a message on before it acknowledges it to its publisher. With 1 at
    most 20 are on their way to a subscriber, and what waits behind them is gone with a broker that is killed, although
    it was acknowledged.
    """

    def __init__(self, port: int, access: Access | None = None) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.heard: list[Heard] = []
        self._subscriptions = 0
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.05, 0.1)
        if access is not None:
            self._client.username_pw_set(access.user, access.password)
            self._client.tls_set(str(access.ca_file))
        self._client.on_connect = lambda *_: self._client.subscribe("#", 0)
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._hear
        self._client.connect("localhost" if access else "127.0.0.1", port)
        self._client.loop_start()
        self.wait_for_subscription(1)

    def _subscribed(self, *_: object) -> None:
        self._subscriptions += 1

    def _hear(self, client: object, data: object, message: Any) -> None:
        self.heard.append(Heard(message.topic, message.payload.decode(), message.retain))

    def wait_for_subscription(self, number: int) -> None:
        wait_until(lambda: self._subscriptions >= number)

    def wait_for(self, topic: str, payload: str) -> None:
        wait_until(lambda: any((heard.topic, heard.payload) == (topic, payload) for heard in list(self.heard)))

    def states(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(heard.payload) for heard in list(self.heard) if heard.topic == f"edge-ser/{name}/state"]

    def availability(self, name: str) -> list[str]:
        return [heard.payload for heard in list(self.heard) if heard.topic == f"edge-ser/{name}/availability"]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Network:
    """What lies between: passes bytes to `target`, until it is cut (an end at once) or stalls (silence)."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._stalled: set[str] = set()
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = free_port()
        self.mend()

    def mend(self) -> None:
        self._stalled = set()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """End all connections, and accept none."""
        assert self._listener is not None
        for each in (self._listener, *self._ends):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._ends.clear()

    def stall(self, *ways: str) -> None:
        """Swallow what comes from now on, and say nothing: a cable that is out. Both "there" and "back", or one."""
        self._stalled = set(ways or ("there", "back"))

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for ends in ((near, far, "there"), (far, near, "back")):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := one.recv(4096):
                if way not in self._stalled:
                    other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


@contextmanager
def broker(folder: Path, access: Access | None = None) -> Iterator[Mosquitto]:
    """Run a broker until the block is left."""
    started = Mosquitto(folder, access)
    try:
        yield started
    finally:
        started.kill()
