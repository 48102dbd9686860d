"""The devices that PortAudio lists, the one that would be listened to, and what it can do."""

from __future__ import annotations

from edge_ser.capture.devices import (
    InputDevice,
    find_device,
    hears_the_loudspeaker,
    list_devices,
    load_sounddevice,
    no_microphone,
)
from edge_ser.capture.stream import quiet_stderr
from edge_ser.doctor.finding import Finding
from edge_ser.errors import AudioDeviceError
from edge_ser.settings import SAMPLE_RATE

RATES = (8000, SAMPLE_RATE, 22050, 24000, 32000, 44100, 48000, 96000)  # Hz
MANY_CHANNELS = 8
SHOWN_DEVICES = 5


def devices() -> Finding:
    """List the input devices; a machine without one cannot listen."""
    found = list_devices()
    if not found:
        return Finding.of_error("devices", no_microphone())
    names = [device.name for device in found[:SHOWN_DEVICES]]
    more = len(found) - len(names)
    return Finding("ok", "devices", ", ".join(names) + (f" and {more} more" if more else ""))


def chosen(wanted: str | None) -> tuple[Finding, InputDevice | None]:
    """Find the device that would be listened to, and say whether it is a microphone by its name."""
    try:
        device = find_device(wanted)
    except AudioDeviceError as error:
        return Finding.of_error("microphone", error), None
    found = f"{device.name}, through {device.host_api}"
    if hears_the_loudspeaker(device.name):
        cure = "Choose another of `edge-ser devices` with `--device NAME`"
        return Finding("warn", "microphone", f"{found}: by its name it is what the machine plays", cure), device
    return Finding("ok", "microphone", found), device


def formats(device: InputDevice) -> Finding:
    """Ask PortAudio which sample rates and channels the device does."""
    counts = [count for count in range(1, min(device.channels, MANY_CHANNELS) + 1) if _does(device, None, count)]
    rates = [rate for rate in RATES if any(_does(device, rate, count) for count in counts[:2])]
    if not rates:
        cure = "Close what uses it (`fuser -v /dev/snd/*` shows it), or choose another of `edge-ser devices`"
        return Finding("warn", "formats", "it refuses every usual sample rate: it may be in use", cure)
    found = f"{', '.join(f'{rate / 1000:g}' for rate in rates)} kHz; {_counted(counts)}"
    if not _does(device, SAMPLE_RATE, 1):
        found += "; not 16 kHz mono, so it is converted"
    return Finding("ok", "formats", found)


def _counted(counts: list[int]) -> str:
    if counts == [1]:
        return "1 channel"
    return f"{counts[0]} to {counts[-1]} channels" if len(counts) > 1 else f"{counts[0]} channels"


def _does(device: InputDevice, rate: int | None, channels: int) -> bool:
    sounddevice = load_sounddevice()
    try:
        with quiet_stderr():
            sounddevice.check_input_settings(device.index, channels, "int16", samplerate=rate)
    except sounddevice.PortAudioError:
        return False
    return True
