"""Permission and sound server, on real folders and a real PulseAudio."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtual_microphone import VirtualMicrophone

from edge_ser.doctor.finding import Finding
from edge_ser.doctor.sound_system import access, sound_server

NOBODY = 65534  # the user who owns nothing


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as folder:
        nodes = Path(folder, "dev", "snd")
        nodes.mkdir(parents=True)
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def as_nobody() -> Iterator[None]:
    root = os.geteuid() == 0
    if root:  # who may use everything
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)


def make_cards(root: Path, **modes: int) -> None:
    for name, mode in modes.items():
        (root / "dev/snd" / name).touch()
        (root / "dev/snd" / name).chmod(mode)


@pytest.fixture
def closed_card(root: Path) -> None:
    make_cards(root, pcmC1D0c=0)


@pytest.fixture
def one_of_two(root: Path) -> None:
    make_cards(root, pcmC0D0c=0, pcmC1D0c=0o666, pcmC1D0p=0)  # the last one plays


@pytest.fixture
def open_card(root: Path) -> None:
    make_cards(root, pcmC1D0c=0o666)


@pytest.mark.usefixtures("closed_card", "as_nobody")
def test_a_card_that_may_not_be_used_is_told_with_the_command(root: Path) -> None:
    finding = access(root)
    assert finding.status == "fail"
    assert "pcmC1D0c" in finding.found
    assert "sudo usermod -aG audio $USER" in finding.cure


@pytest.mark.usefixtures("one_of_two", "as_nobody")
def test_one_card_of_two_is_a_warning(root: Path) -> None:
    finding = access(root)
    assert finding.status == "warn"
    assert "may not use pcmC0D0c in" in finding.found


@pytest.mark.usefixtures("open_card", "as_nobody")
def test_a_card_that_everybody_may_use_is_fine(root: Path) -> None:
    assert access(root) == Finding("ok", "permission", "this user may use pcmC1D0c in /dev/snd")


def test_without_cards_there_is_nothing_to_permit(root: Path) -> None:
    assert access(root).status == "unknown"


@pytest.fixture
def server(virtual_microphone) -> Iterator[VirtualMicrophone]:
    if not shutil.which("pactl"):
        pytest.skip("no pactl: apt-get install pulseaudio-utils")
    with virtual_microphone() as microphone:
        yield microphone


def pactl(server: VirtualMicrophone, *arguments: str) -> None:
    subprocess.run(["pactl", *arguments], env=server.environment, check=True, capture_output=True, timeout=30)


def asked(server: VirtualMicrophone) -> list[Finding]:
    return list(sound_server(server.environment))


def test_a_real_server_and_its_source_are_named(server: VirtualMicrophone) -> None:
    assert asked(server) == [
        Finding("ok", "sound server", "pulseaudio"),
        Finding("ok", "source", "virtmic, not muted"),
    ]


def test_a_muted_source_is_told_and_the_cure_works(server: VirtualMicrophone) -> None:
    pactl(server, "set-source-mute", "virtmic", "1")
    _, source = asked(server)
    assert (source.status, source.found) == ("warn", "virtmic is muted")
    pactl(server, *source.cure.split("`")[1].split()[1:])
    assert {finding.status for finding in asked(server)} == {"ok"}


def test_a_monitor_as_default_source_is_told_and_the_cure_works(server: VirtualMicrophone) -> None:
    pactl(server, "load-module", "module-null-sink", "sink_name=speaker")
    pactl(server, "set-default-source", "speaker.monitor")
    _, source = asked(server)
    assert source.status == "warn"
    assert source.found.startswith("speaker.monitor is what the loudspeaker plays")
    pactl(server, *source.cure.split("`")[1].split()[1:])
    assert {finding.status for finding in asked(server)} == {"ok"}


def test_a_server_without_any_source_is_told(server: VirtualMicrophone) -> None:
    pactl(server, "unload-module", "module-pipe-source")
    _, source = asked(server)
    assert (source.status, source.cure) == ("warn", "Plug a microphone in")


def test_a_socket_that_nobody_answers_at_is_told() -> None:
    if not shutil.which("pactl"):
        pytest.skip("no pactl: apt-get install pulseaudio-utils")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pulse").mkdir()
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(f"{folder}/pulse/native")
        (finding,) = sound_server({"XDG_RUNTIME_DIR": folder})
    assert finding.status == "fail"
    assert "systemctl --user restart" in finding.cure


def test_without_a_server_alsa_is_used(tmp_path: Path) -> None:
    (finding,) = sound_server({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert finding.status == "ok"
    assert "ALSA" in finding.found
    (tmp_path / "pipewire-0").touch()
    (finding,) = sound_server({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert finding.found == "PipeWire"
