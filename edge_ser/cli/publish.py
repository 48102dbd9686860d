"""`edge-ser publish`: how one is being spoken to, told to an MQTT broker."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from typing import TYPE_CHECKING

from edge_ser.cli.listen import add_source_flags, microphone_advice, open_audio
from edge_ser.cli.observed import add_metrics_flags, observed
from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.stop import Stopped, stopping_signals
from edge_ser.cli.terminal import print_note, tell_passed_over

if TYPE_CHECKING:
    from edge_ser.integrations.mqtt import MqttPublisher
    from edge_ser.integrations.mqtt_broker import Broker
    from edge_ser.integrations.mqtt_messages import Device
    from edge_ser.student.model_file import ModelFile

PASSWORD_VARIABLE = "EDGE_SER_MQTT_PASSWORD"
STOP_SECONDS = 1.0  # to send what waits, where somebody wants the end

_EPILOG = f"""\
topics:
  edge-ser/NAME/state          what is heard, as `edge-ser listen --json` has it, and its sequence number
  edge-ser/NAME/availability   online or offline; the broker says so itself where the connection breaks

The password is the first line of --password-file, or else {PASSWORD_VARIABLE}: other users
of this machine can read a command's arguments.

examples:
  edge-ser publish --mqtt broker.local
  edge-ser publish --mqtt broker.local --tls --user lobby --password-file /etc/edge-ser.password
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "publish",
        help="listen, and publish what is heard to an MQTT broker",
        description="Listen as `edge-ser listen` does, and publish to an MQTT broker what is heard. Home Assistant\n"
        "finds the device by itself. Needs: pip install 'edge-ser[mqtt]'",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # --password is not to be --password-file
    )
    broker = parser.add_argument_group("broker")
    broker.add_argument("--mqtt", required=True, metavar="HOST[:PORT]", help="the broker; port 1883, or 8883 with TLS")
    broker.add_argument("--name", help="of this device, in topics (the host's name and a number)")
    broker.add_argument("--tls", action="store_true", help="encrypt, and check the broker's certificate")
    broker.add_argument("--ca-file", metavar="FILE", help="authorities to trust, PEM (the system's)")
    broker.add_argument("--user", help="to log in as")
    broker.add_argument("--password-file", metavar="FILE", help="that holds the password")
    broker.add_argument(
        "--interval",
        type=float,
        metavar="SECONDS",
        help="between messages that say nothing new (1); 0: every event",
    )
    broker.add_argument("--queue", type=int, metavar="N", help="messages to keep while the broker is away (600)")
    discovery = broker.add_mutually_exclusive_group()
    discovery.add_argument(
        "--discovery",
        metavar="PREFIX",
        default="homeassistant",
        help="where Home Assistant listens (%(default)s)",
    )
    discovery.add_argument(
        "--no-discovery", action="store_const", const=None, dest="discovery", help="do not announce the device"
    )
    add_source_flags(parser)
    add_metrics_flags(parser)
    add_settings_flags(parser, without=("feedback",))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Publish until the source ends or somebody stops it."""
    broker = broker_of(args)
    if broker.in_clear:
        print_note("The password goes to the broker unencrypted: use --tls.")
    # Imported here: other commands must start without NumPy and the student.
    from edge_ser.integrations.mqtt import QUEUE, MqttPublisher
    from edge_ser.integrations.mqtt_messages import INTERVAL_SECONDS
    from edge_ser.recognizer import Recognizer

    settings = configuration_of(args).settings
    recognizer = Recognizer(settings=settings)
    tell_passed_over(recognizer.passed_over)
    with microphone_advice():
        source, _ = open_audio(args, settings)
        with (
            source,
            MqttPublisher(
                broker,
                device_of(args, recognizer.model),
                interval_seconds=INTERVAL_SECONDS if args.interval is None else args.interval,
                queue=QUEUE if args.queue is None else args.queue,
                discovery_prefix=args.discovery,
                note=print_note,
            ) as publisher,
        ):
            try:
                with stopping_signals(), closing(observed(args, recognizer, recognizer.listen(source))) as events:
                    for event in events:
                        publisher.publish(event)
            except Stopped:
                publisher.close(STOP_SECONDS)
                _sum_up(publisher)
                raise
    _sum_up(publisher)
    if publisher.trouble is not None and not publisher.stats().published:
        raise publisher.trouble
    return 0


def broker_of(args: argparse.Namespace) -> Broker:
    """Return the broker that the arguments name.

    Raises
    ------
    SettingsError
        They contradict each other, or the password cannot be read.
    """
    from edge_ser.integrations.mqtt_broker import broker_at, password_from

    password = password_from(args.password_file) if args.password_file else os.environ.get(PASSWORD_VARIABLE) or None
    return broker_at(args.mqtt, tls=args.tls, ca_file=args.ca_file, user=args.user, password=password)


def device_of(args: argparse.Namespace, model: ModelFile) -> Device:
    """Return what this machine is called, and what it runs."""
    from edge_ser import __version__
    from edge_ser.integrations.mqtt_messages import Device, default_name

    about = model.metadata
    return Device(args.name or default_name(), tuple(about.labels), f"{about.name} {about.version}", __version__)


def _sum_up(publisher: MqttPublisher) -> None:
    stats = publisher.stats()
    print_note(f"{stats.published} messages published, {stats.lost + stats.waiting} lost")
