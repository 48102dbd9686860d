"""A microphone that goes away and comes back while it is listened to: no restart, no hang, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from edge_ser.capture import devices, reopening
from edge_ser.capture.devices import InputDevice
from edge_ser.capture.reopening import Reopening, delays
from edge_ser.capture.stream import Wish
from edge_ser.errors import AudioDeviceError

NOISE = np.random.default_rng(1).integers(-3000, 3000, 160_000).astype(np.int16)
CYCLES = 200

EVENTS = """
import json
from edge_ser import Recognizer
recognizer = Recognizer()
for event in recognizer.listen(device="virtmic"):
    print(json.dumps(event.to_dict()), flush=True)
    if "mic_restored" in event.notices and recognizer.stats().mic_restorations == {times}:
        break
print(json.dumps(dataclasses.asdict(recognizer.stats())))
"""

PRELUDE = """
import dataclasses, gc, os, sys, time
import numpy as np
import sounddevice
from edge_ser.capture import devices, microphone, reopening
from edge_ser.capture.microphone import MicrophoneSource

def until(source, notice):
    while notice not in source.read().notices:
        pass

def used():
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
"""


@contextmanager
def program(code: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start code, for PortAudio looks at its surroundings once a process; it must end well."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code],
        env={**environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(100, process.kill)
    watchdog.start()
    try:
        yield process
        error = process.stderr.read()  # PortAudio writes "Expression ..." where a device goes away
        assert process.wait() == 0, error
    finally:
        process.kill()
        watchdog.cancel()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def events_until(process: subprocess.Popen[str], wanted: Callable[[dict], bool]) -> list[dict]:
    events = [json.loads(process.stdout.readline())]
    while not wanted(events[-1]):
        events.append(json.loads(process.stdout.readline()))
    return events


def lost(event: dict) -> bool:
    return event["state"] == "mic_lost"


def restored(event: dict) -> bool:
    return "mic_restored" in event["notices"]


def check_absence(before: list[dict], away: list[dict]) -> None:
    """Check what is said from before the loss to the first event with audio again."""
    *lost_events, back = away
    assert [event["notices"] for event in lost_events] == [["mic_lost"], *[[]] * (len(lost_events) - 1)]
    assert all(lost(event) and not event["speech"] and event["emotion"] is None for event in lost_events)
    assert back["notices"] == ["mic_restored"]
    assert back["flags"]["gap"]
    times = [event["time"] for event in [*before, *away]]
    assert times == sorted(times)
    # An event at once and then every second: none is missed, whatever the machine's pace.
    steps = np.diff([event["time"] for event in lost_events])
    assert all(0.9 < step < 10 for step in steps), steps


def test_a_microphone_is_unplugged_and_plugged_in_again_twice_without_a_restart(virtual_microphone):
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(NOISE, loop=True),
        program(EVENTS.format(times=2), microphone.environment) as process,
    ):
        for _ in range(2):
            heard = events_until(process, lambda event: not lost(event) and not restored(event))
            microphone.unplug()
            heard += events_until(process, lost)
            away = [heard.pop(), *events_until(process, lost), *events_until(process, lost)]  # at least 2 s
            microphone.plug()
            away += events_until(process, restored)
            check_absence(heard, away)
        stats = json.loads(process.stdout.readline())
    assert (stats["mic_losses"], stats["mic_restorations"]) == (2, 2)
    assert stats["away_seconds"] > 2
    assert (stats["overflows"], stats["lost_seconds"]) == (0, 0)


def test_a_sound_server_dies_and_another_is_started(virtual_microphone):
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(NOISE, loop=True),
        program(EVENTS.format(times=1), microphone.environment) as process,
    ):
        heard = events_until(process, lambda event: True)
        os.kill(microphone.pid, signal.SIGKILL)
        heard += events_until(process, lost)
        away = [heard.pop(), *events_until(process, lost)]
        microphone.restart()
        away += events_until(process, restored)
        check_absence(heard, away)
        process.stdout.read()


def test_a_microphone_from_which_nothing_comes_is_taken_for_gone(virtual_microphone):
    code = "import json; microphone.DEAD_SECONDS = 0.5\n" + EVENTS.format(times=1)
    with virtual_microphone(16000, 1) as microphone, program(code, microphone.environment) as process:
        away = events_until(process, lost) + events_until(process, lost)
        with microphone.playing(NOISE, loop=True):
            away += events_until(process, restored)
            check_absence([], away)
            process.stdout.read()


def test_nothing_is_left_behind_by_many_losses(virtual_microphone):
    """Each with the real PortAudio; every tenth time it is ended and started again too."""
    code = f"""
