"""A service manager's end of sd_notify: a real Unix datagram socket that keeps what it is told."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT_SECONDS = 60.0  # a process may take long to start on a busy machine


class ServiceManager:
    """What systemd does with NOTIFY_SOCKET and WATCHDOG_USEC, without what it does about it."""

    def __init__(self, address: str, watchdog_seconds: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.environment = {
            **os.environ,
            "NOTIFY_SOCKET": address,
            "WATCHDOG_USEC": str(round(watchdog_seconds * 1e6)),
        }

    def messages(self, timeout: float = WAIT_SECONDS) -> Iterator[dict[str, str]]:
        """Yield each message as it comes, until none has come for `timeout` seconds."""
        self._socket.settimeout(timeout)
        while True:
            try:
                received = self._socket.recv(4096)
            except (TimeoutError, BlockingIOError):
                return
            yield dict(line.split("=", 1) for line in received.decode().splitlines())

    def wait_for(self, name: str, value: str = "1") -> list[dict[str, str]]:
        """Return the messages up to the one with this assignment."""
        told = []
        for message in self.messages():
            told.append(message)
            if message.get(name) == value:
                return told
        raise AssertionError(f"{name}={value} never came, but {told}")

    def close(self) -> None:
        self._socket.close()


@contextmanager
def service_manager(watchdog_seconds: float = 30.0, abstract: bool = False) -> Iterator[ServiceManager]:
    """Run one; a short folder, for a socket's path has at most 108 characters."""
    folder = Path(tempfile.mkdtemp(prefix="sd"))
    address = f"@edge-ser-test-{os.getpid()}-{threading.get_ident()}" if abstract else str(folder / "notify")
    manager = ServiceManager(address, watchdog_seconds)
    try:
        yield manager
    finally:
        manager.close()
        shutil.rmtree(folder)
