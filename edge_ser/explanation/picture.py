"""An explanation as a picture: what was decided when, over the spectrogram, and what it came from."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from edge_ser.explanation.axes import BACKGROUND, GRID, LEFT, RIGHT, Panel, draw_frame, draw_time_axis, round_up
from edge_ser.explanation.explanation import Explanation, Occlusion
from edge_ser.explanation.spectrogram import RANGE_DB, colour_bar, spectrogram, top_dbfs
from edge_ser.explanation.svg import INK, Drawing

WIDTH = 1000
SIDE, SIDE_END = 760, 870  # of what is hidden in frequency
GAP = 46  # between one panel and the next: room for the times of the one and the title of the other
FOR, AGAINST, NEUTRAL = "#0072b2", "#d55e00", "#595959"
SPEECH, FLAG = "#404040", "#aa3377"

# M. Okabe and K. Ito, 'Color Universal Design', 2008, without yellow, which is too light on white; dashes for print.
LINES = (
    ("#0072b2", "none"),
    ("#d55e00", "8 3"),
    ("#009e73", "2 2"),
    ("#000000", "10 3 2 3"),
    ("#cc79a7", "5 2"),
    ("#56b4e9", "none"),
    ("#e69f00", "3 3"),
    ("#7f7f7f", "6 2 2 2"),
)
FREQUENCIES = (250, 500, 1000, 2000, 4000)  # Hz, on the axis
LONGEST_NAME = 50  # characters


def picture(explanation: Explanation) -> str:
    """Return the picture as the text of an SVG file."""
    flags = [name for name in ("gap", "clipping", "noise") if any(getattr(e.flags, name) for e in explanation.events)]
    seconds = max(explanation.explained_seconds, 1e-3)
    top = 84
    probabilities = Panel(top, 120, seconds)
    lanes_top = probabilities.bottom + 32
    mel = Panel(lanes_top + 16 * (1 + len(flags)) + 6, 170, seconds)
    most = max(explanation.attention, default=0.0) or 1.0
    attention = Panel(mel.bottom + GAP, 70, seconds, 0.0, round_up(most))
    reach = round_up(max((abs(part.drop) for part in explanation.over_time), default=0.0) or 1.0)
    hidden = Panel(attention.bottom + GAP, 90, seconds, -reach, reach)
    drawing = Drawing(WIDTH, round(hidden.bottom + 82))
    _head(drawing, explanation)
    _probabilities(drawing, probabilities, explanation)
    _lanes(drawing, lanes_top, mel, explanation, flags)
    _spectrogram(drawing, mel, explanation)
    _hidden_bands(drawing, mel, explanation)
    _attention(drawing, attention, explanation)
    _hidden_stretches(drawing, hidden, explanation)
    _foot(drawing, hidden, explanation)
    return drawing.to_svg(f"Where the decision on {_short_name(explanation)} came from: {_decided(explanation)}")


def _head(drawing: Drawing, explanation: Explanation) -> None:
    found = explanation.recognition
    drawing.text(24, 32, f"{_short_name(explanation)}: {_decided(explanation)}", size=18, bold=True)
    heard = f"{found.speech_seconds:.1f} s of speech in {found.duration:.1f} s"
    drawing.text(
        24, 54, f"valence {_signed(found.valence)}, arousal {_signed(found.arousal)}; {heard}; {explanation.model}"
    )


def _short_name(explanation: Explanation) -> str:
    """Return the file's name without its folder; of a long one the end, where names tend to differ."""
    name = PurePath(explanation.name).name
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def _decided(explanation: Explanation) -> str:
    found = explanation.recognition
    if found.emotion is not None:
        return f"{found.emotion}, probability {found.confidence:.2f}"
    said = {"no_speech": "nobody speaks", "warming_up": "too little speech to tell"}.get(found.state, "uncertain")
    return said if explanation.label is None else f"{said} ({explanation.label} {found.confidence:.2f})"


