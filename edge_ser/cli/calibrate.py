"""`edge-ser calibrate`: half a minute of somebody's ordinary speech, so that they are heard beside themselves."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.stop import stopping_signals
from edge_ser.cli.terminal import is_terminal, print_note, tell_passed_over, write
from edge_ser.errors import SettingsError

if TYPE_CHECKING:
    from edge_ser.settings import Settings

_WITHOUT = ("preset", "coverage", "uncertain_below", "hysteresis", "minimum_dwell_seconds", "warm_up_seconds",
            "half_life_seconds", "baseline", "voice_activity", "backend", "threads", "feedback")  # fmt: skip


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "calibrate",
        help="learn how somebody sounds who speaks as usual",
        description="Learn how somebody sounds who speaks as usual: `edge-ser calibrate --speaker NAME`, then speak "
        "for half a minute about anything. Kept are some sums, never audio. `listen --speaker NAME` uses them.",
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="of speech to listen to (20)")
    parser.add_argument("--source", metavar="FILE", help="audio file instead of a microphone; - for a pipe")
    parser.add_argument("--forget", action="store_true", help="delete what is known of the speaker instead")
    parser.add_argument("--list", action="store_true", help="print who is enrolled instead")
    add_settings_flags(parser, without=_WITHOUT)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Enrol, forget or list speakers."""
    # Imported here: other commands must start without NumPy and the student.
    from edge_ser import speakers

    if args.list:
        write("".join(f"{name}\n" for name in speakers.known_speakers()))
        return 0
    # A name must be given, not found in a configuration: it would be overwritten by mistake.
    if args.speaker is None:
        raise SettingsError("Nobody was named", "Say who speaks: `edge-ser calibrate --speaker NAME`")
    if args.forget:
        if args.speaker not in speakers.known_speakers():
            raise SettingsError(f"There is no speaker {args.speaker!r}", "See `edge-ser calibrate --list`")
        speakers.path_of(args.speaker).unlink()
        return 0
    speakers.path_of(args.speaker)  # an impossible name is an error before anybody has spoken
    return _enrol(args, configuration_of(args).settings)


def _enrol(args: argparse.Namespace, settings: Settings) -> int:
    from edge_ser import speakers
    from edge_ser.capture.source import open_source
    from edge_ser.store.choose import choose_model

    choice = choose_model(settings)
    tell_passed_over(choice.passed_over)
    model = choice.model
    wanted = speakers.ENOUGH_SECONDS if args.seconds is None else args.seconds
    if not wanted > 0:
        raise SettingsError(f"seconds is {wanted:g}", "Give seconds of speech, more than 0")
    device, channel = (settings.device, settings.channel) if args.source is None else (args.device, args.channel)
    with open_source(args.source, device=device, channel=channel) as source:
        if args.source is None:
            print_note(f"Speak as usual, about anything, until {wanted:g} s of speech were heard. Ctrl-C ends it.")
        with stopping_signals():
            speaker = speakers.enrol(model, source, wanted, _show if is_terminal(sys.stdout) else lambda seconds: None)
    path = speakers.save_speaker(args.speaker, speaker)
    if is_terminal(sys.stdout):
        write("\n")
    write(f"{args.speaker}: {speaker.speech_seconds:.0f} s of speech, kept in {path}\n")
    return 0


def _show(seconds: float) -> None:
    write(f"\r{seconds:5.1f} s of speech")
