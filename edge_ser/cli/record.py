"""`edge-ser record`: the one command that keeps sound, for those who agreed, and not for ever."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.stop import Stopped, stopping_signals
from edge_ser.cli.terminal import is_terminal, one_line, print_note, write
from edge_ser.configuration import fields
from edge_ser.errors import SettingsError

if TYPE_CHECKING:
    from edge_ser.recording_store import Kept, RecordingStore

_OF_THE_MICROPHONE = ("device", "channel", "protect_memory")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "record",
        help="record sound, with consent and for a limited time",
        description="Record what is heard, once it was agreed to: the text that is shown is to be confirmed with a "
        "name. A recording whose time is over is deleted whenever this command runs, in any of its forms; to have that "
        "done in time, let `edge-ser record --purge` run every hour. No other command of edge-ser keeps sound.",
    )
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="to record at most (60; up to 3600)")
    parser.add_argument(
        "--retention-days", type=float, default=7.0, metavar="DAYS", help="until it is deleted (7; up to 365)"
    )
    parser.add_argument(
        "--consent-given-by", metavar="NAME", help="who has read the text and agrees, for all who can be heard"
    )
    parser.add_argument("--source", metavar="FILE", help="audio file instead of a microphone; - for a pipe")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--consent-text", action="store_true", help="print the text that is to be agreed to instead")
    other.add_argument("--list", action="store_true", help="print what is kept instead: ID, until when, who agreed")
    other.add_argument("--delete", metavar="ID", help="delete a recording now instead")
    other.add_argument("--purge", action="store_true", help="delete what has expired and do nothing else")
    add_settings_flags(parser, without=[name for name in fields() if name not in _OF_THE_MICROPHONE])
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record, or look after what was recorded."""
    # Imported here: other commands must start without NumPy.
    from edge_ser.recording_store import RecordingStore, consent_text

    store = RecordingStore()
    if store.deleted:
        print_note(f"deleted, their time being over: {', '.join(store.deleted)}")
    if args.purge:
        return 0
    if args.list:
        for name, kept in store.recordings().items():
            write(f"{name}  until {_until(kept)}  {one_line(kept.consent_given_by)}\n")
        return 0
    if args.delete is not None:
        store.delete(args.delete)
        return 0
    if args.consent_text:
        write(consent_text(store.folder, args.retention_days) + "\n")
        return 0
    return _record(args, store)


def _record(args: argparse.Namespace, store: RecordingStore) -> int:
    from edge_ser.capture.source import open_source
    from edge_ser.memory import protect_process
    from edge_ser.recording_store import check

    settings = configuration_of(args).settings
    check(args.seconds, args.retention_days, "somebody")  # before anybody is asked
    name = _consent(args, store)
    check(args.seconds, args.retention_days, name)
    if settings.protect_memory:
        protect_process()
    device, channel = (settings.device, settings.channel) if args.source is None else (args.device, args.channel)
    show = _show if is_terminal(sys.stdout) else lambda seconds: None
    with open_source(args.source, device=device, channel=channel) as source:
        if args.source is None:
            print_note(f"recording {args.seconds:g} s; Ctrl-C ends it")
        try:
            with stopping_signals():
                store.record(source, args.seconds, args.retention_days, name, show)
        except Stopped:
            print_note("ended; what was recorded so far is kept")
    write(f"{store.folder / store.latest}.wav, kept until {_until(store.recordings()[store.latest])}\n")
    return 0


def _consent(args: argparse.Namespace, store: RecordingStore) -> str:
    """Return who agrees, after showing to what."""
    from edge_ser.recording_store import consent_text

    print_note(consent_text(store.folder, args.retention_days))
    if args.consent_given_by is not None:
        name: str = args.consent_given_by
        return name
    if args.source == "-" or sys.stdin is None or not sys.stdin.isatty():
        cure = "Show them the text of `edge-ser record --consent-text`, and give --consent-given-by NAME"
        raise SettingsError("Nobody is at the terminal to agree", cure)
    try:
        return input("Type your name to agree, or nothing to leave it: ")
    except EOFError:
        return ""


def _until(kept: Kept) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(kept.expires))


def _show(seconds: float) -> None:
    write(f"\r{seconds:7.1f} s")
