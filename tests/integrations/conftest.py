"""A broker of one's own, where there is mosquitto."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import mosquitto
import pytest
from mosquitto import Access, Mosquitto


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
