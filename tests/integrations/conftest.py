"""Fixtures of the tests of integrations."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mosquitto
import pytest
from mosquitto import Access, Mosquitto


@pytest.fixture
def systemd_analyze() -> str:
    """The program that judges units; the test is skipped, visibly, without it."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze: apt-get install systemd")
    return program


@pytest.fixture
def can_confine(systemd_analyze: str) -> None:
    """Skip, visibly, where a unit's confinement cannot be had."""
    if os.geteuid() != 0 or ctypes.util.find_library("seccomp") is None:
        pytest.skip("a unit's confinement needs root and libseccomp2")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as mosquitto becomes one; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="mqtt") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def broker(open_folder: Path) -> Iterator[Mosquitto]:
    """A broker for anyone."""
    _need_mosquitto()
    with mosquitto.broker(open_folder) as started:
        yield started


@pytest.fixture
def guarded(open_folder: Path) -> Iterator[tuple[Mosquitto, Access]]:
    """A broker by TLS, with a password."""
    _need_mosquitto()
    access = mosquitto.make_certificates(open_folder)
    with mosquitto.broker(open_folder, access) as started:
        yield started, access


def _need_mosquitto() -> None:
    pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed: pip install 'edge-ser[mqtt]'")
    if mosquitto.PROGRAM is None:
        pytest.skip("no MQTT broker: apt-get install mosquitto")
