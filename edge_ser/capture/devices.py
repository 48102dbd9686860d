"""The microphones that PortAudio knows, and which of them is meant."""

from __future__ import annotations

import difflib
import gc
import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from edge_ser.errors import AudioDeviceError

PORTAUDIO = threading.RLock()
"""Held while devices are listed, listed anew and opened: PortAudio does not bear these at the same time."""

_SOUND_NODES = Path("/dev/snd")
_CARDS = Path("/proc/asound/cards")
_nodes_at_renewal: frozenset[tuple[str, int]] | None = None  # when PortAudio looked again; None before

_CARD = re.compile(r"(.*?): .* \(hw:(\d+),\d+\)$")  # as PortAudio names a device: card, device, numbers
_CARD_NUMBER = re.compile(r" \(hw:\d+,\d+\)$")  # which ALSA gives in the order of plugging in
_LOOPBACKS = ("monitor of ", ".monitor", "loopback", "stereo mix", "what u hear")


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
    except Exception as error:  # a PortAudioError, which cannot be imported
        raise _broken(error) from error
    module: ModuleType = sounddevice
    return module


def list_devices() -> tuple[InputDevice, ...]:
    """Return every input device, in PortAudio's order.

    PortAudio looks once a process: what is plugged in later is not in the list until `renew_devices`.

    Raises
    ------
    AudioDeviceError
        sounddevice or PortAudio is missing or does not work.
    """
    sounddevice = load_sounddevice()
    try:
        with PORTAUDIO:
            host_apis = sounddevice.query_hostapis()
            devices = sounddevice.query_devices()
            default = sounddevice.default.device[0]
    except sounddevice.PortAudioError as error:
        raise _broken(error) from error
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


def find_again(device: InputDevice) -> InputDevice:
    """Return where a device is now that was there before, under the same name.

    PortAudio looks again where something was plugged in or out, or where the device is not in its list; not each time,
    for that leaves 13 kB behind in PortAudio 19.6.

    Raises
    ------
    AudioDeviceError
        It is not there.
    """
    with PORTAUDIO:
        found = _same_name(device) if sound_nodes() == _nodes_at_renewal else None
        if found is None:
            renewed = renew_devices()
            found = _same_name(device)
            if found is not None and not renewed and _is_another_card(found):
                found = None
    if found is None:
        raise AudioDeviceError(f"The microphone {device.name!r} is not there", "Plug it in again")
    return found


def sound_nodes() -> frozenset[tuple[str, int]]:
    """Return the sound hardware's device files and when they changed: other ones where something was plugged in."""
    nodes = set()
    with suppress(OSError):  # no hardware, or one that goes away just now
        for node in _SOUND_NODES.iterdir():
            nodes.add((node.name, node.stat().st_ctime_ns))
    return frozenset(nodes)


def _same_name(device: InputDevice) -> InputDevice | None:
    devices = [other for other in list_devices() if other.host_api == device.host_api]
    same = [other for other in devices if other.name == device.name]
    same = same or [other for other in devices if stable_name(other.name) == stable_name(device.name)]
    return next(iter(same), None)


def _is_another_card(device: InputDevice) -> bool:
    """Say whether a device's number, by which PortAudio opens it, has gone to another card."""
    numbered = _CARD.match(device.name)
    if numbered is None:
        return False
    name, number = numbered.groups()
    with suppress(OSError):
        return not re.search(rf"^ *{number} \[.* - {re.escape(name)}$", _CARDS.read_text(), re.MULTILINE)
    return True


def stable_name(name: str) -> str:
    """Return a device's name without the number of its card, which another plug may change.

    Examples
    --------
    >>> stable_name("USB PnP Sound Device: Audio (hw:1,0)")
    'USB PnP Sound Device: Audio'
    """
    return _CARD_NUMBER.sub("", name)


def hears_the_loudspeaker(name: str) -> bool:
    """Say whether a device is, by its name, no microphone but what the machine itself plays.

    Examples
    --------
    >>> hears_the_loudspeaker("Monitor of Built-in Audio"), hears_the_loudspeaker("USB Microphone")
    (True, False)
    """
    return any(part in name.casefold() for part in _LOOPBACKS)


def renew_devices() -> bool:
    """Have PortAudio look again at what is plugged in, unless that would end somebody's stream; say whether it did.

    Raises
    ------
    AudioDeviceError
        PortAudio is missing, or does not start again.
    """
    global _nodes_at_renewal
    sounddevice = load_sounddevice()
    with PORTAUDIO:
        # sounddevice keeps no list of its streams; those of the program that we are part of count too. Not isinstance,
        # which would wake other people's proxies; one without latency was never opened.
        streams = [each for each in gc.get_objects() if issubclass(type(each), sounddevice._StreamBase)]
        if any(hasattr(stream, "latency") and not stream.closed for stream in streams):
            return False
        _nodes_at_renewal = sound_nodes()
        try:
            while sounddevice._initialized:  # 0 where it did not start the last time
                sounddevice._terminate()
            sounddevice._initialize()
        except sounddevice.PortAudioError as error:
            raise _broken(error) from error
    return True


def _broken(error: Exception) -> AudioDeviceError:
    return AudioDeviceError(f"PortAudio does not work: {error}", "Restart the sound system")


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
