"""The microphone path as it is: PulseAudio, ALSA, PortAudio, sounddevice, callback, ring.

PortAudio looks at its surroundings once a process, so each recording is made in a process of its own.
"""

import subprocess
import sys

import numpy as np
import pytest
from virtual_microphone import fixed_rate_microphone

from edge_ser.capture.resample import Resampler

PRELUDE = """
import sys, time
import numpy as np
from edge_ser.capture import stream as module
from edge_ser.capture import microphone
from edge_ser.capture.devices import list_devices, find_device
from edge_ser.capture.microphone import MicrophoneSource
from edge_ser.capture.source import open_source
from edge_ser.errors import EdgeSerError

def record(source, seconds):
    blocks, wanted = [], round(seconds * source.sample_rate)
    while wanted > 0:
        blocks.append(source.read())
        assert not blocks[-1].away
        wanted -= len(blocks[-1].samples) + blocks[-1].lost
    return blocks

def undisturbed(work, **options):
    # Where the machine is too busy for PortAudio itself, audio is lost before our callback and it says so: such a
    # recording proves nothing, and is made again.
    for attempt in range(5):
        with MicrophoneSource("virtmic", **options) as source:
            work(source)
            if source.stats().device_overflows == 0:
                return

def save(source, blocks):
    np.savez(
        sys.argv[1], samples=np.concatenate([block.samples for block in blocks]), rate=source.sample_rate,
        channels=source.channels, sizes=[len(block.samples) for block in blocks], lost=[block.lost for block in blocks],
    )
"""

NOISE = np.random.default_rng(1).integers(-20000, 20000, 960_000).astype(np.int16)  # longer than any recording


@pytest.fixture
def run(tmp_path, request):
    """Run code beside a virtual microphone; return what it printed and what it saved."""
    saved = tmp_path / "recording.npz"

    def run(microphone, code, expect_stderr=""):
        process = subprocess.run(
            [sys.executable, "-c", PRELUDE + code, str(saved)],
            env=getattr(microphone, "environment", microphone),
            cwd=request.config.rootpath,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if expect_stderr:
            assert expect_stderr in process.stderr
        else:
            assert process.stderr == ""
        return process.stdout.strip(), dict(np.load(saved)) if saved.exists() else None

    return run


def place_of(recorded, played):
    """Return where `recorded` begins in `played`, which is int16 noise, looped."""
    starts = np.flatnonzero(played == recorded[0])
    return next(int(start) for start in starts if (heard(played, start, 64) == recorded[:64]).all())


def heard(played, start, count):
    return np.take(played, np.arange(start, start + count), mode="wrap")


def tone(frequency, rate, seconds, channels):
    wave = np.rint(16000 * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)).astype(np.int16)
    return np.repeat(wave[:, None], channels, axis=1)


def frequency_of(samples, rate):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


def test_what_is_spoken_is_what_arrives_to_the_bit(virtual_microphone, run):
    with virtual_microphone(16000, 1) as microphone, microphone.playing(NOISE, loop=True):
        _, recording = run(
            microphone,
            """
def work(source):
    record(source, 0.2)
    save(source, record(source, 2.0))
undisturbed(work, ring_seconds=30)
""",
        )
    samples = recording["samples"]
    assert (recording["rate"], recording["channels"], recording["lost"].sum()) == (16000, 1, 0)
    start = place_of(samples, NOISE)
    np.testing.assert_array_equal(samples, heard(NOISE, start, len(samples)))
    assert not (recording["sizes"] % 320).any(), "a callback brings 20 ms"


def test_stereo_at_48_khz_arrives_as_the_mean_of_its_channels_to_the_bit(virtual_microphone, run):
    left, right = NOISE, NOISE[::-1]
    mean = np.rint((left.astype(float) + right) / 2).astype(np.int16)
    with virtual_microphone(48000, 2) as microphone, microphone.playing(np.stack([left, right], 1), loop=True):
        _, recording = run(
            microphone,
            """
def work(source):
    save(source, record(source, 1.0))
undisturbed(work, sample_rate=48000, channels=2, ring_seconds=30)
""",
        )
    samples = recording["samples"]
    assert (recording["rate"], recording["channels"]) == (48000, 2)
    start = place_of(samples, mean)
    np.testing.assert_array_equal(samples, heard(mean, start, len(samples)))


