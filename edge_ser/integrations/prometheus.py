"""Prometheus: what the recogniser counts, as metrics to be scraped.

prometheus-client writes the format and serves it. Names are in the base units of Prometheus: seconds, ratios, totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from edge_ser.errors import SettingsError
from edge_ser.events import Event, State

if TYPE_CHECKING:
    from edge_ser.recognizer import Recognizer
    from edge_ser.stats import Stats

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Address:
    """Where metrics are served."""

    host: str
    """Loopback unless another is named."""

    port: int
    """0 for a free one."""


def parse_address(text: str) -> Address:
    """Return what `[HOST:]PORT` names.

    Raises
    ------
    ValueError
        It names nothing.

    Examples
    --------
    >>> parse_address("9500")
    Address(host='127.0.0.1', port=9500)
    >>> parse_address("[::1]:9500")
    Address(host='::1', port=9500)
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{text!r} is no [HOST:]PORT")
    return Address(host.strip("[]") or LOOPBACK[0], int(port))


class Metrics:
    """The metrics of one recogniser; also a collector for a registry of prometheus-client.

    Parameters
    ----------
    recognizer : Recognizer
        Asked for its statistics at each scrape.

    Raises
    ------
    SettingsError
        prometheus-client is not installed.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._client = load_client()
        self._recognizer = recognizer
        self._labels = recognizer.model.metadata.labels
        self._state: State = "no_speech"
        self._emotion: str | None = None  # decided on in the present utterance so far
        self._spoke = False  # there is a present utterance
        self._events: Counter[str] = Counter()  # by state
        self._decisions: Counter[str] = Counter()  # by label, one an utterance
        self._without = 0  # utterances that ended without a decision
        self.registry = self._client.CollectorRegistry()
        self.registry.register(self)
        # With a prefix: node_exporter has the unprefixed ones of its own.
        self._client.ProcessCollector(namespace="edge_ser", registry=self.registry)

    def counted(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the events as they are, and count them."""
        for event in events:
            self.note(event)
            yield event

    def note(self, event: Event) -> None:
        """Count an event: its state, and with the end of an utterance the last decision on it."""
        self._state = event.state
        self._events[event.state] += 1
        if event.state == "no_speech":
            self._end_utterance()
        elif event.state != "mic_lost":
            self._spoke = True
            self._emotion = event.emotion

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        written: bytes = self._client.generate_latest(self.registry)
        return written

    def serve(self, address: Address) -> Callable[[], None]:
        """Serve `/metrics` from a thread; return what ends that.

        Raises
        ------
        SettingsError
            The address cannot be had.
        """
        try:
            server, thread = self._client.start_http_server(address.port, address.host, self.registry)
        except OSError as error:
            where = f"{address.host}:{address.port}"
            cure = "Choose another port, or end what uses this one"
            raise SettingsError(f"Metrics cannot be served on {where} ({error.strerror})", cure) from error
        self.port: int = server.server_port

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop

    def collect(self) -> Iterator[Any]:
        """Yield the metric families, as prometheus-client wants them of a collector."""
        core = self._client.core
        stats = self._recognizer.stats()
        about = self._recognizer.model.metadata
        yield core.InfoMetricFamily(
            "edge_ser_model", "The student in use.", value={"name": about.name, "version": about.version}
        )
        for name, explained, value in _counters(stats):
            yield core.CounterMetricFamily(f"edge_ser_{name}", explained, value=value)
        for name, explained, value in _gauges(stats):
            yield core.GaugeMetricFamily(f"edge_ser_{name}", explained, value=value)
        state = core.GaugeMetricFamily("edge_ser_state", "1 for the present state, 0 for the others.", labels=["state"])
        events = core.CounterMetricFamily("edge_ser_events", "Events by their state.", labels=["state"])
        for each in get_args(State):
            state.add_metric([each], float(each == self._state))
            events.add_metric([each], self._events[each])
        yield state
        yield events
        decisions = core.CounterMetricFamily(
            "edge_ser_decisions", "Utterances by the emotion last decided on.", labels=["emotion"]
        )
        for label in self._labels:
            decisions.add_metric([label], self._decisions[label])
        yield decisions
        yield core.CounterMetricFamily(
            "edge_ser_uncertain", "Utterances that ended without a decision.", value=self._without
        )

    def _end_utterance(self) -> None:
        if not self._spoke:
            return
        self._spoke = False
        if self._emotion is None:
            self._without += 1
        else:
            self._decisions[self._emotion] += 1


def _counters(stats: Stats) -> list[tuple[str, str, float]]:
    return [
        ("steps", "Steps of audio worked through.", stats.steps),
        ("overruns", "Times that audio was lost because the program or the device was late.", stats.overflows),
        ("lost_seconds", "Audio lost in this way.", stats.lost_seconds),
        ("microphone_losses", "Times that the microphone went away.", stats.mic_losses),
        ("microphone_restorations", "Times that it came back.", stats.mic_restorations),
        ("microphone_away_seconds", "Time without the microphone.", stats.away_seconds),
    ]


def _gauges(stats: Stats) -> list[tuple[str, str, float]]:
    return [
        ("queue_seconds", "Audio that waits to be worked through.", stats.queue_seconds),
        ("queue_high_water_seconds", "Most that has waited.", stats.queue_high_water_seconds),
        ("step_p50_seconds", "Median computing time of the last 1000 steps.", stats.step_ms_p50 / 1000),
        ("step_p95_seconds", "What 95 of 100 of them kept to.", stats.step_ms_p95 / 1000),
        ("step_p99_seconds", "What 99 of 100 of them kept to.", stats.step_ms_p99 / 1000),
        ("drift", "How far the last utterances are from those of training; beyond 1 is drift.", stats.drift),
    ]


def load_client() -> Any:
    """Return prometheus-client.

    Raises
    ------
    SettingsError
        It is not installed.
    """
    try:
        import prometheus_client
        import prometheus_client.core
    except ImportError as error:
        cure = "Install it: pip install 'edge-ser[prometheus]'"
        raise SettingsError(f"Metrics need prometheus-client, which cannot be imported ({error})", cure) from error
    return prometheus_client
