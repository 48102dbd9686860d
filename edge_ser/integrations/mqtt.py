"""Events to an MQTT broker, by paho-mqtt in a thread of its own: who publishes never waits for the network.

While the broker is away messages wait in a queue that drops the oldest. Nothing is sent twice: what was under way when
a connection broke may have arrived, so it is not sent again, and counts as lost. A subscriber sees by `sequence` what
it missed, and by `lost` what was lost on the way to the broker.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING

from edge_ser.capture.reopening import delays
from edge_ser.errors import SettingsError
from edge_ser.events import Event
from edge_ser.integrations import home_assistant
from edge_ser.integrations.mqtt_broker import Broker
from edge_ser.integrations.mqtt_connection import BrokerError, Connection
from edge_ser.integrations.mqtt_messages import INTERVAL_SECONDS, ROOT_TOPIC, Choice, Device, Numbered, state_message

if TYPE_CHECKING:
    from typing_extensions import Self

QUEUE = 600  # messages: ten minutes at one a second
WINDOW = 10  # messages under way: as many may be lost, or not, when a connection breaks
STEADY_SECONDS = 5.0  # a connection that stood so long is no reason to wait before the next attempt
DRAIN_SECONDS = 5.0  # to send what waits when it ends
LINGER_SECONDS = 2.0  # to take leave of the broker after that


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """What has become of the messages so far; those of discovery and availability are not counted."""

    numbered: int
    """Given a sequence number; each is in one of the next four."""

    published: int
    """Acknowledged by the broker."""

    waiting: int
    """Not sent yet, or not acknowledged."""

    dropped: int
    """Never sent, for the queue was full or the end came first."""

    unconfirmed: int
    """Sent, and the connection broke before the broker acknowledged them: they may have arrived."""

    connections: int
    """To the broker."""

    @property
    def lost(self) -> int:
        """Messages that did not arrive, or may not have."""
        return self.dropped + self.unconfirmed


class MqttPublisher:
    """Publishes events while it is open; everything may be called from any thread.

    Parameters
    ----------
    broker : Broker
    device : Device
        Who speaks.
    interval_seconds : float
        Of the stream, between two messages that say nothing new; 0 for every event.
    queue : int
        Messages that wait at most.
    discovery_prefix : str or None
        Where to announce the device to Home Assistant; None not to.
    note : callable
        Called with a line of text, in another thread, when the connection comes or goes.

    Raises
    ------
    SettingsError
        paho-mqtt is not installed; no certificate in the broker's `ca_file`; a queue or an interval that is none.

    Examples
    --------
    >>> from edge_ser import Recognizer
    >>> def publish(broker: Broker, device: Device) -> None:
    ...     with MqttPublisher(broker, device) as publisher:
    ...         for event in Recognizer().listen():
    ...             publisher.publish(event)
    """

    def __init__(
        self,
        broker: Broker,
        device: Device,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        queue: int = QUEUE,
        discovery_prefix: str | None = home_assistant.PREFIX,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        try:
            import_module("paho.mqtt.enums")  # which version 1 does not have
        except ImportError as error:
            raise SettingsError("paho-mqtt 2 is not installed", "Run: pip install 'edge-ser[mqtt]'") from error
        if queue < 1:
            raise SettingsError(f"The queue of messages is {queue}", "Let it hold 1 or more")
        if not 0 <= interval_seconds < float("inf"):
            raise SettingsError(f"The interval is {interval_seconds} s", "Give seconds, 0 or more")
        self._broker = broker
        self._tls = broker.tls_context()
        self._device = device
        self._session = uuid.uuid4().hex[:12]
        self._greetings = [device.availability(present=True)]
        if discovery_prefix is not None:
            self._greetings = [*home_assistant.discovery(device, interval_seconds, discovery_prefix), *self._greetings]
        self._worth_sending = Choice(interval_seconds)
        self._note = note
        self._trouble: BrokerError | None = None
        # All below is guarded by it; it is never held while the network is used.
        self._changed = threading.Condition()
        self._queue: deque[Numbered] = deque()
        self._capacity = queue
        self._numbered = self._published = self._dropped = self._unconfirmed = self._connections = 0
        self._ends_at: float | None = None
        self._thread = threading.Thread(target=self._work, name="edge-ser MQTT", daemon=True)
        self._thread.start()

    def publish(self, event: Event) -> None:
        """Take an event; returns at once, whatever the broker does. One stream's events, in order."""
        with self._changed:
            if not self._worth_sending(event):
                return
            self._numbered += 1
            if self._ends_at is not None:
                self._dropped += 1
                return
            if len(self._queue) == self._capacity:
                self._queue.popleft()
                self._dropped += 1
            self._queue.append(Numbered(event, self._numbered, time.time()))
            self._changed.notify_all()

    def stats(self) -> PublisherStats:
        """Return what was counted."""
        with self._changed:
            settled = self._published + self._dropped + self._unconfirmed
            return PublisherStats(
                numbered=self._numbered,
                published=self._published,
                waiting=self._numbered - settled,
                dropped=self._dropped,
                unconfirmed=self._unconfirmed,
                connections=self._connections,
            )

    @property
    def trouble(self) -> BrokerError | None:
        """Why there is no connection; None where there is one, or none was tried."""
        return self._trouble

    def close(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Send what waits for so long at most, say that the device is gone, and end; may be called twice."""
        with self._changed:
            if self._ends_at is None:
                self._ends_at = time.monotonic() + drain_seconds
            self._changed.notify_all()
            left = max(0.0, self._ends_at - time.monotonic())
        # A host that does not answer keeps the thread longer; it ends with the process.
        self._thread.join(left + LINGER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self) -> None:
        """Connect, send, and again; with the end in sight one attempt more."""
        waits = delays()
        ending = False
        while not ending:
            ending = self._pause(next(waits))
            if self._over():
                break
            try:
                connection = self._connect()
            except BrokerError as error:
                self._tell(error)
                continue
            began = time.monotonic()
            self._tell(None)
            if self._serve(connection):
                self._tell(BrokerError(f"The MQTT broker at {self._broker.address} is gone", "It is looked for"))
            if time.monotonic() - began > STEADY_SECONDS:
                waits = delays()
        with self._changed:
            self._dropped += len(self._queue)
            self._queue.clear()

    def _connect(self) -> Connection:
        will = self._device.availability(present=False)
        connection = Connection(self._broker, self._tls, f"{ROOT_TOPIC}-{self._device.name}", will, self._changed)
        with self._changed:
            self._connections += 1
        for greeting in self._greetings:  # each time: the broker may have forgotten what it was to keep
            connection.send(greeting)
        return connection

    def _serve(self, connection: Connection) -> bool:
        """Send what comes until the connection or everything is over; say whether it was the connection."""
        while not connection.over and not self._over(connection.waiting):
            with self._changed:
                self._changed.wait_for(lambda: self._awaited(connection), self._seconds_left())
                self._published += connection.settle()
                numbered = self._queue.popleft() if self._may_send(connection) else None
                lost = self._dropped + self._unconfirmed
            if numbered is not None:
                connection.send(state_message(self._device, self._session, numbered, lost), counts=True)
        broken = connection.over
        connection.end(self._device.availability(present=False))
        with self._changed:
            self._published += connection.settle()
            self._unconfirmed += connection.waiting
        return broken

    def _awaited(self, connection: Connection) -> bool:
        """Say whether there is something to do; called with the lock held, as is the next."""
        return connection.over or connection.news or self._may_send(connection) or self._over(connection.waiting)

    def _may_send(self, connection: Connection) -> bool:
        return bool(self._queue) and connection.waiting < WINDOW and not connection.over

    def _over(self, waiting: int = 0) -> bool:
        """Say whether the end is wanted and nothing waits for it, or not any longer."""
        with self._changed:
            idle = not self._queue and not waiting
            return self._ends_at is not None and (idle or time.monotonic() >= self._ends_at)

    def _seconds_left(self) -> float | None:
        return None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())

    def _pause(self, seconds: float) -> bool:
        """Wait before an attempt, unless the end is wanted, which is returned."""
        with self._changed:
            # Those who lost the same broker are not all to come back in the same moment.
            seconds *= random.uniform(0.5, 1.0)
            return self._changed.wait_for(lambda: self._ends_at is not None, seconds)

    def _tell(self, trouble: BrokerError | None) -> None:
        """Note that there is a connection, or why there is none, once."""
        if trouble is None:
            self._note(f"publishing to {self._broker.address} as {ROOT_TOPIC}/{self._device.name}")
        elif str(trouble) != str(self._trouble):
            self._note(str(trouble))
        self._trouble = trouble
