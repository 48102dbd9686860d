"""All checks in order, each telling what it found as soon as it has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from edge_ser.doctor import board, microphone, recording, runtimes, software, sound_system
from edge_ser.doctor.finding import Finding, unknown
from edge_ser.errors import EdgeSerError
from edge_ser.settings import Settings

Area = Literal["software", "microphone", "board"]


def examine(
    settings: Settings,
    *,
    with_recording: bool = True,
    root: Path = board.ROOT,
    announce: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Area, Finding]]:
    """Look at everything that recognising needs.

    Parameters
    ----------
    settings : Settings
        The model, runtime and microphone that are looked at.
    with_recording : bool
        Record from the microphone for a second and a half.
    root : Path
        Folder in which `sys`, `proc` and `dev` are.
    announce : callable
        Told what a person should do while it happens.

    Yields
    ------
    area, finding : Area, Finding
    """
    yield from _in("software", _software(settings))
    yield from _in("microphone", _microphone(settings, with_recording, root, announce))
    yield from _in("board", _board(root))


def _software(settings: Settings) -> Iterator[Finding]:
    yield software.python()
    yield software.numpy()
    yield software.tables()
    finding, model = software.model(settings)
    yield finding
    if model is None:
        yield unknown("speed", "not measured: the model cannot be used")
        return
    yield from runtimes.runtimes(model, settings)
    yield _careful("speed", lambda: runtimes.speed(model, settings))


def _microphone(
    settings: Settings, with_recording: bool, root: Path, announce: Callable[[str], None]
) -> Iterator[Finding]:
    yield sound_system.access(root)
    yield from sound_system.sound_server(os.environ)
    portaudio = _careful("PortAudio", sound_system.portaudio)
    yield portaudio
    if portaudio.status == "fail":
        return
    devices = _careful("devices", microphone.devices)
    yield devices
    if devices.status == "fail":
        return
    finding, device = microphone.chosen(settings.device)
    yield finding
    if device is None:
        return
    yield _careful("formats", lambda: microphone.formats(device))
    if not with_recording:
        yield unknown("recording", "not made, as it was asked for")
        return
    announce(f"Recording for {recording.RECORD_SECONDS:g} s: please say something.")
    try:
        heard = recording.record(device.index)
    except EdgeSerError as error:
        yield Finding.of_error("recording", error)
        return
    yield from recording.judge(heard)


def _board(root: Path) -> Iterator[Finding]:
    yield board.processor(root)
    yield board.governor(root)
    yield board.temperature(root)
    yield board.throttling(root)
    yield board.memory(root)
    yield board.clock()
    yield board.service(root, os.environ)


def _in(area: Area, findings: Iterator[Finding]) -> Iterator[tuple[Area, Finding]]:
    for finding in findings:
        yield area, finding


def _careful(check: str, look: Callable[[], Finding]) -> Finding:
    """Return what a check found, or the error that it met."""
    try:
        return look()
    except EdgeSerError as error:
        return Finding.of_error(check, error)
