"""`edge-ser listen`: how one is being spoken to, now."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from edge_ser.cli.observed import add_metrics_flags, observed
from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.stop import stopping_signals
from edge_ser.cli.terminal import is_terminal, looks_of, one_line, print_note, tell_passed_over
from edge_ser.cli.views import JsonView, LineView, View
from edge_ser.errors import AudioDeviceError, SettingsError
from edge_ser.integrations.systemd import is_service

if TYPE_CHECKING:
    from edge_ser.capture.source import Source
    from edge_ser.recognizer import Recognizer
    from edge_ser.settings import Settings

DEMO_NAME, DEMO_TITLE = "demo", "the embedded recording (synthetic speech)"

_EPILOG = """\
examples:
  edge-ser listen                                     the default microphone
  edge-ser listen --source talk.wav --fast --json     a file, as fast as it goes
  arecord -t raw -f S16_LE -r 16000 | edge-ser listen --source -
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "listen",
        help="listen to a microphone, a file or a pipe",
        description="Say how one is being spoken to, every 80 ms.\nWithout a microphone, a recording is played.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source_flags(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_metrics_flags(parser)
    add_settings_flags(parser, without=("feedback",))
    parser.set_defaults(run=run)


def add_source_flags(parser: argparse.ArgumentParser) -> None:
    """Add what `open_audio` reads, the settings apart."""
    parser.add_argument(
        "--source",
        metavar="FILE",
        help="audio file instead of a microphone; - for a pipe of PCM or WAV, `demo` for the embedded recording",
    )
    parser.add_argument("--fast", action="store_true", help="read the file as fast as it goes, not as it was spoken")
    parser.add_argument("--rate", type=int, metavar="HZ", help="sample rate of raw PCM (16000), or of the microphone")


def run(args: argparse.Namespace) -> int:
    """Listen until the source ends or somebody stops it."""
    with microphone_advice():
        return _listen(args)


@contextmanager
def microphone_advice() -> Iterator[None]:
    """Add to what is wrong with a microphone where to look further."""
    try:
        yield
    except AudioDeviceError as error:
        raise AudioDeviceError(error.problem, f"{error.cure}; `edge-ser doctor` looks for the reason") from error


def _listen(args: argparse.Namespace) -> int:
    # Imported here: other commands must start without NumPy and the student.
    from edge_ser.recognizer import Recognizer

    # First the student: where it is missing there is no need to open a microphone.
    settings = configuration_of(args).settings
    recognizer = Recognizer(settings=settings)
    tell_passed_over(recognizer.passed_over)
    source, title = open_audio(args, settings)
    with source:
        view = choose_view(args.json, one_line(title), recognizer)
        try:
            with stopping_signals(), closing(observed(args, recognizer, recognizer.listen(source))) as events:
                for event in events:
                    view.show(event)
        except BrokenPipeError:
            raise  # there is nobody to tell anything
        except BaseException:
            view.end()
            raise
        view.end()
    return 0


def open_audio(args: argparse.Namespace, settings: Settings) -> tuple[Source, str]:
    """Open what the arguments name, or the embedded recording where they name nothing and there is no microphone.

    Returns
    -------
    source : Source
    title : str
        What it is called.
    """
    from edge_ser.capture.source import open_source
    from edge_ser.recordings import DEMO

    if args.fast and args.source is None:
        raise SettingsError("A microphone cannot be read faster than one speaks", "Name a file with --source")
    # A device in the configuration is for when nothing else is named; as a flag beside --source it is a contradiction.
    of_microphone = settings if args.source is None else args
    device, channel = of_microphone.device, of_microphone.channel
    if args.source is None and device is None and channel is None:
        missing = missing_microphone()
        if missing is not None and is_service():
            raise missing  # nobody is there to be shown a recording; the service manager tries again
        if missing is not None:
            print_note(f"{missing} `edge-ser doctor` looks for the reason. Until then a recording is played.")
            return open_source(DEMO, realtime=True), DEMO_TITLE
    # A pipe has its own pace: to pace it again would let it fall behind a recorder whose clock is faster.
    realtime = args.source not in (None, "-") and not args.fast
    spec = DEMO if args.source == DEMO_NAME else args.source
    source = open_source(spec, sample_rate=args.rate, device=device, channel=channel, realtime=realtime)
    return source, DEMO_TITLE if spec is DEMO else source.name


def missing_microphone() -> AudioDeviceError | None:
    """Return why there is no microphone at all; None where there is one."""
    from edge_ser.capture.devices import list_devices, no_microphone

    try:
        return None if list_devices() else no_microphone()
    except AudioDeviceError as error:
        return error


def choose_view(as_json: bool, title: str, recognizer: Recognizer) -> View:
    """Return what suits the place that stdout leads to."""
    if as_json:
        return JsonView(recognizer.stats)
    if not is_terminal(sys.stdout):
        return LineView()
    from edge_ser.cli.live_view import LiveView

    step_seconds = recognizer.model.metadata.features.step_seconds
    return LiveView(title, looks_of(sys.stdout), step_seconds, recognizer.stats)
