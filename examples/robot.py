"""A robot's behaviour layer: from how it is spoken to, to how it moves and speaks.

The emotion recogniser is a sense, not a judge. So the layer knows three kinds of answer: an emotion it has a behaviour
for; *uncertain*, where it trusts the two coarse figures (valence and arousal) only to be gentler, never bolder; and
damaged audio, to which it does not react at all. In `act` a real robot would call its motors and its voice.

    python examples/robot.py                     # the microphone
    python examples/robot.py --source talk.wav   # a recording
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import dataclass

from edge_ser import Event, Recognizer


@dataclass(frozen=True)
class Behaviour:
    """How the robot carries itself."""

    distance: float
    """Metres to the person."""

    speed: float
    """Of all movements, 1 is usual."""

    voice_rate: float
    """Of its own speech, 1 is usual."""

    says: str = ""


USUAL = Behaviour(distance=1.0, speed=1.0, voice_rate=1.0)
CAREFUL = Behaviour(distance=1.2, speed=0.6, voice_rate=0.9)
BEHAVIOURS = {
    "angry": Behaviour(1.8, 0.4, 0.85, "I have stopped. What should I do differently?"),
    "disgusted": Behaviour(1.5, 0.6, 0.9, "I will take it away."),
    "fearful": Behaviour(2.0, 0.3, 0.85, "I stay where I am. Say 'come' when you want me."),
    "sad": Behaviour(0.9, 0.5, 0.85, "I am here. Shall I call somebody?"),
    "happy": Behaviour(0.9, 1.1, 1.1),
    "surprised": Behaviour(1.2, 0.7, 0.95, "Was that unexpected? I can explain."),
    "neutral": USUAL,
}
TENSE_AROUSAL, TENSE_VALENCE = 0.2, -0.1  # excited and unpleasant: anger or fear, whichever


def behaviour_for(event: Event, present: Behaviour) -> Behaviour:
    """Return what to do after an event, given what is done now."""
    if event.flags.gap or event.flags.clipping:
        return present
    if event.state == "emotion" and event.emotion is not None:
        return BEHAVIOURS.get(event.emotion, present)
    if event.state == "uncertain":
        tense = event.arousal > TENSE_AROUSAL and event.valence < TENSE_VALENCE
        return CAREFUL if tense and present == USUAL else present
    return present  # nobody speaks, or too little was heard


def act(time: float, behaviour: Behaviour) -> None:
    """Do it; here, say what would be done."""
    print(
        f"[{time:6.2f} s] keep {behaviour.distance:.1f} m, move at {behaviour.speed:.0%}, "
        f"speak at {behaviour.voice_rate:.0%}  {behaviour.says}".rstrip(),
        flush=True,
    )


def main() -> None:
    """Behave until the recording ends or somebody presses Ctrl-C."""
    parser = argparse.ArgumentParser(description="A robot that minds how it is spoken to.")
    parser.add_argument("--source", help="audio file instead of the microphone")
    args = parser.parse_args()
    behaviour = USUAL
    act(0.0, behaviour)
    with suppress(KeyboardInterrupt):
        for event in Recognizer().listen(args.source):
            wanted = behaviour_for(event, behaviour)
            if wanted != behaviour:
                behaviour = wanted
                act(event.time, behaviour)


if __name__ == "__main__":
    main()
