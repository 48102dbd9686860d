"""A light on a Raspberry Pi's pins that shows how the robot behaves, so that a person sees what it took them for.

    pip install 'edge-ser[robot]'
    python examples/robot/light.py                     # an RGB LED on GPIO 17, 27 and 22, and the microphone
    python examples/robot/light.py --source talk.wav   # a recording

The light fades over half a second: one that flashes says more than the recogniser knows.
"""

from __future__ import annotations

import argparse
from contextlib import suppress

from behaviour import USUAL, BehaviourLayer
from gpiozero import RGBLED

from edge_ser import Recognizer

FADE_STEPS = 10
PINS = (17, 27, 22)  # GPIO numbers of red, green and blue

# Not red for anger: a light that accuses makes it worse.
COLOURS = {
    "usual": (0.2, 0.2, 0.2),
    "lively": (0.1, 0.5, 0.2),
    "patient": (0.1, 0.2, 0.5),
    "yielding": (0.4, 0.3, 0.1),
    "still": (0.3, 0.1, 0.4),
    "undoing": (0.4, 0.3, 0.1),
    "explaining": (0.1, 0.4, 0.4),
}


class Light:
    """An RGB LED that fades from one colour to the next.

    Parameters
    ----------
    led : RGBLED
    """

    def __init__(self, led: RGBLED) -> None:
        self._led = led
        self._wanted = led.value
        self._step = (0.0, 0.0, 0.0)
        self.show(USUAL.name)

    def show(self, name: str) -> None:
        """Begin to fade to a behaviour's colour."""
        self._wanted = COLOURS[name]
        self._step = tuple((to - now) / FADE_STEPS for to, now in zip(self._wanted, self._led.value, strict=True))

    def tick(self) -> None:
        """Go one step nearer to it; called once an event."""
        self._led.color = tuple(
            to if abs(to - now) <= abs(step) else now + step
            for to, now, step in zip(self._wanted, self._led.value, self._step, strict=True)
        )


def main() -> None:
    """Shine until the recording ends or somebody presses Ctrl-C."""
    parser = argparse.ArgumentParser(description="A light that shows how a robot is spoken to.")
    parser.add_argument("--source", help="audio file instead of the microphone")
    args = parser.parse_args()
    layer = BehaviourLayer()
    with RGBLED(*PINS) as led, suppress(KeyboardInterrupt):
        light = Light(led)
        for event in Recognizer().listen(args.source):
            act = layer.hear(event)
            if act is not None:
                light.show(act.behaviour.name)
                print(f"[{act.time:6.2f} s] {act.behaviour.name}", flush=True)
            light.tick()


if __name__ == "__main__":
    main()