source = MicrophoneSource("virtmic")
source.read()
source._stream._portaudio.abort()  # which ends the stream as a device does that goes away
until(source, "mic_restored")
before = used()
for cycle in range({CYCLES}):
    source._stream._portaudio.abort()
    if cycle % 10 == 0:
        devices._nodes_at_renewal = None
    until(source, "mic_lost")
    until(source, "mic_restored")
assert used() == before, (before, used())
stats = source.stats()
assert (stats.losses, stats.restorations) == ({CYCLES + 1}, {CYCLES + 1}), stats
source.close()
print("no more than before")
"""
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(NOISE, loop=True),
        program(code, microphone.environment) as process,
    ):
        assert process.stdout.read() == "no more than before\n"


def test_another_stream_of_the_program_goes_on(virtual_microphone):
    """PortAudio cannot look again without ending it; the microphone is found all the same where it was."""
    code = """
calls = []
other = sounddevice.RawInputStream(device="pulse", samplerate=16000, callback=lambda *_: calls.append(None))
other.start()
source = MicrophoneSource("virtmic")
source.read()
source._stream._portaudio.abort()
until(source, "mic_restored")
source.close()
assert not devices.renew_devices()
before = len(calls)
while len(calls) == before:
    time.sleep(0.01)
other.close()
assert devices.renew_devices()
print("went on")
"""
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(NOISE, loop=True),
        program(code, microphone.environment) as process,
    ):
        assert process.stdout.read() == "went on\n"


def test_what_is_plugged_in_ends_the_wait(virtual_microphone, tmp_path):
    code = f"""
from pathlib import Path
reopening.FIRST_DELAY_SECONDS = reopening.LAST_DELAY_SECONDS = 1000
devices._SOUND_NODES = Path({str(tmp_path)!r})
with MicrophoneSource("virtmic") as source:
    source.read()
    print("heard", flush=True)
    until(source, "mic_lost")
    source.read()  # a second, by which the first attempt has failed
    print("lost", flush=True)
    until(source, "mic_restored")
print("restored")
"""
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(NOISE, loop=True),
        program(code, microphone.environment) as process,
    ):
        assert process.stdout.readline() == "heard\n"
        microphone.unplug()
        assert process.stdout.readline() == "lost\n"
        microphone.plug()
        (tmp_path / "pcmC1D0c").touch()
        assert process.stdout.readline() == "restored\n"


def test_a_microphone_plugged_in_after_the_program_was_started_is_found(virtual_microphone):
    code = """
try:
    MicrophoneSource("virtmic")
except microphone.AudioDeviceError as error:
    print(error.problem, flush=True)
sys.stdin.readline()
MicrophoneSource("virtmic").close()
print("found")
"""
    with virtual_microphone(16000, 1) as microphone, microphone.playing(NOISE, loop=True):
        microphone.stop()
        with program(code, microphone.environment) as process:
            assert process.stdout.readline() == "There is no microphone\n"
            microphone.restart()
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.read() == "found\n"


def test_close_in_another_thread_ends_listening_at_once(virtual_microphone):
    """While it hears, and while its microphone is away; meanwhile that thread asks for the counters."""
    code = """
import threading
from edge_ser import Recognizer
microphone.TICK_SECONDS = microphone.DEAD_SECONDS = 1000  # what waits must be woken
recognizer = Recognizer()
states = []
def listen():
    for event in recognizer.listen(device="virtmic"):
        states.append(event.state)
for wanted in ("no_speech", "mic_lost"):
    thread = threading.Thread(target=listen)
    thread.start()
    while wanted not in states:
        recognizer.stats()
        time.sleep(0.01)
        if wanted == "mic_lost" and states:
            print("heard", flush=True)
            sys.stdin.readline()
            while wanted not in states:
                time.sleep(0.01)
    recognizer.close()
    thread.join()
    states.clear()
while threading.active_count() > 1:
    time.sleep(0.01)
print("ended")
"""
    with (
        virtual_microphone(16000, 1) as microphone,
        microphone.playing(NOISE, loop=True),
        program(code, microphone.environment) as process,
    ):
        assert process.stdout.readline() == "heard\n"
        microphone.unplug()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ended\n"


def test_a_loopback_is_told_as_the_wrong_device(virtual_microphone):
    named = 'pcm.loopback { type pulse  device "virtmic"  hint { show on  description "loopback" } }'
    code = """
for name in ("loopback", "virtmic"):
    with MicrophoneSource(name) as source:
        print(name, source.read().notices, source.read().notices)
