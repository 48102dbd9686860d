"""`Panel`: a rectangle over time, with its axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_ser.explanation.svg import INK, Drawing

LEFT, RIGHT = 86, 720  # pixels, of every panel
GRID, BACKGROUND = "#d9d9d9", "#f7f7f7"
MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle with a time axis."""

    top: float
    height: float
    seconds: float
    """At its right edge."""

    low: float = 0.0
    """Value at its lower edge."""

    high: float = 1.0
    """Value at its upper edge."""

    @property
    def bottom(self) -> float:
        """Of its lower edge, pixels."""
        return self.top + self.height

    def x(self, seconds: float) -> float:
        """Return where a time stands, pixels."""
        return LEFT + (RIGHT - LEFT) * seconds / self.seconds

    def y(self, value: float) -> float:
        """Return where a value stands, pixels."""
        return self.bottom - self.height * (value - self.low) / (self.high - self.low)


def draw_frame(
    drawing: Drawing, panel: Panel, title: str, values: tuple[float, ...], spelt: str, times: int = 1
) -> None:
    """Draw a panel's ground, its title above, values to the left (spelt after `times` so much) and the time below."""
    drawing.text(LEFT, panel.top - 8, title, bold=True)
    drawing.rectangle(LEFT, panel.top, RIGHT - LEFT, panel.height, BACKGROUND, GRID)
    for value in values:
        y = panel.y(value)
        drawing.lines([(LEFT - 4, y), (RIGHT, y)], GRID)
        drawing.text(LEFT - 8, y + 4, spelt.format(times * value).replace("-", "−"), anchor="end")
    draw_time_axis(drawing, panel)


def draw_time_axis(drawing: Drawing, panel: Panel) -> None:
    """Write the time below a panel."""
    step = round_up(panel.seconds / MOST_TICKS)
    for number in range(int(panel.seconds / step) + 1):
        x = panel.x(number * step)
        drawing.lines([(x, panel.bottom), (x, panel.bottom + 4)], INK)
        drawing.text(x, panel.bottom + 16, f"{number * step:g} s", anchor="middle")


def round_up(value: float) -> float:
    """Return the next of ..., 0.5, 1, 2, 5, 10, ... that is not smaller.

    Examples
    --------
    >>> [round_up(value) for value in (0.3, 1.0, 2.1)]
    [0.5, 1.0, 5.0]
    """
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))
