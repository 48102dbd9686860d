"""PortAudio, the permission to use sound cards, and the sound server with its default source."""

from __future__ import annotations

import grp
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge_ser.capture.devices import load_sounddevice
from edge_ser.doctor.finding import Finding, unknown

PACTL_SECONDS = 5.0  # a server that hangs must not hang the doctor

_JOIN_AUDIO = "Run `sudo usermod -aG audio $USER`, then log out and in"
_RESTART = "Run `systemctl --user restart pipewire pipewire-pulse` or `systemctl --user restart pulseaudio`"


def portaudio() -> Finding:
    """Load sounddevice and PortAudio; raises AudioDeviceError where either is missing."""
    sounddevice = load_sounddevice()
    _, text = sounddevice.get_portaudio_version()
    return Finding(
        "ok", "PortAudio", f"{text.split(',')[0].removeprefix('PortAudio ')}, sounddevice {sounddevice.__version__}"
    )


def access(root: Path) -> Finding:
    """Say whether this user may record from the sound cards."""
    cards = sorted((root / "dev/snd").glob("pcmC*c"))
    if not cards:
        return unknown("permission", "no card that records in /dev/snd")
    effective = os.access in os.supports_effective_ids
    closed = [card.name for card in cards if not os.access(card, os.R_OK | os.W_OK, effective_ids=effective)]
    member = "in" if _in_audio_group() else "not in"
    if not closed:
        return Finding("ok", "permission", f"this user may use {', '.join(card.name for card in cards)} in /dev/snd")
    found = f"this user, {member} the group audio, may not use {', '.join(closed)} in /dev/snd"
    return Finding("warn" if len(closed) < len(cards) else "fail", "permission", found, _JOIN_AUDIO)


def sound_server(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Say which sound server answers, and what its default source is: a monitor, or muted, is no microphone."""
    socket = _pulse_socket(environment)
    if not socket.exists():
        pipewire = Path(environment.get("XDG_RUNTIME_DIR", "/nowhere"), "pipewire-0").exists()
        yield Finding("ok", "sound server", "PipeWire" if pipewire else "none: sound cards are used directly, by ALSA")
        return
    if not shutil.which("pactl"):
        yield unknown("sound server", f"{socket} is there; what it is cannot be asked without pactl")
        return
    info = _pactl(socket, "info")
    if info is None:
        yield Finding("fail", "sound server", f"{socket} is there, but nobody answers", _RESTART)
        return
    facts = dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)
    yield Finding("ok", "sound server", facts.get("Server Name", "one of unknown name"))
    yield _default_source(socket, facts.get("Default Source", ""))


def _default_source(socket: Path, name: str) -> Finding:
    listed = (_pactl(socket, "list", "short", "sources") or "").splitlines()
    sources = [line.split("\t")[1] for line in listed if "\t" in line]
    microphones = [source for source in sources if not source.endswith(".monitor")]
    if name not in sources:
        cure = f"Run `pactl set-default-source {microphones[0]}`" if microphones else "Plug a microphone in"
        return Finding("warn", "source", "the sound server has no default source", cure)
    if name.endswith(".monitor"):
        cure = f"Run `pactl set-default-source {(microphones or ['NAME'])[0]}`"
        found = f"{name} is what the loudspeaker plays, not a microphone"
        return Finding("warn", "source", found, cure if microphones else "Plug a microphone in")
    if "yes" in (_pactl(socket, "get-source-mute", name) or ""):
        return Finding("warn", "source", f"{name} is muted", "Run `pactl set-source-mute @DEFAULT_SOURCE@ 0`")
    return Finding("ok", "source", f"{name}, not muted")


def _pulse_socket(environment: Mapping[str, str]) -> Path:
    """Return where PulseAudio, or PipeWire in its place, listens for this user."""
    server = environment.get("PULSE_SERVER", "")
    if server.startswith("unix:"):
        return Path(server.removeprefix("unix:"))
    folder = environment.get("PULSE_RUNTIME_PATH") or f"{environment.get('XDG_RUNTIME_DIR', '/nowhere')}/pulse"
    return Path(folder, "native")


def _pactl(socket: Path, *arguments: str) -> str | None:
    """Return what pactl prints; None where nobody answers."""
    # With a server named, it starts none of its own.
    environment = {**os.environ, "PULSE_SERVER": f"unix:{socket}", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["pactl", *arguments], env=environment, capture_output=True, text=True, timeout=PACTL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def _in_audio_group() -> bool:
    try:
        return grp.getgrnam("audio").gr_gid in (*os.getgroups(), os.getegid())
    except KeyError:  # a system without it
        return False
