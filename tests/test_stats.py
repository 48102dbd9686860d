"""What is counted when the program is late: every sample is heard or counted as lost, and the delay is bounded."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from speech import demo

from edge_ser import Event, Recognizer
from edge_ser.capture.microphone import MicrophoneStats
from edge_ser.capture.ring import Ring
from edge_ser.capture.source import BLOCK_SECONDS, Block
from edge_ser.student.stepper import Stepper

RATE = 16000  # Hz
SECONDS = 40  # of the speaker's time
RING_SECONDS = 1.0
STEP_SECONDS = 0.08
SLOW_SECONDS = 0.5  # that one step of the slow student takes, of the speaker's time


class Room:
    """A speaker whose words go into a real ring as time passes, and a source that reads it as a microphone's does."""

    name = "room"
    sample_rate = RATE

    def __init__(self) -> None:
        self.speech = np.tile(demo(), 4)[: SECONDS * RATE]
        self.ring = Ring(round(RING_SECONDS * RATE))
        self.now = 0  # samples spoken
        self.read_blocks: list[Block] = []

    def pass_time(self, seconds: float) -> None:
        """Speak on, in callbacks of 20 ms."""
        end = min(self.now + round(seconds * RATE), len(self.speech))
        while self.now < end:
            self.ring.write(self.speech[self.now : min(self.now + 320, end)])
            self.now = min(self.now + 320, end)
        if self.now == len(self.speech):
            self.ring.close()

    def read(self) -> Block | None:
        if not self.ring.stats().depth:
            self.pass_time(0.02)
        samples, lost = self.ring.read(round(BLOCK_SECONDS * RATE), 0.0)
        if not len(samples):
            return None
        self.read_blocks.append(Block(samples, lost))
        return self.read_blocks[-1]

    def stats(self) -> MicrophoneStats:
        return MicrophoneStats(self.ring.stats(), 0, 0, 0)

    def close(self) -> None:
        self.ring.close()


@pytest.fixture
def room(monkeypatch) -> Room:
    """A room in which the student takes its time: the real one, in whose every step half a second passes."""
    room = Room()

    class SlowStepper(Stepper):
        def __call__(self, features: Any) -> Any:
            room.pass_time(SLOW_SECONDS)
            return super().__call__(features)

    monkeypatch.setattr("edge_ser.pipeline.Stepper", SlowStepper)
    return room


def test_a_slow_student_loses_audio_in_a_counted_way_and_is_never_far_behind(room: Room) -> None:
    recognizer = Recognizer()
    events: list[Event] = []
    delays, depths = [], []
    for event in recognizer.listen(room):  # type: ignore[arg-type]
        events.append(event)
        delays.append(room.now / RATE - event.time)
        depths.append(recognizer.stats().queue_seconds)
    stats = recognizer.stats()
    heard = sum(len(block.samples) for block in room.read_blocks)
    lost = sum(block.lost for block in room.read_blocks)
    # Every sample that was spoken.
    assert heard + lost == len(room.speech) == SECONDS * RATE
    assert room.ring.stats().lost == lost > SECONDS * RATE / 4
    assert stats.lost_seconds == pytest.approx(lost / RATE)
    assert stats.overflows == sum(block.lost > 0 for block in room.read_blocks) > 10
    assert stats.steps == len(events) == -(-heard // 1280)
    # The clock is that of the room, at the end as well.
    assert events[-1].time == pytest.approx((heard + lost) / RATE)
    # What waits is bounded, and so is the delay: the ring, and the steps of the block that was read from it.
    assert max(depths) <= stats.queue_high_water_seconds == RING_SECONDS
    assert (stats.queue_seconds, stats.away_seconds, stats.mic_losses) == (0, 0, 0)
    assert max(delays) <= RING_SECONDS + BLOCK_SECONDS + STEP_SECONDS + 3 * SLOW_SECONDS
    # Lost audio is told by the next event, and by no other.
    ends = np.cumsum([len(block.samples) for block in room.read_blocks])
    after_loss = {
        int((end - len(block.samples)) // 1280) for end, block in zip(ends, room.read_blocks, strict=True) if block.lost
    }
    assert {index for index, event in enumerate(events) if event.flags.gap} == after_loss


def test_percentiles_are_in_order_and_of_the_last_steps() -> None:
    recognizer = Recognizer()
    assert recognizer.stats().step_ms_p99 == 0
    recognizer.recognize(demo(), RATE)
    stats = recognizer.stats()
    assert 0 < stats.step_ms_p50 <= stats.step_ms_p95 <= stats.step_ms_p99
    assert stats.steps == -(-len(demo()) // 1280)


def test_losses_of_the_microphone_are_counted_apart() -> None:
    class Goes(Room):
        def __init__(self) -> None:
            self.blocks = [
                Block(demo()[:16000]),
                Block(np.zeros(0, np.int16), 8000, away=True, notices=("mic_lost",)),
                Block(np.zeros(0, np.int16), 16000, away=True),
                Block(demo()[:16000], 4000, notices=("mic_restored",)),
                Block(demo()[:16000], 160),
            ]

        def read(self) -> Block | None:
            return self.blocks.pop(0) if self.blocks else None

        stats = None  # type: ignore[assignment]

    recognizer = Recognizer()
    events = list(recognizer.listen(Goes()))  # type: ignore[arg-type]
    stats = recognizer.stats()
    assert (stats.mic_losses, stats.mic_restorations, stats.away_seconds) == (1, 1, 1.75)
    assert (stats.overflows, stats.lost_seconds) == (1, 0.01)
    assert stats.steps == len(events) - 2
    assert events[-1].time == 3 + 1.76
    assert [event.state == "mic_lost" for event in events].index(True) == 12


def test_counters_of_many_threads_add_up_while_others_read_them() -> None:
    recognizer = Recognizer()
    pcm = demo()[:32000]
    over = threading.Event()
    seen: list[int] = []

    def watch() -> None:
        while not over.is_set():
            seen.append(recognizer.stats().steps)

    watcher = threading.Thread(target=watch)
    workers = [threading.Thread(target=lambda: list(recognizer.listen(pcm, sample_rate=RATE))) for _ in range(6)]
    watcher.start()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    over.set()
    watcher.join()
    assert recognizer.stats().steps == 6 * 25
    assert seen == sorted(seen)
