"""The microphones that PortAudio knows, and which of them is meant."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from edge_ser.errors import AudioDeviceError

_SOUND_NODES = Path("/dev/snd")


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A microphone, or anything else that PortAudio can record from."""

    index: int
    """PortAudio's number; another one after something was plugged in."""

    name: str

    channels: int
    """Greatest number that it can be opened with."""

    sample_rate: int
    """Hz, the one it is opened at by default; it may do others."""

    host_api: str
    """The system through which it is reached, such as ALSA."""

    default: bool
    """Whether it is the one opened where none is named."""


def load_sounddevice() -> ModuleType:
    """Import sounddevice, which loads PortAudio.

    Raises
    ------
    AudioDeviceError
        The package or the library is missing.
    """
    try:
        # Imported here: importing edge_ser must not need, or start, an audio system.
        import sounddevice
    except ImportError as error:
        raise AudioDeviceError("The package sounddevice is not installed", "Run `pip install sounddevice`") from error
    except OSError as error:
        raise AudioDeviceError(
            f"The system library PortAudio is missing ({error})", "Run `sudo apt-get install libportaudio2`"
        ) from error
    module: ModuleType = sounddevice
    return module


def list_devices() -> tuple[InputDevice, ...]:
    """Return every input device, in PortAudio's order.

    PortAudio looks once a process: what is plugged in later is not in the list.

    Raises
    ------
    AudioDeviceError
        sounddevice or PortAudio is missing or does not work.
    """
    sounddevice = load_sounddevice()
    try:
        host_apis = sounddevice.query_hostapis()
        devices = sounddevice.query_devices()
    except sounddevice.PortAudioError as error:
        raise AudioDeviceError(f"PortAudio does not work: {error}", "Restart the sound system") from error
    default = sounddevice.default.device[0]
    if default < 0:
        inputs = (index for index, device in enumerate(devices) if device["max_input_channels"] > 0)
        default = next(inputs, -1)
    return tuple(
        InputDevice(
            index=index,
            name=str(device["name"]),
            channels=int(device["max_input_channels"]),
            sample_rate=round(device["default_samplerate"]),
            host_api=str(host_apis[device["hostapi"]]["name"]),
            default=index == default,
        )
        for index, device in enumerate(devices)
        if device["max_input_channels"] > 0
    )


def find_device(wanted: str | int | None = None) -> InputDevice:
    """Return the device that is meant.

    Parameters
    ----------
    wanted : str, int or None
        An index; a name, or a part of one that only one device has, in any case of letters; None for the default.

    Raises
    ------
    AudioDeviceError
        There is no microphone, none of that name or index, or several.
    """
    devices = list_devices()
    if not devices:
        raise no_microphone()
    if wanted is None:
        return next(device for device in devices if device.default)
    if isinstance(wanted, str) and wanted.isdecimal():
        wanted = int(wanted)
    if isinstance(wanted, int):
        matches = [device for device in devices if device.index == wanted]
    else:
        # The same name may come through several host APIs; the first is that of the system's choice.
        name = wanted.casefold()
        matches = [device for device in devices if device.name.casefold() == name][:1]
        matches = matches or [device for device in devices if name in device.name.casefold()]
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = ", ".join(repr(device.name) for device in matches)
        raise AudioDeviceError(f"{wanted!r} is part of several names: {names}", "Give the whole name or the index")
    choice = _nearest(wanted, devices)
    raise AudioDeviceError(f"There is no input device {wanted!r}", f"Choose {choice}; see `edge-ser devices`")


def no_microphone() -> AudioDeviceError:
    """Return the error for a machine without an input device, which looks for the reason."""
    captures = list(_SOUND_NODES.glob("pcmC*c"))
    if captures and not any(os.access(node, os.R_OK | os.W_OK) for node in captures):
        return AudioDeviceError(
            "There is a microphone, but this user may not use it",
            "Run `sudo usermod -aG audio $USER`, then log out and in",
        )
    return AudioDeviceError(
        "There is no microphone", "Plug one in and look with `edge-ser devices`, or name a file with `--source`"
    )


def _nearest(wanted: str | int, devices: tuple[InputDevice, ...]) -> str:
    names = list(dict.fromkeys(device.name for device in devices))
    near = difflib.get_close_matches(str(wanted), names, n=3, cutoff=0.4) or names[:3]
    return " or ".join(repr(name) for name in near)
