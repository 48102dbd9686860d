"""A real broker hears everything once, or it is counted as lost; and whoever publishes never waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from mosquitto import Access, Mosquitto, Network, Subscriber, wait_until

from edge_ser.errors import SettingsError
from edge_ser.events import Event, Flags
from edge_ser.integrations.mqtt import WINDOW, MqttPublisher, PublisherStats
from edge_ser.integrations.mqtt_broker import Broker
from edge_ser.integrations.mqtt_messages import Device

DEVICE = Device("lobby", ("happy", "sad"), "default 0.2.0", "0.1.0")
EVENT = Event(
    time=0.0,
    state="emotion",
    emotion="happy",
    probabilities={"happy": 0.75, "sad": 0.25},
    confidence=0.75,
    valence=0.5,
    arousal=0.25,
    speech=True,
    speech_seconds=1.0,
    attention=0.1,
    level_dbfs=-25.0,
    flags=Flags(),
)
STEP_SECONDS = 0.08


def publisher(port: int, **options: object) -> MqttPublisher:
    options = {"interval_seconds": 0, "discovery_prefix": None, **options}
    return MqttPublisher(Broker("127.0.0.1", port), DEVICE, **options)


def say(to: MqttPublisher, count: int) -> None:
    """Publish this many events, each later than all before."""
    first = to.stats().numbered
    for number in range(first, first + count):
        to.publish(replace(EVENT, time=number * STEP_SECONDS))


def settled(to: MqttPublisher) -> PublisherStats:
    """Return the figures once nothing waits."""
    wait_until(lambda: not to.stats().waiting)
    return to.stats()


def numbers(states: list[dict]) -> list[int]:
    return [state["sequence"] for state in states]


def test_a_subscriber_hears_each_event_once_and_in_order(broker: Mosquitto) -> None:
    subscriber = Subscriber(broker.port)
    with publisher(broker.port) as to:
        say(to, 200)
        stats = settled(to)
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    subscriber.close()
    assert (stats.numbered, stats.published, stats.lost, stats.connections) == (200, 200, 0, 1)
    assert subscriber.availability("lobby") == ["online", "offline"]
    states = subscriber.states("lobby")
    assert numbers(states) == [*range(1, 201)]
    assert len({state["session"] for state in states}) == 1
    assert {state["lost"] for state in states} == {0}
    line = json.loads(json.dumps(replace(EVENT, time=STEP_SECONDS).to_dict()))
    assert {name: states[1][name] for name in line} == line
    assert states[1].keys() - line.keys() == {"session", "sequence", "lost", "at"}


def test_a_broker_that_is_killed_and_comes_back_gets_nothing_twice_and_hears_of_the_loss(broker: Mosquitto) -> None:
    network = Network(broker.port)
    subscriber = Subscriber(broker.port)
    with publisher(network.port, queue=50) as to:
        say(to, 40)
        assert settled(to).published == 40
        network.stall("back")  # what goes out now arrives, and nobody here knows: this is what a resend would double
        say(to, WINDOW + 30)
        wait_until(lambda: len(subscriber.states("lobby")) == 40 + WINDOW)
        broker.kill()
        network.cut()
        wait_until(lambda: to.trouble)
        say(to, 500)
        away = to.stats()
        broker.start()
        subscriber.wait_for_subscription(2)  # it must not miss anything either
        network.mend()
        after = settled(to)
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    network.cut()
    subscriber.close()

    assert (away.published, away.unconfirmed, away.dropped, away.waiting) == (40, WINDOW, 480, 50)
    assert (after.published, after.lost, after.connections) == (90, 480 + WINDOW, 2)
    states = subscriber.states("lobby")
    newest = [*range(40 + WINDOW + 480 + 1, 40 + WINDOW + 530 + 1)]
    assert numbers(states) == [*range(1, 40 + WINDOW + 1), *newest]
    assert {state["lost"] for state in states[:-50]} == {0}
    assert {state["lost"] for state in states[-50:]} == {after.lost}


def test_whatever_a_broker_is_doing_when_it_is_killed_nothing_comes_twice(broker: Mosquitto) -> None:
    network = Network(broker.port)
    subscriber = Subscriber(broker.port)
    rounds = 3
    with publisher(network.port, queue=300 * rounds) as to:
        for number in range(rounds):
            wait_until(lambda number=number: to.stats().connections == number + 1)
            say(to, 300)
            wait_until(lambda number=number: to.stats().published > 100 * number + 20)
            broker.kill()
            network.cut()
            broker.start()
            subscriber.wait_for_subscription(number + 2)
            network.mend()
        stats = settled(to)
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    network.cut()
    subscriber.close()
    heard = numbers(subscriber.states("lobby"))
    assert heard == sorted(set(heard))
    assert stats.numbered == 300 * rounds == stats.published + stats.unconfirmed
    assert stats.unconfirmed <= WINDOW * rounds
    # What was not acknowledged may have arrived all the same.
    assert stats.published <= len(heard) <= stats.numbered


def test_a_device_that_dies_is_said_to_be_offline_by_the_broker(broker: Mosquitto) -> None:
    network = Network(broker.port)
    subscriber = Subscriber(broker.port)
    to = publisher(network.port)
    subscriber.wait_for("edge-ser/lobby/availability", "online")
    network.cut()
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    late = Subscriber(broker.port)
    late.wait_for("edge-ser/lobby/availability", "offline")
    assert late.heard[0].retained
    network.mend()
    wait_until(lambda: [heard.payload for heard in subscriber.heard][-1] == "online")
    to.close()
    for each in (subscriber, late):
        each.close()
    network.cut()


def test_a_connection_that_only_seems_to_be_there_does_not_say_offline_after_the_new_one(broker: Mosquitto) -> None:
    network = Network(broker.port)
    subscriber = Subscriber(broker.port)
    stalled = publisher(network.port)
    subscriber.wait_for("edge-ser/lobby/availability", "online")
    network.stall()  # the device lost its power; to the broker its connection stands
    with publisher(broker.port) as to:
        say(to, 1)
        settled(to)
        late = Subscriber(broker.port)
        late.wait_for("edge-ser/lobby/availability", "online")
    assert subscriber.availability("lobby")[:3] == ["online", "offline", "online"]
    network.cut()
    stalled.close(0)
    for each in (subscriber, late):
        each.close()


def test_who_publishes_does_not_wait_for_a_network_that_stalls(broker: Mosquitto) -> None:
    network = Network(broker.port)
    subscriber = Subscriber(broker.port)
    to = publisher(network.port, queue=20)
    subscriber.wait_for("edge-ser/lobby/availability", "online")
    network.stall()
    say(to, 5000)  # would hang here if each waited
    stats = to.stats()
    assert (stats.numbered, stats.published) == (5000, 0)
    assert 20 <= stats.waiting <= 20 + WINDOW
    assert stats.dropped == 5000 - stats.waiting
    network.cut()
    to.close(0)
    stats = to.stats()
    assert stats.unconfirmed <= WINDOW
    assert (stats.published, stats.lost) == (0, 5000)
    assert subscriber.states("lobby") == []
    subscriber.close()


def test_every_message_is_in_one_count_whether_or_not_there_is_a_broker(broker: Mosquitto) -> None:
    broker.kill()
    notes: list[str] = []
    with publisher(broker.port, queue=7, note=notes.append) as to:
        say(to, 20)
        wait_until(lambda: to.trouble)
        stats = to.stats()
        assert (stats.numbered, stats.waiting, stats.dropped) == (20, 7, 13)
    say(to, 2)  # nobody takes them any more
    stats = to.stats()
    assert (stats.numbered, stats.published, stats.waiting, stats.dropped, stats.connections) == (22, 0, 0, 22, 0)
    assert len(notes) == 1  # and not one an attempt
    assert "nothing listens there" in notes[0]
    broker.start()


def test_what_waits_is_sent_when_the_end_comes_first(broker: Mosquitto) -> None:
    subscriber = Subscriber(broker.port)
    to = publisher(broker.port)
    say(to, 100)
    to.close()
    assert settled(to).published == 100
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    assert numbers(subscriber.states("lobby")) == [*range(1, 101)]
    subscriber.close()


def test_tls_and_the_password_let_it_in(guarded: tuple[Mosquitto, Access]) -> None:
    broker, access = guarded
    subscriber = Subscriber(broker.port, access)
    at = Broker("localhost", broker.port, True, str(access.ca_file), access.user, access.password)
    assert access.password not in repr(at)
    with MqttPublisher(at, DEVICE, interval_seconds=0, discovery_prefix=None) as to:
        say(to, 50)
        assert settled(to).published == 50
        broker.kill()
        wait_until(lambda: to.trouble)
        broker.start()
        subscriber.wait_for_subscription(2)
        wait_until(lambda: to.stats().connections == 2)
    subscriber.wait_for("edge-ser/lobby/availability", "offline")
    assert numbers(subscriber.states("lobby")) == [*range(1, 51)]
    subscriber.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda access: {"password": "wrong"}, "Look at the user and the password"),
        (lambda access: {"user": None, "password": None}, "Look at the user and the password"),
        (lambda access: {"ca_file": str(access.other_ca_file)}, "Name the certificate of its authority"),
        (lambda access: {"ca_file": None}, "Name the certificate of its authority"),
        (lambda access: {"host": "127.0.0.1"}, "the host as the certificate has it"),
        (lambda access: {"tls": False, "ca_file": None}, "does not greet|is gone|refuses|cannot be reached"),
    ],
)
def test_what_is_wrong_with_the_access_is_told_and_nothing_is_published(
    guarded: tuple[Mosquitto, Access], change: Callable[[Access], dict], said: str
) -> None:
    broker, access = guarded
    right = {"host": "localhost", "tls": True, "ca_file": str(access.ca_file), "user": access.user}
    at = Broker(**{**right, "port": broker.port, "password": access.password, **change(access)})
    with MqttPublisher(at, DEVICE, interval_seconds=0) as to:
        say(to, 3)
        trouble = wait_until(lambda: to.trouble)
        to.close(0)
    with pytest.raises(type(trouble), match=said):
        raise trouble
    assert access.password not in str(trouble)
    assert to.stats().published == 0


def test_what_is_refused_says_what_to_do(broker: Mosquitto, tmp_path: Path) -> None:
    no_pem = tmp_path / "authority.pem"
    no_pem.write_text("none")
    for ca_file in (no_pem, tmp_path / "absent.pem"):
        with pytest.raises(SettingsError, match="Give a PEM file"):
            MqttPublisher(Broker("localhost", tls=True, ca_file=str(ca_file)), DEVICE)
    with pytest.raises(SettingsError, match="queue"):
        publisher(broker.port, queue=0)
    with pytest.raises(SettingsError, match="interval"):
        publisher(broker.port, interval_seconds=-1)
    unknown = MqttPublisher(Broker("no-such-host.invalid"), DEVICE)
    assert "no such host" in str(wait_until(lambda: unknown.trouble))
    unknown.close(0)


def test_only_what_is_new_is_sent_between_two_intervals(broker: Mosquitto) -> None:
    subscriber = Subscriber(broker.port)
    with publisher(broker.port, interval_seconds=1.0) as to:
        for number in range(100):
            changes = {40: {"emotion": "sad"}, 50: {"notices": ("clipping_input",)}, 60: {"flags": Flags(gap=True)}}
            event = replace(EVENT, time=number * STEP_SECONDS, **changes.get(number, {}))
            to.publish(event)
        settled(to)
    times = [state["time"] for state in subscriber.states("lobby")]
    assert {3.2, 3.28, 4.0, 4.8} <= set(times)  # to sad and back, the notice, the gap
    assert all(later - earlier <= 1.05 for earlier, later in pairwise(times))
    assert len(times) < 15
    subscriber.close()
