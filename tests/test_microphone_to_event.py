"""The whole path as it is: a recording played into a microphone gives the decisions that the file gives."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
from numpy.typing import NDArray
from speech import demo

from edge_ser import Recognizer

SECONDS = 8.0
MATCHED = 1600  # samples, 100 ms of voice: found once in a recording

# In a process of its own, for PortAudio looks at its surroundings once a process.
LISTEN = """
import json, sys
import numpy as np
from edge_ser import Recognizer
from edge_ser.capture.microphone import MicrophoneSource

class Kept:
    def __init__(self, source):
        self.source, self.name, self.sample_rate, self.blocks = source, source.name, source.sample_rate, []
    def read(self):
        self.blocks.append(self.source.read())
        return self.blocks[-1]
    def close(self):
        self.source.close()

seconds = float(sys.argv[2])
for attempt in range(5):  # where the machine is too busy for PortAudio itself, audio is lost before it reaches us
    with MicrophoneSource("virtmic", ring_seconds=30) as source:
        kept, events = Kept(source), []
        for event in Recognizer().listen(kept):
            events.append(event.to_dict())
            if event.time > seconds:
                break
        if source.stats().device_overflows == 0:
            break
samples = np.concatenate([block.samples for block in kept.blocks])
np.savez(sys.argv[1], samples=samples, events=json.dumps(events), rate=source.sample_rate)
"""


def looped(played: NDArray[np.int16], start: int, count: int) -> NDArray[np.int16]:
    return np.take(played, np.arange(start, start + count), mode="wrap")


def place_of(recorded: NDArray[np.int16], played: NDArray[np.int16]) -> int:
    """Return where `recorded` begins in `played`, looped; found by its loudest tenth of a second."""
    loud = int(np.abs(recorded[:-MATCHED].astype(int)).argmax())
    for place in np.flatnonzero(played == recorded[loud]):
        if (looped(played, int(place), MATCHED) == recorded[loud : loud + MATCHED]).all():
            return (int(place) - loud) % len(played)
    raise AssertionError("what was recorded is not what was played")


def test_a_microphone_gives_the_decisions_of_the_file(virtual_microphone, tmp_path, request) -> None:
    played = demo()
    played = played[: len(played) // 320 * 320]  # looped by writes of 20 ms
    saved = tmp_path / "heard.npz"
    with virtual_microphone(16000, 1) as microphone, microphone.playing(played, loop=True):
        subprocess.run(
            [sys.executable, "-c", LISTEN, str(saved), str(SECONDS)],
            env=microphone.environment,
            cwd=request.config.rootpath,
            check=True,
            timeout=90,
        )
    with np.load(saved) as heard:
        samples, events, rate = heard["samples"], json.loads(str(heard["events"])), int(heard["rate"])
    assert rate == 16000
    np.testing.assert_array_equal(samples, looped(played, place_of(samples, played), len(samples)))
    timeline = Recognizer().recognize(samples, sample_rate=rate).timeline
    assert len(events) > 0.9 * SECONDS / 0.08
    assert events == [event.to_dict() for event in timeline[: len(events)]]
    assert {"emotion", "no_speech"} <= {event["state"] for event in events}
