"""Voice and words together: what is said weighs beside how it is said.

The words come from whatever understands speech on your device, here from a list of sentences with the time at which
each was understood, and a list of words stands in for a model of text. What the words say fades within seconds; while
nothing was understood, the voice alone decides.

    python examples/fusion.py                     # the microphone, and no words
    python examples/fusion.py --source talk.wav   # a recording, with words made up for the one that comes along
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import suppress

from edge_ser import Event, Recognizer
from edge_ser.fusion import Evidence, Fused, fuse, heard

SENTENCES = ((1.3, "where is platform two"), (5.2, "thank you that is great"), (9.0, "not again this is annoying"))
WORDS = {"great": "happy", "thank": "happy", "love": "happy", "annoying": "angry", "again": "angry", "sorry": "sad"}
WORDS_SAY = 3.0  # odds that a word gives to its emotion
WORDS_RELIABILITY = 0.5  # a list of words is often wrong
UNCERTAIN_BELOW = 0.4


def understood(text: str, labels: Iterable[str]) -> dict[str, float]:
    """Return the probability of each label from the words of a sentence."""
    odds = dict.fromkeys(labels, 1.0)
    for word in text.split():
        if WORDS.get(word) in odds:
            odds[WORDS[word]] *= WORDS_SAY
    total = sum(odds.values())
    return {label: share / total for label, share in odds.items()}


def decisions(events: Iterable[Event], sentences: Iterable[tuple[float, str]]) -> Iterator[tuple[Event, Fused]]:
    """Yield each event in which somebody speaks, with what voice and words say together."""
    waiting = list(sentences)
    last: tuple[float, str] | None = None
    for event in events:
        while waiting and waiting[0][0] <= event.time:
            last = waiting.pop(0)
        if event.state not in ("emotion", "uncertain"):
            continue
        if last is None:
            words = Evidence("words", None)
        else:
            said = understood(last[1], event.probabilities)
            words = Evidence("words", said, reliability=WORDS_RELIABILITY, age_seconds=event.time - last[0])
        yield event, fuse([heard(event), words], uncertain_below=UNCERTAIN_BELOW)


def main() -> None:
    """Print each change of mind until the recording ends or somebody presses Ctrl-C."""
    parser = argparse.ArgumentParser(description="Voice and words together.")
    parser.add_argument("--source", help="audio file instead of the microphone")
    args = parser.parse_args()
    before = None
    with suppress(KeyboardInterrupt):
        for event, fused in decisions(Recognizer().listen(args.source), SENTENCES if args.source else ()):
            if fused.emotion != before:
                before = fused.emotion
                voice = event.emotion or "uncertain"
                print(
                    f"[{event.time:6.2f} s] voice: {voice}, with the words ({fused.weights['words']:.2f}): "
                    f"{fused.emotion or 'uncertain'} {fused.confidence:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
