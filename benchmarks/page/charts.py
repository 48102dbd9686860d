"""Charts as SVG whose colours are CSS variables, so that a page's light and dark hold for them too."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, LABEL, VALUE = 860, 230, 110  # pixels: of a chart, of the labels left of the bars, of the numbers right of them
ROW, BAR, HEAD = 28, 16, 44
LEGEND, SWATCH = 26, 12
CHARACTER = 6.6  # pixels, at most, of the legend's type
COLOURS = 6  # of the palette, --c1 to --c6
TICKS = 4

PALETTE = """
.chart{--c1:#0f766e;--c2:#d97706;--c3:#4f46e5;--c4:#be185d;--c5:#64748b;--c6:#65a30d;--ink:#1c1917;--soft:#78716c;\
--line:#e7e5e4}
@media (prefers-color-scheme:dark){.chart{--c1:#2dd4bf;--c2:#fbbf24;--c3:#a5b4fc;--c4:#f472b6;--c5:#94a3b8;\
--c6:#a3e635;--ink:#f5f5f4;--soft:#a8a29e;--line:#44403c}}
.chart text{font:12.5px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:var(--ink)}
.chart .head{font-weight:600;font-size:14px}.chart .soft{fill:var(--soft)}.chart .ours{font-weight:600}
""".strip()


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart."""

    label: str
    value: float
    low: float | None = None
    """First quartile, or the best of a range."""

    high: float | None = None
    ours: bool = False
    """Drawn in the first colour; the others in grey."""


def bars(title: str, unit: str, lines: Sequence[Bar], logarithmic: bool = False) -> str:
    """Return horizontal bars, their quartiles as whiskers.

    Parameters
    ----------
    title, unit : str
        What is shown, and in what.
    lines : sequence of Bar
        From the top; values above 0.
    logarithmic : bool
        For what differs by more than a factor of some ten.
    """
    highest = max(line.high or line.value for line in lines)
    lowest = min(line.value for line in lines)
    ticks = _decades(lowest, highest) if logarithmic else _ticks(highest)
    place = _scale(ticks, logarithmic)
    parts = _axis(ticks, place, len(lines))
    for row, line in enumerate(lines):
        top = HEAD + row * ROW
        colour = "var(--c1)" if line.ours else "var(--c5)"
        parts.append(_label(line.label, top, line.ours))
        parts.append(_rectangle(LABEL, top, max(1.5, place(line.value) - LABEL), colour))
        if line.low is not None and line.high is not None:
            left, right, middle = place(line.low), place(line.high), top + BAR / 2
            parts.append(f'<path d="M{left:.1f} {middle}H{right:.1f}" stroke="var(--ink)" stroke-width="1.5"/>')
        end = place(line.high or line.value) + 8
        parts.append(f'<text x="{end:.1f}" y="{top + 13}" class="soft">{_number(line.value)}</text>')
    return _svg(f"{title}, {unit}", parts, HEAD + len(lines) * ROW + 20)


def stacked(title: str, unit: str, names: Sequence[str], lines: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return horizontal bars made of parts; `names` are those of the parts, in order."""
    ticks = _ticks(max(sum(values) for _, values in lines))
    place = _scale(ticks, False)
    parts = _axis(ticks, place, len(lines))
    for row, (label, values) in enumerate(lines):
        top, at = HEAD + row * ROW, 0.0
        parts.append(_label(label, top, False))
        for nth, value in enumerate(values):
            left, right = place(at), place(at + value)
            parts.append(_rectangle(left, top, right - left, f"var(--c{nth % COLOURS + 1})"))
            at += value
        parts.append(f'<text x="{place(at) + 8:.1f}" y="{top + 13}" class="soft">{_number(at)}</text>')
    below = HEAD + len(lines) * ROW + 24
    left = float(LABEL)
    for nth, name in enumerate(names):
        parts.append(f'<rect x="{left:.0f}" y="{below}" width="{SWATCH}" height="{SWATCH}" rx="2" '
                     f'fill="var(--c{nth % COLOURS + 1})"/>')  # fmt: skip
        parts.append(f'<text x="{left + SWATCH + 5:.0f}" y="{below + 11}">{html.escape(name)}</text>')
        left += SWATCH + 22 + CHARACTER * len(name)
    return _svg(f"{title}, {unit}", parts, below + LEGEND)


def ranges(title: str, unit: str, lines: Sequence[Bar]) -> str:
    """Return what lies between two bounds, `low` and `high` of each line, on a logarithmic axis."""
    lows, highs = [line.low or line.value for line in lines], [line.high or line.value for line in lines]
    ticks = _decades(min(lows), max(highs))
    place = _scale(ticks, True)
    parts = _axis(ticks, place, len(lines))
    for row, (line, low, high) in enumerate(zip(lines, lows, highs, strict=True)):
        top = HEAD + row * ROW
        parts.append(_label(line.label, top, line.ours))
        parts.append(_rectangle(place(low), top, max(3.0, place(high) - place(low)), "var(--c3)"))
        text = f"{_number(low)} to {_number(high)}"
        parts.append(f'<text x="{place(high) + 8:.1f}" y="{top + 13}" class="soft">{text}</text>')
    return _svg(f"{title}, {unit}", parts, HEAD + len(lines) * ROW + 20)


def standalone(svg: str) -> str:
    """Return a chart as a file of its own."""
    return svg.replace(">", f"><style>{PALETTE}</style>", 1) + "\n"


def _svg(title: str, parts: Sequence[str], height: float) -> str:
    said = html.escape(title)
    head = f'<title>{said}</title><text x="0" y="16" class="head">{said}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="0 0 {WIDTH} {height:.0f}">'
        f"{head}{''.join(parts)}</svg>"
    )


def _axis(ticks: Sequence[float], place: _Place, rows: int) -> list[str]:
    bottom = HEAD + rows * ROW
    parts = []
    for tick in ticks:
        x = place(tick)
        parts.append(f'<path d="M{x:.1f} {HEAD - 8}V{bottom}" stroke="var(--line)"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" class="soft" text-anchor="middle">{_number(tick)}</text>')
    return parts


def _label(text: str, top: float, ours: bool) -> str:
    kind = ' class="ours"' if ours else ""
    return f'<text x="{LABEL - 10}" y="{top + 13}" text-anchor="end"{kind}>{html.escape(text)}</text>'


def _rectangle(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'


class _Place:
    """From a value to its place on the axis, in pixels."""

    def __init__(self, first: float, last: float, logarithmic: bool) -> None:
        self._logarithmic = logarithmic
        self._first, self._last = self._of(first), self._of(last)

    def __call__(self, value: float) -> float:
        share = (self._of(value) - self._first) / (self._last - self._first)
        return LABEL + share * (WIDTH - LABEL - VALUE)

    def _of(self, value: float) -> float:
        return math.log10(value) if self._logarithmic else value


def _scale(ticks: Sequence[float], logarithmic: bool) -> _Place:
    return _Place(ticks[0], ticks[-1], logarithmic)


def _ticks(highest: float) -> list[float]:
    """Return round numbers from 0 to beyond the highest value."""
    power = 10 ** math.floor(math.log10(highest / TICKS))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * TICKS >= highest)
    return [step * nth for nth in range(math.ceil(highest / step) + 1)]


def _decades(lowest: float, highest: float) -> list[float]:
    # From half the lowest value on, so that its bar is to be seen.
    first, last = math.floor(math.log10(lowest / 2)), math.ceil(math.log10(highest))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _number(value: float) -> str:
    """Return three digits, and no more zeros or exponents than are needed."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