@pytest.mark.parametrize("preferred_rate", [16000, 500_000], ids=["takes 16 kHz", "refuses the rate we prefer"])
def test_a_rate_is_never_silently_wrong(virtual_microphone, run, preferred_rate):
    """PulseAudio converts up to 384 kHz and refuses more, as a device does that knows 44.1 kHz alone."""
    with virtual_microphone(48000, 2) as microphone, microphone.playing(tone(1000, 48000, 1, 2), loop=True):
        _, recording = run(
            microphone,
            f"""
module.SAMPLE_RATE = {preferred_rate}
with MicrophoneSource(ring_seconds=30) as source:
    record(source, 0.5)
    save(source, record(source, 1.0))
""",
        )
    assert recording["rate"] == (16000 if preferred_rate == 16000 else 44100)
    assert recording["lost"].sum() == 0
    resampled = Resampler(int(recording["rate"])).push(recording["samples"])[:16000]
    assert frequency_of(resampled, 16000) == pytest.approx(1000, abs=1.5)


@pytest.mark.parametrize(("channel", "tones"), [(None, {1000, 1700}), (0, {1000}), (1, {1700})])
def test_a_card_of_48_khz_alone_gives_its_tones_at_their_pitch_and_the_channel_asked_for(
    virtual_microphone, run, channel, tones
):
    played = np.stack([tone(1000, 48000, 1, 1)[:, 0] // 2, tone(1700, 48000, 1, 1)[:, 0] // 2], 1)
    with fixed_rate_microphone(48000, 2, played) as card:
        said, _ = run(
            card, "try:\n    MicrophoneSource(sample_rate=16000)\nexcept EdgeSerError as error: print(error)\n"
        )
        assert "cannot be opened" in said
        _, recording = run(
            card,
            f"""
with open_source(channel={channel}) as source:
    record(source, 0.5)
    blocks = record(source, 1.0)
    save(source, blocks)
""",
        )
    assert (recording["rate"], recording["lost"].sum()) == (48000, 0)
    samples = Resampler(48000).push(recording["samples"])[:16000]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    peaks = np.flatnonzero(spectrum > spectrum.max() / 4) * 16000 / len(samples)
    assert {int(frequency) for frequency in np.round(peaks, -1)} == tones


def test_a_slow_reader_loses_the_oldest_and_is_told_exactly_how_much(virtual_microphone, run):
    with virtual_microphone(16000, 1) as microphone, microphone.playing(NOISE, loop=True):
        _, recording = run(
            microphone,
            """
def work(source):
    blocks = record(source, 0.3)
    for _ in range(2):
        time.sleep(0.8)
        blocks += record(source, 0.9)
    save(source, blocks)
    stats = source.stats()
    assert stats.ring.capacity == stats.ring.high_water == 4800, stats
    # Equal, unless more has been lost since the last block.
    assert stats.ring.overflows >= sum(block.lost > 0 for block in blocks) >= 2, stats
    assert stats.ring.lost + stats.device_overflows >= sum(block.lost for block in blocks), stats
undisturbed(work, ring_seconds=0.3)
""",
        )
    lost, sizes = recording["lost"], recording["sizes"]
    assert np.sort(lost)[-2] > 7500  # twice 0.8 s, less the 0.3 s that fit
    edges = np.cumsum(lost + sizes) - sizes  # where each block begins in the stream
    position = place_of(recording["samples"], NOISE) - edges[0]
    for samples, edge in zip(np.split(recording["samples"], np.cumsum(sizes)[:-1]), edges, strict=True):
        np.testing.assert_array_equal(samples, heard(NOISE, position + edge, len(samples)))


def test_close_ends_a_waiting_read_and_leaves_no_audio_behind(virtual_microphone, run):
    with virtual_microphone(16000, 2) as microphone, microphone.playing(np.stack([NOISE, NOISE], 1), loop=True):
        said, _ = run(
            microphone,
            """
import threading
source = MicrophoneSource(channels=2)
record(source, 0.5)
intake = source._stream.intake
assert intake.ring._samples.any() and intake._mono.any()
timer = threading.Timer(0.2, source.close)
timer.start()
while source.read() is not None:
    pass
timer.join()
source.close()
assert source.read() is None
assert not (intake.ring._samples.any() or intake._mono.any() or intake._mixed.any())
print("closed")
""",
        )
    assert said == "closed"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "MicrophoneSource('Virtmik')",
            "There is no input device 'Virtmik'. Choose 'virtmic'; see `edge-ser devices`.",
        ),
        ("MicrophoneSource(99)", "There is no input device 99. Choose 'pulse' or 'virtmic' or 'default'; see"),
        ("MicrophoneSource('')", "'' is part of several names: 'pulse', 'virtmic', 'default'. Give the whole name"),
        (
            "microphone.checked_rate = int; MicrophoneSource(sample_rate=500_000)",
            "Invalid sample rate [PaErrorCode -9997]. Leave",
        ),
        ("MicrophoneSource(sample_rate=5)", "5 Hz is not a whole number from 1000 to 384000. Give the rate"),
        ("MicrophoneSource(channel=32)", "The microphone 'default' has no channel 32. Choose one from 0 to 31"),
        ("MicrophoneSource(channel=-1)", "The microphone 'default' has no channel -1. Choose one from 0 to 31"),
        ("open_source('-', channel=0)", "Only a microphone's channel can be chosen. Leave the channel out"),
        ("MicrophoneSource(channels=99)", "Invalid number of channels [PaErrorCode -9998]. Leave the number"),
    ],
)
def test_what_cannot_be_opened_is_one_line_with_the_cure(virtual_microphone, run, call, message):
    with virtual_microphone(16000, 1) as microphone:
        said, _ = run(microphone, f"try:\n    {call}\nexcept EdgeSerError as error:\n    print(error)\n")
    assert message in said
    assert "\n" not in said


