"""A drawing in SVG 1.1, from nothing but the standard library: what it shows stays text, sharp and searchable."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

INK = "#1a1a1a"
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"


class Drawing:
    """Shapes in the order in which they are drawn; all places and sizes are in pixels from the upper left.

    Examples
    --------
    >>> drawing = Drawing(100, 50)
    >>> drawing.text(5, 20, "a < b")
    >>> "a &lt; b" in drawing.to_svg("Inequality")
    True
    """

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._elements: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 12,
        anchor: str = "start",
        bold: bool = False,
        colour: str = INK,
    ) -> None:
        """Write a line; `anchor`, 'start', 'middle' or 'end', is the part of it that stands at x, on the baseline y."""
        weight = ' font-weight="bold"' if bold else ""
        at = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
        self._elements.append(f"<text {at}{weight}>{_escaped(text)}</text>")

    def rectangle(self, x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> None:
        """Fill a rectangle, and draw its border where `stroke` is a colour."""
        place = f'x="{x:.2f}" y="{y:.2f}" width="{max(0.0, width):.2f}" height="{max(0.0, height):.2f}"'
        self._elements.append(f'<rect {place} fill="{fill}" stroke="{stroke}"/>')

    def lines(
        self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.0, dashes: str = "none"
    ) -> None:
        """Join points by straight lines; `dashes` is as `stroke-dasharray` has it."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        look = f'fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes}"'
        self._elements.append(f'<polyline points="{path}" {look} stroke-linejoin="round"/>')

    def image(self, x: float, y: float, width: float, height: float, png: bytes) -> None:
        """Stretch a PNG file over a rectangle."""
        place = f'x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none"'
        data = base64.b64encode(png).decode("ascii")
        # Both spellings of the link: the older is the one that printers and converters know.
        link = f'href="data:image/png;base64,{data}"'
        self._elements.append(f"<image {place} xlink:{link}/>")

    def to_svg(self, title: str) -> str:
        """Return the file, on white; the title is what is read out instead of the drawing."""
        size = f'width="{self._width}" height="{self._height}" viewBox="0 0 {self._width} {self._height}"'
        spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        return "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                f'<svg {spaces} {size} font-family="{FONT}" role="img">',
                f"<title>{_escaped(title)}</title>",
                '<rect width="100%" height="100%" fill="white"/>',
                *self._elements,
                "</svg>\n",
            ]
        )


def _escaped(text: str) -> str:
    """Return text for XML, which cannot hold control characters or halves of characters, escaped or not."""
    return html.escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))
