"""A robot that minds how it is spoken to: here it says what it would do.

python examples/robot/robot.py                     # the microphone
python examples/robot/robot.py --source talk.wav   # a recording
"""

from __future__ import annotations

import argparse
from contextlib import suppress

from behaviour import USUAL, Act, BehaviourLayer

from edge_ser import Recognizer


def do(act: Act) -> None:
    """Do it. A real robot would call its motors and its voice here."""
    how = act.behaviour
    print(
        f"[{act.time:6.2f} s] {how.name}: keep {how.distance:.1f} m, move at {how.speed:.0%}, "
        f"speak at {how.voice_rate:.0%}",
        flush=True,
    )
    if act.says:
        print(f"           says: {act.says}", flush=True)
    for step in how.next_steps:
        print(f"           next: {step}", flush=True)


def main() -> None:
    """Behave until the recording ends or somebody presses Ctrl-C."""
    parser = argparse.ArgumentParser(description="A robot that minds how it is spoken to.")
    parser.add_argument("--source", help="audio file instead of the microphone")
    args = parser.parse_args()
    do(Act(0.0, USUAL, ""))
    with suppress(KeyboardInterrupt):
        for act in BehaviourLayer().acts(Recognizer().listen(args.source)):
            do(act)


if __name__ == "__main__":
    main()