def test_devices_are_found_by_name_part_of_it_and_index(virtual_microphone, run):
    with virtual_microphone(16000, 1) as microphone:
        said, _ = run(
            microphone,
            """
default, = (device for device in list_devices() if device.default)
assert find_device() == default
for device in list_devices():
    assert device == find_device(device.name) == find_device(device.name.upper()) == find_device(device.index)
    assert device == find_device(str(device.index)) == find_device(device.name[:4])
    assert device.channels > 0 and device.sample_rate > 0 and device.host_api == "ALSA"
print([device.name for device in list_devices()])
""",
        )
    assert said == "['pulse', 'virtmic', 'default']"


def test_without_a_microphone_the_cure_is_said(virtual_microphone, run):
    with virtual_microphone(16000, 1) as microphone:
        microphone.stop()
        said, _ = run(microphone, "try:\n    MicrophoneSource()\nexcept EdgeSerError as error:\n    print(error)\n")
    assert said.startswith("There is no microphone. Plug one in")


@pytest.mark.parametrize(
    ("lack", "message"),
    [
        ("sys.modules['sounddevice'] = None", "sounddevice is not installed. Run `pip install sounddevice`."),
        (
            "import ctypes.util; ctypes.util.find_library = lambda name: None",
            "PortAudio is missing (PortAudio library not found). Run `sudo apt-get install libportaudio2`.",
        ),
    ],
)
def test_a_missing_package_or_library_is_one_line_with_the_cure(request, lack, message):
    pytest.importorskip("sounddevice")
    code = f"{PRELUDE}\n{lack}\ntry:\n    MicrophoneSource()\nexcept EdgeSerError as error:\n    print(error)\n"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=request.config.rootpath, capture_output=True, text=True, timeout=60
    )
    assert message in process.stdout
    assert process.stderr == ""


def test_importing_the_capture_side_loads_no_audio_library(request):
    code = PRELUDE + "print({'sounddevice', 'soundfile', 'soxr'} & set(sys.modules))"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=request.config.rootpath, capture_output=True, text=True, timeout=60
    )
    assert process.stdout.strip() == "set()"