"""
    with (
        virtual_microphone(16000, 1, named) as microphone,
        microphone.playing(NOISE, loop=True),
        program(code, microphone.environment) as process,
    ):
        assert process.stdout.read().splitlines() == ["loopback ('wrong_device',) ()", "virtmic () ()"]


CARD = InputDevice(3, "USB PnP Sound Device: Audio (hw:1,0)", 1, 48000, "ALSA", True)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ([("HDA: Analog (hw:0,0)", "ALSA"), ("USB PnP Sound Device: Audio (hw:2,0)", "ALSA")], 1),
        ([("USB PnP Sound Device: Audio (hw:2,0)", "ALSA"), ("USB PnP Sound Device: Audio (hw:1,0)", "ALSA")], 1),
        ([("USB PnP Sound Device: Audio (hw:2,0)", "JACK"), ("HDA: Analog (hw:1,0)", "ALSA")], None),
    ],
    ids=["another number", "a twin", "another device under its number"],
)
def test_a_device_is_remembered_by_its_name_not_its_number(monkeypatch, now, found):
    listed = tuple(InputDevice(i, name, 1, 48000, api, False) for i, (name, api) in enumerate(now))
    monkeypatch.setattr(devices, "list_devices", lambda: listed)
    monkeypatch.setattr(devices, "renew_devices", lambda: True)
    if found is None:
        with pytest.raises(AudioDeviceError, match="is not there"):
            devices.find_again(CARD)
    else:
        assert devices.find_again(CARD) is listed[found]


@pytest.mark.parametrize(
    ("card", "found"), [("USB PnP Sound Device", True), ("Another USB PnP Sound Device", False), (None, False)]
)
def test_an_old_list_is_used_only_while_the_number_is_that_of_the_same_card(monkeypatch, tmp_path, card, found):
    cards = tmp_path / "cards"
    if card is not None:
        cards.write_text(
            " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA Intel PCH at 0xf7f10000\n"
            f" 1 [Device         ]: USB-Audio - {card}\n                      C-Media {card} at usb-1.2\n"
        )
    monkeypatch.setattr(devices, "_CARDS", cards)
    monkeypatch.setattr(devices, "list_devices", lambda: (CARD,))
    monkeypatch.setattr(devices, "renew_devices", lambda: False)  # somebody else has a stream
    monkeypatch.setattr(devices, "_nodes_at_renewal", None)
    if found:
        assert devices.find_again(CARD) is CARD
    else:
        with pytest.raises(AudioDeviceError, match="is not there"):
            devices.find_again(CARD)


class Closes:
    """What `Reopening` needs of a stream that is lost, or found."""

    device = CARD

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def hung(monkeypatch) -> Iterator[tuple[Reopening, threading.Event, Closes]]:
    """A search in which PortAudio does not return until it is let go; that, no device does on demand."""
    pytest.importorskip("sounddevice")
    called, returns, found = threading.Event(), threading.Event(), Closes()

    def reopen_stream(device: InputDevice, wish: Wish) -> Closes:
        called.set()
        returns.wait()
        return found

    monkeypatch.setattr(reopening, "reopen_stream", reopen_stream)
    monkeypatch.setattr(reopening, "STOP_SECONDS", 0.1)
    search = Reopening(Closes(), Wish(None, None, None, 2.0), delays())  # type: ignore[arg-type]
    assert called.wait(10)
    try:
        yield search, returns, found
    finally:
        returns.set()
        search._thread.join()


def test_where_portaudio_hangs_it_is_an_error_and_closing_does_not_wait(monkeypatch, hung):
    search, _, _ = hung
    assert search.wait(0.05) is None
    monkeypatch.setattr(reopening, "HUNG_SECONDS", 0.01)
    with pytest.raises(AudioDeviceError, match="Start the program again"):
        search.wait(0.05)
    search.stop()
    assert search._thread.is_alive()


def test_a_search_that_breaks_off_is_an_error_and_not_waited_for(monkeypatch):
    """A watchdog trusts that somebody looks for the microphone while its source says so."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # what the thread raises is meant
    monkeypatch.setattr(reopening, "reopen_stream", lambda device, wish: 1 / 0)
    search = Reopening(Closes(), Wish(None, None, None, 2.0), delays())  # type: ignore[arg-type]
    search._thread.join(10)
    with pytest.raises(AudioDeviceError, match="broken off"):
        search.wait(0.05)


def test_what_is_found_too_late_is_closed(hung):
    search, returns, found = hung
    search.stop()
    assert not found.closed.is_set()
    returns.set()
    assert found.closed.wait(10)
