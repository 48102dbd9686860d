"""`edge-ser serve` as another process, and how tests talk to it."""

from __future__ import annotations

import http.client
import json
import math
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.command import finish, start

from edge_ser import Recognizer, Settings
from edge_ser.capture.source import Block, Paced, Source, open_source
from edge_ser.recordings import DEMO

PACE = 4  # times as fast as it was spoken


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


class Held(Source):
    """The embedded recording, given up to a moment that the test chooses and no further."""

    def __init__(self, stage: Stage) -> None:
        self.name = "demo"
        self._stage = stage
        self._source = Paced(open_source(DEMO))
        self.sample_rate = self._source.sample_rate
        self._source.sample_rate *= PACE
        self._samples = 0

    def read(self) -> Block | None:
        while self._samples / self.sample_rate >= self._stage.until:
            time.sleep(0.01)
        block = self._source.read()
        self._samples += 0 if block is None else len(block.samples)
        return block

    def close(self) -> None:
        self._source.close()


class Stage:
    """A page on the recording, played as far as a test says: a busy machine changes nothing of what is seen."""

    def __init__(self, data: Path) -> None:
        self.until = 0.0  # seconds of the recording
        self.url = ""
        self.data = data

    @contextmanager
    def running(self, folder: Path | None = None) -> Iterator[Stage]:
        """Serve our page, or that of a folder."""
        import uvicorn

        from edge_ser.integrations.page.hub import Hub
        from edge_ser.integrations.page.listening import Listening
        from edge_ser.integrations.page.server import STATIC, build_app

        hub = Hub()
        recognizer = Recognizer(settings=Settings(feedback=True))
        listening = Listening(recognizer, lambda: (Held(self), "the embedded recording"), hub.publish)
        app = build_app(recognizer, listening, hub, folder=folder or STATIC)
        server = uvicorn.Server(uvicorn.Config(app, ws="none", log_config=None, timeout_graceful_shutdown=1))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            listening.start(muted=True)
            try:
                yield self
            finally:
                self.until = math.inf
                listening.stop()
                hub.end()
                server.should_exit = True
                thread.join()
