"""Those who watch a command that listens: the service manager, and Prometheus where it was asked for."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.cli.terminal import print_note
from edge_ser.integrations.systemd import manager_of, watched

if TYPE_CHECKING:
    from edge_ser.events import Event
    from edge_ser.integrations.prometheus import Address
    from edge_ser.recognizer import Recognizer


def add_metrics_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `observed` reads."""
    group = parser.add_argument_group("metrics", "for Prometheus; an extra: pip install 'edge-ser[prometheus]'")
    group.add_argument(
        "--metrics",
        metavar="[HOST:]PORT",
        type=_address,
        help="serve /metrics on this port, on this machine alone (127.0.0.1) unless a host is named",
    )
    group.add_argument(
        "--metrics-file",
        metavar="FILE",
        help="keep them in a .prom file for node_exporter's textfile collector",
    )


def observed(args: argparse.Namespace, recognizer: Recognizer, events: Iterable[Event]) -> Generator[Event, None, None]:
    """Yield the events as they are, while those who watch are told of them; to be closed when it is left early.

    Parameters
    ----------
    args : Namespace
        With the flags of `add_metrics_flags`.
    recognizer : Recognizer
        The one that the events come from.
    events : iterable of Event

    Raises
    ------
    SettingsError, OutputError
        Metrics cannot be served or written.
    """
    with ExitStack() as ends:
        if args.metrics or args.metrics_file:
            # Imported here, as below: most runs have no metrics.
            from edge_ser.integrations.prometheus import LOOPBACK, Metrics

            metrics = Metrics(recognizer)
            if args.metrics:
                ends.callback(metrics.serve(args.metrics))
                if args.metrics.host not in LOOPBACK:
                    print_note("metrics are served beyond this machine, to anybody who asks; they tell of emotions")
            events = metrics.counted(events)
            if args.metrics_file:
                from edge_ser.integrations.textfile import MetricsFile

                events = MetricsFile(Path(args.metrics_file), metrics.text).kept(events)
        yield from watched(events, manager_of())


def _address(text: str) -> Address:
    from edge_ser.integrations.prometheus import parse_address

    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, as 9500 or 0.0.0.0:9500") from error
