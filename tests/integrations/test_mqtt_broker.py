"""Which broker is meant, and what is refused before anything is connected."""

from __future__ import annotations

import pytest

from edge_ser.errors import SettingsError
from edge_ser.integrations.mqtt_broker import Broker, broker_at, password_from


@pytest.mark.parametrize(
    ("address", "tls", "host", "port"),
    [
        ("broker.local", False, "broker.local", 1883),
        ("broker.local", True, "broker.local", 8883),
        ("broker.local:1884", True, "broker.local", 1884),
        ("192.0.2.1:1", False, "192.0.2.1", 1),
        ("::1", False, "::1", 1883),
        ("[::1]", False, "::1", 1883),
        ("[2001:db8::7]:65535", True, "2001:db8::7", 65535),
    ],
)
def test_a_broker_is_named_by_host_and_port(address, tls, host, port):
    broker = broker_at(address, tls=tls)
    assert (broker.host, broker.port_used) == (host, port)
    assert broker_at(broker.address, tls=tls).port_used == port


@pytest.mark.parametrize(
    "address", ["", ":1883", "broker:", "broker:mqtt", "broker:0", "broker:65536", "broker:-1", "mqtt://broker", "a b"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SettingsError):
        broker_at(address)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(SettingsError, match="no user"):
        Broker("broker", password="secret")
    with pytest.raises(SettingsError, match="TLS is off"):
        Broker("broker", ca_file="authority.pem")


def test_a_password_is_known_to_go_in_clear_only_over_a_network_and_without_tls():
    assert Broker("broker", user="me", password="secret").in_clear
    assert not Broker("broker", user="me", password="secret", tls=True).in_clear
    assert not Broker("localhost", user="me", password="secret").in_clear
    assert not Broker("broker").in_clear


def test_a_password_is_the_first_line_of_its_file(tmp_path):
    file = tmp_path / "password"
    for written, read in (("a b \n", "a b "), ("päss", "päss"), ("one\r\ntwo\n", "one")):
        file.write_bytes(written.encode())
        assert password_from(str(file)) == read
    for bad in (b"", b"\nsecond", b"\xff\xfe"):
        file.write_bytes(bad)
        with pytest.raises(SettingsError):
            password_from(str(file))
    with pytest.raises(SettingsError, match="No such file"):
        password_from(str(tmp_path / "absent"))
