"""`edge-ser classify`: one decision a file."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.terminal import one_line, print_error, write
from edge_ser.cli.views import changes, decision_text, event_line
from edge_ser.errors import EdgeSerError

if TYPE_CHECKING:
    from edge_ser.events import Recognition


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "classify",
        help="say how was spoken in audio files",
        description="Say how was spoken in each file, over all of its speech. A file that cannot be read is told on "
        "stderr, the others are still done, and the exit status is 2.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="WAV of any rate, width and channels; more with soundfile"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a file, one a line")
    parser.add_argument("--timeline", action="store_true", help="also what was decided when; with --json, every step")
    add_settings_flags(parser, without=["device"])
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Classify each file; 2 if one could not be."""
    # Imported here: other commands must start without NumPy and the student.
    from edge_ser.recognizer import Recognizer

    recognizer = Recognizer(settings=configuration_of(args).settings)
    status = 0
    for file in args.files:
        try:
            recognition = recognizer.recognize(file, timeline=args.timeline)
        except EdgeSerError as error:
            print_error(str(error))
            status = 2
            continue
        if args.json:
            write(json.dumps({"file": file, **recognition.to_dict(timeline=args.timeline)}) + "\n")
        else:
            write(text(file, recognition, args.timeline))
    return status


def text(file: str, recognition: Recognition, timeline: bool) -> str:
    """Return a recognition as lines of text."""
    lines = [f"{one_line(file)}: {summary(recognition)}"]
    ranked = sorted(recognition.probabilities.items(), key=lambda item: -item[1])
    lines.append("    " + "  ".join(f"{label} {share:.2f}" for label, share in ranked))
    if timeline:
        lines += [event_line(event) for event in changes(recognition.timeline)]
    return "\n".join(lines) + "\n"


def summary(recognition: Recognition) -> str:
    """Return the decision and what it rests on."""
    heard = f"{recognition.speech_seconds:.1f} s of speech in {recognition.duration:.1f} s"
    if recognition.state == "no_speech":
        return f"nobody speaks ({heard})"
    if recognition.state == "warming_up":
        return f"too little speech to tell ({heard})"
    said = f"{decision_text(recognition)} {recognition.confidence:.2f}"
    flags = recognition.flags
    faults = [name for name, on in (("clipping", flags.clipping), ("noisy", flags.noise)) if on]
    where = f"valence {recognition.valence:+.2f}, arousal {recognition.arousal:+.2f}"
    return f"{said}, {where} ({', '.join([heard, *faults])})"
