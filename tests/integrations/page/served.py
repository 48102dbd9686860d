"""`edge-ser serve` as another process, and how tests talk to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.command import finish, start


class Served:
    """A server that is running."""

    def __init__(self, process: subprocess.Popen[str], url: str, data: Path) -> None:
        self.process, self.url, self.data = process, url, data
        self.host = urlsplit(url).netloc

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        """Return status, headers and text of an answer, as they come: no redirect is followed."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, raw, {"Host": self.host, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Return what an answer says."""
        return json.loads(self.ask(method, path, body)[2])

    @contextmanager
    def stream(self) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
        """Lend the messages as they come: kind and what is said."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", "/events")
        answer = connection.getresponse()

        def messages() -> Iterator[tuple[str, dict[str, Any]]]:
            kind = ""
            while line := answer.readline().decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)

        try:
            yield messages()
        finally:
            connection.close()


@contextmanager
def served(data: Path, *arguments: object, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """Start `edge-ser serve` at a free port, its corrections in the folder `data`; it must end when it is told to."""
    environment = {**(environment or os.environ), "XDG_DATA_HOME": str(data)}
    process = start("serve", "--port", 0, *arguments, env=environment)
    try:
        told = process.stdout.readline()
        assert told.startswith("The page is at "), process.stderr.read()
        yield Served(process, told.split()[-1], data)
        process.send_signal(signal.SIGTERM)
        _, error = finish(process)
        assert (process.returncode, error) == (128 + signal.SIGTERM, "")
    finally:
        process.kill()
        process.wait()
