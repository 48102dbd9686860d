"""What the node says, without ROS: events to texts and to values of diagnostics."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from edge_ser import Event
from edge_ser.stats import Stats
from edge_ser_robot.behaviour import BehaviourLayer

STEP_SECONDS = 0.08  # of audio; what takes longer to compute cannot keep up

Topic = Literal["event", "decision", "behaviour"]


class Speaker:
    """Turns events into what is to be published."""

    def __init__(self) -> None:
        self._layer = BehaviourLayer()
        self._decision: tuple[str, str | None] | None = None

    def texts(self, event: Event) -> dict[Topic, str]:
        """Return the JSON text for each topic that has something new to say."""
        found: dict[Topic, str] = {"event": json.dumps(event.to_dict())}
        decision = (event.state, event.emotion)
        if decision != self._decision:
            self._decision = decision
            names = ("time", "state", "emotion", "confidence", "valence", "arousal")
            plain = event.to_dict()
            found["decision"] = json.dumps({name: plain[name] for name in names})
        act = self._layer.hear(event)
        if act is not None:
            found["behaviour"] = json.dumps({"time": act.time, **asdict(act.behaviour), "says": act.says})
        return found


@dataclass(frozen=True)
class Health:
    """What `/diagnostics` is told."""

    level: Literal["OK", "WARN", "ERROR"]
    """Name of a constant of diagnostic_msgs/DiagnosticStatus."""

    message: str

    values: dict[str, str]


def health(state: str, stats: Stats, before: Stats) -> Health:
    """Return how the node is, from the last event's state and the counters now and a second before."""
    values = {name: f"{value:.6g}" for name, value in asdict(stats).items()}
    if state == "mic_lost":
        return Health("ERROR", "no microphone; it is looked for until it is back", values)
    if stats.overflows > before.overflows:
        return Health("WARN", "audio was lost: the machine is too busy", values)
    if stats.step_ms_p95 > 1000 * STEP_SECONDS:
        return Health("WARN", "computing takes longer than the audio lasts", values)
    return Health("OK", "listening", values)
