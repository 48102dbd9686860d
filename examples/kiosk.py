"""A ticket kiosk that hears how a visitor speaks and changes what stands on its screen.

It reacts when a decision changes, not at every step, and goes back to its start page when nobody has spoken for a
while. What it does not understand changes nothing: a visitor who is misread is worse off than one who is not read.

    python examples/kiosk.py                     # the microphone
    python examples/kiosk.py --source talk.wav   # a recording
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import suppress

from edge_ser import Event, Recognizer

START_PAGE = "Welcome. Where would you like to go?"
PAGES = {
    "angry": "Sorry for the trouble. Press here and a person will come.",
    "disgusted": "Sorry for the trouble. Press here and a person will come.",
    "fearful": "No hurry: one step after the other. Shall we begin with where you are?",
    "sad": "Take your time. Here are the two routes that most people choose.",
    "happy": "Lovely! All offers of the day are one tap away.",
    "surprised": "Was that not what you expected? Here is how to go back.",
}
LEFT_AFTER_SECONDS = 8.0  # of silence


def pages(events: Iterable[Event]) -> Iterator[tuple[float, str]]:
    """Yield the time in seconds and the text of each page that is to be shown."""
    shown = START_PAGE
    last_speech = 0.0
    yield 0.0, shown
    for event in events:
        if event.speech:
            last_speech = event.time
        wanted = shown
        if event.time - last_speech > LEFT_AFTER_SECONDS:
            wanted = START_PAGE
        elif event.state == "emotion":
            wanted = PAGES.get(event.emotion or "", START_PAGE)
        if wanted != shown:
            shown = wanted
            yield event.time, shown


def main() -> None:
    """Show pages until the recording ends or somebody presses Ctrl-C."""
    parser = argparse.ArgumentParser(description="A kiosk that hears how a visitor speaks.")
    parser.add_argument("--source", help="audio file instead of the microphone")
    args = parser.parse_args()
    with suppress(KeyboardInterrupt):
        for time, page in pages(Recognizer().listen(args.source)):
            print(f"[{time:6.2f} s] {page}", flush=True)


if __name__ == "__main__":
    main()