def _probabilities(drawing: Drawing, panel: Panel, explanation: Explanation) -> None:
    draw_frame(drawing, panel, "Probability of each label, since each utterance began", (0.0, 0.5, 1.0), "{:g}")
    found = explanation.recognition.probabilities
    ranked = sorted(found, key=lambda label: -found[label])
    looks = dict(zip(ranked, LINES, strict=False))  # of the most likely; more lines would hide one another
    for label, (colour, dashes) in reversed(looks.items()):  # the most likely on top
        for points in _runs(panel, explanation, label):
            drawing.lines(points, colour, 3.0 if label == explanation.label else 1.5, dashes)
    drawing.text(SIDE, panel.top - 8, "over the whole recording", colour=NEUTRAL)
    for number, (label, (colour, dashes)) in enumerate(looks.items()):
        y = panel.top + 12 + number * 17
        drawing.lines([(SIDE, y - 4), (SIDE + 30, y - 4)], colour, 3.0 if label == explanation.label else 1.5, dashes)
        drawing.text(SIDE + 38, y, f"{label} {found[label]:.2f}", bold=label == explanation.label)


def _runs(panel: Panel, explanation: Explanation, label: str) -> Iterable[list[tuple[float, float]]]:
    """Yield the points of a label's probability, utterance by utterance."""
    points: list[tuple[float, float]] = []
    for event in explanation.events:
        if event.state != "no_speech":
            points.append((panel.x(event.time), panel.y(event.probabilities[label])))
        elif points:
            yield points
            points = []
    if points:
        yield points


def _lanes(drawing: Drawing, top: float, panel: Panel, explanation: Explanation, flags: list[str]) -> None:
    """Draw where there is speech, and below it where a flag is."""
    events, edges = explanation.events, _edges(explanation)
    lanes = [("speech", SPEECH, [event.speech for event in events])]
    lanes += [(flag, FLAG, [getattr(event.flags, flag) for event in events]) for flag in flags]
    for number, (name, colour, on) in enumerate(lanes):
        y = top + 16 * number
        drawing.text(LEFT - 8, y + 10, name, anchor="end", colour=colour)
        drawing.rectangle(LEFT, y, RIGHT - LEFT, 11, BACKGROUND)
        for lit, steps in groupby(zip(on, edges[:-1], edges[1:], strict=True), key=lambda step: step[0]):
            run = list(steps)
            if lit:
                x = panel.x(run[0][1])
                drawing.rectangle(x, y, max(2.0, panel.x(run[-1][2]) - x), 11, colour)


def _spectrogram(drawing: Drawing, panel: Panel, explanation: Explanation) -> None:
    drawing.image(
        LEFT, panel.top, RIGHT - LEFT, panel.height, spectrogram(explanation.log_mel_dbfs, _edges(explanation))
    )
    drawing.rectangle(LEFT, panel.top, RIGHT - LEFT, panel.height, "none", INK)
    for hz in FREQUENCIES:
        y = _y_of_frequency(panel, explanation, hz)
        drawing.lines([(LEFT - 4, y), (LEFT, y)], INK)
        drawing.text(LEFT - 8, y + 4, f"{hz} Hz" if hz < 1000 else f"{hz // 1000} kHz", anchor="end")
    for start, end in explanation.utterances:
        for time in (start, end):
            drawing.lines([(panel.x(time), panel.top), (panel.x(time), panel.bottom)], INK, 1.2, "4 3")
    draw_time_axis(drawing, panel)
    bar = SIDE_END + 24
    drawing.image(bar, panel.top, 14, panel.height, colour_bar())
    drawing.rectangle(bar, panel.top, 14, panel.height, "none", INK)
    top = top_dbfs(explanation.log_mel_dbfs)
    for part in (0.0, 0.5, 1.0):
        text = f"{top - part * RANGE_DB:.0f} dBFS".replace("-", "−")
        drawing.text(bar + 20, panel.top + 9 + part * (panel.height - 10), text)


