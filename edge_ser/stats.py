"""What recognising costs, and what was lost on the way: counted by threads, read by threads."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_ser.capture.source import Block, Source
from edge_ser.events import Event

if TYPE_CHECKING:
    from edge_ser.decision.ended import Utterance

REMEMBERED_STEPS = 1000  # behind the percentiles: the last 80 s


@dataclass(frozen=True, slots=True)
class Stats:
    """What recognising has cost so far."""

    steps: int
    """Worked through."""

    overflows: int
    """Times that audio was lost because the program or the device was late."""

    lost_seconds: float
    """Audio lost in this way."""

    mic_losses: int
    """Times that a microphone went away."""

    mic_restorations: int
    """Times that one came back."""

    away_seconds: float
    """Time without the microphone that was listened to."""

    queue_seconds: float
    """Audio that waits to be read, in all microphones that are listened to now."""

    queue_high_water_seconds: float
    """Most that has waited in one microphone."""

    step_ms_p50: float
    """Median computing time of the last steps, resampling included; 0 before the first."""

    step_ms_p95: float
    """What 95 of 100 of them kept to."""

    step_ms_p99: float
    """What 99 of 100 of them kept to."""

    step_ms_last: float
    """Of the last step."""

    utterances: int = 0
    """That have ended."""

    uncertain_utterances: int = 0
    """Of them, those that ended without an emotion being named."""

    degraded_utterances: int = 0
    """Of them, those with lost or clipped audio."""

    noisy_utterances: int = 0
    """Of them, those with a loud background."""

    drift: float = 0.0
    """How far the last utterances are from those in training; beyond 1 is drift, 0 where it is not known."""

    drift_alerts: int = 0
    """Times that a drift began."""


class Tally:
    """Counts for `Stats`; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # never held by the audio callback
        self._counts: Counter[str] = Counter()
        self._seconds = {"lost": 0.0, "away": 0.0, "high_water": 0.0}
        self._drift = 0.0
        self._step_seconds: deque[float] = deque(maxlen=REMEMBERED_STEPS)
        self._sources: list[Source] = []  # that are being read

    @contextmanager
    def reading(self, source: Source) -> Iterator[None]:
        """Count what waits in a source while it is read."""
        with self._lock:
            self._sources.append(source)
        try:
            yield
        finally:
            with self._lock:
                self._sources.remove(source)
                self._seconds["high_water"] = max(self._seconds["high_water"], _queue(source)[1])

    def add_block(self, block: Block, sample_rate: int) -> None:
        """Count what was lost before a block, in Hz of its source, and what befell the source."""
        if not (block.lost or block.notices):
            return
        away = block.away or "mic_restored" in block.notices
        with self._lock:
            self._seconds["away" if away else "lost"] += block.lost / sample_rate
            self._counts["overflow"] += block.lost > 0 and not away
            self._counts.update(block.notices)

    def add_steps(self, steps: int, seconds: float) -> None:
        """Count steps, and the computing time that all of them took."""
        with self._lock:
            self._counts["step"] += steps
            self._step_seconds.extend([seconds / steps] * steps)

    def add_utterances(self, utterances: Sequence[Utterance], drift: float) -> None:
        """Count utterances that have ended, and note how far the last of their stream have drifted."""
        if not utterances:
            return
        with self._lock:
            self._drift = drift
            self._counts["utterance"] += len(utterances)
            for each in utterances:
                self._counts["uncertain"] += each.decision == "uncertain"
                self._counts["degraded"] += each.flags.gap or each.flags.clipping
                self._counts["noise"] += each.flags.noise

    def add_events(self, events: Sequence[Event]) -> None:
        """Count what the pipeline has noticed."""
        alerts = sum("drift" in event.notices for event in events)
        if alerts:
            with self._lock:
                self._counts["drift"] += alerts

    def stats(self) -> Stats:
        """Return what was counted."""
        with self._lock:
            milliseconds = 1000 * np.array(list(self._step_seconds) or [0.0])
            queues = [_queue(source) for source in self._sources]
            counts, seconds, drift = self._counts.copy(), dict(self._seconds), self._drift
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99)).tolist()
        return Stats(
            steps=counts["step"],
            overflows=counts["overflow"],
            lost_seconds=seconds["lost"],
            mic_losses=counts["mic_lost"],
            mic_restorations=counts["mic_restored"],
            away_seconds=seconds["away"],
            queue_seconds=sum(waiting for waiting, _ in queues),
            queue_high_water_seconds=max([seconds["high_water"], *(most for _, most in queues)]),
            step_ms_p50=p50,
            step_ms_p95=p95,
            step_ms_p99=p99,
            step_ms_last=milliseconds[-1].item(),
            utterances=counts["utterance"],
            uncertain_utterances=counts["uncertain"],
            degraded_utterances=counts["degraded"],
            noisy_utterances=counts["noise"],
            drift=drift,
            drift_alerts=counts["drift"],
        )


def _queue(source: Source) -> tuple[float, float]:
    """Return the seconds that wait in a source and the most that did; only a microphone's audio waits."""
    stats: Any = getattr(source, "stats", None)
    if stats is None:
        return 0.0, 0.0
    ring = stats().ring
    return ring.depth / source.sample_rate, ring.high_water / source.sample_rate
