"""The live picture: fits its terminal, says everything, and leaves the cursor as it was."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
from dataclasses import replace

import pytest
from cli.command import start

from edge_ser.cli.live_view import LiveView
from edge_ser.cli.terminal import HIDE_CURSOR, SHOW_CURSOR, Looks
from edge_ser.events import Event, Flags
from edge_ser.recordings import DEMO
from edge_ser.stats import Stats

PROBABILITIES = {"neutral": 0.1, "happy": 0.7, "sad": 0.2}
EVENT = Event(
    time=3.2,
    state="emotion",
    emotion="happy",
    probabilities=PROBABILITIES,
    confidence=0.7,
    valence=0.5,
    arousal=-0.25,
    speech=True,
    speech_seconds=1.5,
    attention=0.1,
    level_dbfs=-35.0,
    flags=Flags(),
)
STATS = Stats(
    steps=40,
    overflows=0,
    lost_seconds=0.0,
    mic_losses=0,
    mic_restorations=0,
    away_seconds=0.0,
    queue_seconds=0.0,
    queue_high_water_seconds=0.0,
    step_ms_p50=1.0,
    step_ms_p95=1.5,
    step_ms_p99=2.0,
    step_ms_last=1.2,
)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def picture(event: Event, looks: Looks, columns: int = 80) -> str:
    return "\n".join(LiveView("demo.wav", looks, 0.08, lambda: STATS).lines(event, columns))


def test_it_says_all_there_is():
    text = picture(EVENT, Looks(colour=False, unicode=False))
    for expected in ("demo.wav", "-35 dBFS", "speech", "decision   happy", "70% sure", "+0.50", "-0.25", "1.2 ms"):
        assert expected in text
    bars = {
        line.split()[0]: line.count("#")
        for line in text.splitlines()
        if line.split()[:1] in ([k] for k in PROBABILITIES)
    }
    assert bars == {"neutral": 4, "happy": 28, "sad": 8}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (replace(EVENT, state="no_speech", emotion=None, speech=False), "nobody speaks"),
        (replace(EVENT, state="warming_up", emotion=None), "listening"),
        (replace(EVENT, state="uncertain", emotion=None, confidence=0.3), "uncertain"),
        (replace(EVENT, flags=Flags(gap=True)), "audio lost"),
        (replace(EVENT, flags=Flags(clipping=True)), "clipping"),
        (replace(EVENT, flags=Flags(noise=True)), "noisy"),
    ],
)
def test_it_says_what_it_does_not_know_and_what_is_wrong(event, expected):
    assert expected in picture(event, Looks(colour=False, unicode=True))


def test_a_notice_is_seen_for_a_while_and_a_lost_microphone_for_as_long_as_it_lasts(capsys):
    view = LiveView("demo.wav", Looks(colour=False, unicode=True), 0.08, lambda: STATS, size=lambda: (80, 30))

    def shown(event: Event) -> str:
        view.show(event)
        return "\n".join(view.lines(event, 80))

    assert "too loud" in shown(replace(EVENT, time=3.0, notices=("clipping_input",)))
    assert "too loud" in shown(replace(EVENT, time=12.9))
    assert "too loud" not in shown(replace(EVENT, time=13.1))
    lost = shown(replace(EVENT, time=20.0, state="mic_lost", emotion=None, notices=("mic_lost",)))
    assert "decision   no microphone" in lost
    assert "is gone" in lost
    assert "is gone" in shown(replace(EVENT, time=99.0, state="mic_lost", emotion=None))
    assert "is back" in shown(replace(EVENT, time=100.0, notices=("mic_restored",)))


def test_colours_change_nothing_but_colours():
    plain = picture(EVENT, Looks(colour=False, unicode=True))
    coloured = picture(EVENT, Looks(colour=True, unicode=True))
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert CONTROL.sub("", coloured) == plain


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_what_matters_fits_the_width(columns):
    for line in picture(EVENT, Looks(colour=False, unicode=True), columns).splitlines():
        if not line.startswith("cost"):
            assert len(line) <= columns


def test_a_low_terminal_shows_the_first_lines(capsys):
    view = LiveView("demo.wav", Looks(colour=False, unicode=True), 0.08, lambda: STATS, size=lambda: (80, 6))
    view.show(EVENT)
    assert capsys.readouterr().out.count("\n") == 5


@pytest.mark.parametrize("fraction", [-1.0, 0.0, 0.333, 1.0, 2.0])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_bar_has_its_width(fraction, unicode):
    assert len(Looks(colour=False, unicode=unicode).bar(fraction, 17)) == 17


@pytest.mark.parametrize("value", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_a_scale_has_one_mark(value):
    scale = Looks(colour=False, unicode=True).scale(value, 21)
    assert (len(scale), scale.count("●")) == (21, 1)


def test_on_a_terminal_it_draws_over_itself_without_colour_where_none_is_wanted_and_restores_the_cursor():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    process = start("listen", "--source", DEMO, stdout=theirs, env=environment)
    os.close(theirs)
    seen = ""
    while seen.count("decision") < 5:
        assert select.select([ours], [], [], 120)[0]
        seen += os.read(ours, 4096).decode(errors="replace")
    process.send_signal(signal.SIGINT)
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other end of a terminal is closed
            break
        if not more:
            break
        seen += more.decode(errors="replace")
    assert process.wait(10) == 130
    assert process.stderr.read() == ""
    process.stderr.close()
    os.close(ours)
    assert seen.count(HIDE_CURSOR) == seen.count(SHOW_CURSOR) == 1
    assert seen.rindex(SHOW_CURSOR) > seen.rindex("decision")
    assert "\x1b[1m" not in seen  # bold
    assert re.search(r"\x1b\[\d+A", seen)  # up, to draw again