def _hidden_bands(drawing: Drawing, panel: Panel, explanation: Explanation) -> None:
    parts = explanation.over_frequency
    reach = round_up(max((abs(part.drop) for part in parts), default=0.0) or 1.0)
    middle, half = (SIDE + SIDE_END) / 2, (SIDE_END - SIDE) / 2
    drawing.rectangle(SIDE, panel.top, SIDE_END - SIDE, panel.height, BACKGROUND, GRID)
    for part in parts:
        low, high = (_y_of_frequency(panel, explanation, hz) for hz in (part.start, part.end))
        x = middle + half * min(part.drop, 0.0) / reach
        drawing.rectangle(x, high + 1, half * abs(part.drop) / reach, low - high - 2, _colour(part))
    drawing.lines([(middle, panel.top), (middle, panel.bottom)], INK)
    for value in (-reach, 0.0, reach):
        drawing.text(middle + half * value / reach, panel.bottom + 16, _signed(value), anchor="middle")
    drawing.text(SIDE, panel.top - 8, "Lost without these bands", bold=True)


def _attention(drawing: Drawing, panel: Panel, explanation: Explanation) -> None:
    draw_frame(drawing, panel, "Attention: share of each step in the decision", (0.0, panel.high), "{:.3g} %", 100)
    edges = _edges(explanation)
    for share, start, end in zip(explanation.attention, edges[:-1], edges[1:], strict=True):
        if share:
            x, y = panel.x(start), panel.y(share)
            drawing.rectangle(x, y, panel.x(end) - x, panel.bottom - y, NEUTRAL)


def _hidden_stretches(drawing: Drawing, panel: Panel, explanation: Explanation) -> None:
    label = explanation.label or "the label"
    title = f"Probability of {label} that is lost without each stretch"
    draw_frame(drawing, panel, title, (panel.low, 0.0, panel.high), "{:g}")
    for part in explanation.over_time:
        x, y = panel.x(part.start), panel.y(max(part.drop, 0.0))
        drawing.rectangle(x + 0.5, y, panel.x(part.end) - x - 1, panel.y(min(part.drop, 0.0)) - y, _colour(part))
    drawing.lines([(LEFT, panel.y(0)), (RIGHT, panel.y(0))], INK)
    drawing.rectangle(SIDE, panel.top + 10, 14, 14, FOR)
    drawing.text(SIDE + 22, panel.top + 22, f"speaks for {label}")
    drawing.rectangle(SIDE, panel.top + 34, 14, 14, AGAINST)
    drawing.text(SIDE + 22, panel.top + 46, f"speaks against {label}")


def _foot(drawing: Drawing, panel: Panel, explanation: Explanation) -> None:
    notes = [
        "The student hears what is between dashed lines. A part is hidden by its mean over the utterance's speech."
    ]
    if explanation.explained_seconds < explanation.recognition.duration:
        first = f"Only the first {explanation.explained_seconds:.0f} s are explained"
        if explanation.label is not None:
            first += f"; in them {explanation.label} has probability {explanation.probability:.2f}"
        notes.append(first + ".")
    for number, note in enumerate(notes):
        drawing.text(24, panel.bottom + 46 + 18 * number, note, colour=NEUTRAL)


def _edges(explanation: Explanation) -> NDArray[np.float64]:
    """Return where each step begins and the last one ends, seconds."""
    return np.array([0.0, *(event.time for event in explanation.events)])


def _y_of_frequency(panel: Panel, explanation: Explanation, hz: float) -> float:
    bands = explanation.band_edges
    return panel.bottom - panel.height * float(np.interp(hz, bands, np.linspace(0, 1, len(bands))))


def _colour(part: Occlusion) -> str:
    return FOR if part.drop > 0 else AGAINST


def _signed(value: float) -> str:
    return f"{value:+.2g}".replace("-", "−") if value else "0"
