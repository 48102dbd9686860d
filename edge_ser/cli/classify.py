"""`edge-ser classify`: one decision a file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.terminal import one_line, print_error, print_note, tell_passed_over, write
from edge_ser.cli.views import changes, decision_text, event_line
from edge_ser.errors import EdgeSerError, SettingsError

if TYPE_CHECKING:
    from edge_ser.events import Recognition
    from edge_ser.recognizer import Recognizer


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
    parser.add_argument(
        "--explain",
        nargs="?",
        const="",
        metavar="BASE",
        help="also write where the decision came from, as a picture and as data: to BASE.svg and BASE.json, or to "
        "NAME.explanation.svg and .json in the folder BASE, or here; takes some seconds a file",
    )
    add_settings_flags(parser, without=["device", "feedback"])
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Classify each file; 2 if one could not be."""
    bases = explanation_bases(args.files, args.explain)
    # Imported here: other commands must start without NumPy and the student.
    from edge_ser.recognizer import Recognizer

    recognizer = Recognizer(settings=configuration_of(args).settings)
    tell_passed_over(recognizer.passed_over)
    status = 0
    for file, base in zip(args.files, bases, strict=True):
        try:
            written: tuple[str, ...] = ()
            if base is None:
                recognition = recognizer.recognize(file, timeline=args.timeline)
            else:
                recognition, written = explain(recognizer, file, base)
        except EdgeSerError as error:
            print_error(str(error))
            status = 2
            continue
        if args.json:
            answer = {"file": file, **recognition.to_dict(timeline=args.timeline)}
            if written:
                answer["explanation"] = written
            write(json.dumps(answer) + "\n")
        else:
            write(text(file, recognition, args.timeline, written))
    return status


def explanation_bases(files: Sequence[str], asked: str | None) -> list[str | None]:
    """Return where to write the explanation of each file, without suffixes; None where none is asked for.

    Raises
    ------
    SettingsError
        Two would be written to one place.
    """
    if asked is None:
        return [None] * len(files)
    bases = [asked] * len(files)
    if not asked or Path(asked).is_dir():
        bases = [str(Path(asked, f"{'stdin' if file == '-' else Path(file).stem}.explanation")) for file in files]
    for number, base in enumerate(bases):
        if base in bases[:number]:
            raise SettingsError(
                f"The explanations of {files[bases.index(base)]} and {files[number]} would both be {base}.svg",
                "Explain one at a time",
            )
    return [*bases]


def explain(recognizer: Recognizer, file: str, base: str) -> tuple[Recognition, tuple[str, ...]]:
    """Write where the decision on a file came from; return the decision and what was written."""
    from edge_ser.explanation import check_writable
    from edge_ser.explanation import write as write_files

    check_writable(base)  # before the seconds that it takes
    explanation = recognizer.explain(file)
    paths = tuple(map(str, write_files(explanation, base)))
    if explanation.explained_seconds < explanation.recognition.duration:
        print_note(f"only the first {explanation.explained_seconds:.0f} s of {file} are explained")
    return explanation.recognition, paths


def text(file: str, recognition: Recognition, timeline: bool, written: Sequence[str] = ()) -> str:
    """Return a recognition as lines of text."""
    lines = [f"{one_line(file)}: {summary(recognition)}"]
    ranked = sorted(recognition.probabilities.items(), key=lambda item: -item[1])
    lines.append("    " + "  ".join(f"{label} {share:.2f}" for label, share in ranked))
    if written:
        lines.append(f"    explained in {one_line(' and '.join(written))}")
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
