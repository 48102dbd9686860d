"""One connection to an MQTT broker, from its greeting to its end; what to do after that is `mqtt`'s business.

Messages go with quality of service 1, so the broker acknowledges each. A client of paho's that loses its connection
would send what was not acknowledged again, and some of it would arrive twice; here a client has one connection, and
what was not acknowledged when that ends is known to its owner.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import Any

from edge_ser.errors import EdgeSerError
from edge_ser.integrations.mqtt_broker import Broker
from edge_ser.integrations.mqtt_messages import Message

GREETING_SECONDS = 10.0  # for a broker to answer once it is reached
FAREWELL_SECONDS = 1.0  # for it to acknowledge the last message
KEEPALIVE_SECONDS = (
    15  # of silence before paho asks whether the other side is there; half as much again before it gives up
)

_AT_LEAST_ONCE = 1


class BrokerError(EdgeSerError):
    """A broker cannot be reached, or does not want us, or is gone."""


class Connection:
    """A connection that stands, until `over`; sending belongs to one thread.

    Parameters
    ----------
    broker : Broker
    context : ssl.SSLContext or None
        `broker.tls_context()`.
    name : str
        Of the client: the broker ends a connection of the same name, and says its last will before it greets this one.
    will : Message
        Said by the broker when this connection breaks.
    changed : threading.Condition
        Notified when a message is acknowledged and when the connection is over.

    Raises
    ------
    BrokerError
        There is no connection.
    """

    def __init__(
        self, broker: Broker, context: ssl.SSLContext | None, name: str, will: Message, changed: threading.Condition
    ) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._broker = broker
        self._changed = changed
        self._greeting: Any = None  # the broker's answer
        self._in_flight: dict[int, bool] = {}  # by paho's number: whether it counts
        self._acknowledged: set[int] = set()
        self.over = False
        self._client = Client(CallbackAPIVersion.VERSION2, name, reconnect_on_failure=False)
        self._client.username_pw_set(broker.user, broker.password)
        if context is not None:
            self._client.tls_set_context(context)
        self._client.will_set(will.topic, will.payload, _AT_LEAST_ONCE, will.retain)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect
        self._connect()

    @property
    def waiting(self) -> int:
        """Messages that count and are not acknowledged."""
        return sum(self._in_flight.values())

    @property
    def news(self) -> bool:
        """Whether something was acknowledged since `settle`."""
        return bool(self._acknowledged)

    def send(self, message: Message, counts: bool = False) -> None:
        """Send a message; does not wait for the network."""
        info = self._client.publish(message.topic, message.payload, _AT_LEAST_ONCE, message.retain)
        self._in_flight[info.mid] = counts

    def settle(self) -> int:
        """Return how many of the messages that count were acknowledged since the last call."""
        with self._changed:
            known = self._acknowledged & self._in_flight.keys()
            self._acknowledged -= known
        return sum(self._in_flight.pop(number) for number in known)

    def end(self, farewell: Message | None = None) -> None:
        """Let go of it; with a farewell the broker does not say the last will."""
        if farewell is not None and not self.over:
            info = self._client.publish(farewell.topic, farewell.payload, _AT_LEAST_ONCE, farewell.retain)
            with self._changed:
                self._changed.wait_for(lambda: self.over or info.mid in self._acknowledged, FAREWELL_SECONDS)
            self._client.disconnect()
        else:
            connected: Any = self._client.socket()  # None where it is closed already
            with suppress(OSError, AttributeError):  # the other side was quicker
                connected.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def _connect(self) -> None:
        try:
            self._client.connect(self._broker.host, self._broker.port_used, KEEPALIVE_SECONDS)
        except (OSError, ValueError) as error:  # a name that is none is a ValueError
            raise _unreachable(self._broker, error) from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._greeting is not None or self.over, GREETING_SECONDS)
        if self._greeting is None or self._greeting.is_failure:
            self.end()
            raise _unwelcome(self._broker, self._greeting)

    # These run in paho's thread.

    def _on_connect(self, client: object, data: object, flags: object, reason: Any, properties: object) -> None:
        with self._changed:
            self._greeting = reason
            self._changed.notify_all()

    def _on_publish(self, client: object, data: object, number: int, reason: object, properties: object) -> None:
        with self._changed:
            self._acknowledged.add(number)
            self._changed.notify_all()

    def _on_disconnect(self, client: object, data: object, flags: object, reason: object, properties: object) -> None:
        with self._changed:
            self.over = True
            self._changed.notify_all()


def _unreachable(broker: Broker, error: Exception) -> BrokerError:
    problem = f"The MQTT broker at {broker.address} cannot be reached"
    if isinstance(error, ssl.SSLCertVerificationError):
        why, cure = error.verify_message, "Name the certificate of its authority, or the host as the certificate has it"
    elif isinstance(error, ssl.SSLError):
        why, cure = f"TLS: {error.reason or error}", "Look whether this port is the one for TLS"
    elif isinstance(error, socket.gaierror | ValueError):
        why, cure = "no such host", "Look at its name"
    elif isinstance(error, ConnectionRefusedError):
        why, cure = "nothing listens there", "Look whether it runs, and at the port"
    else:
        why, cure = str(error), "Look at the network"
    return BrokerError(f"{problem} ({why})", cure)


def _unwelcome(broker: Broker, greeting: Any) -> BrokerError:
    problem = f"The MQTT broker at {broker.address}"
    if greeting is None:
        return BrokerError(
            f"{problem} does not greet", "Look whether this port is one for MQTT, and with TLS or without"
        )
    return BrokerError(f"{problem} refuses: {str(greeting).lower()}", "Look at the user and the password")
