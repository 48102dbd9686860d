"""Names that fit into topics, and the choice of what is worth a message."""

from __future__ import annotations

import re

import pytest

from edge_ser import Recognizer
from edge_ser.errors import SettingsError
from edge_ser.integrations import mqtt_messages
from edge_ser.integrations.mqtt_messages import Choice, Device, default_name
from edge_ser.recordings import DEMO


@pytest.mark.parametrize("name", ["", "a/b", "a+b", "#", "a b", "ä", "a" * 65, "a\n"])
def test_a_name_that_would_be_another_topic_is_refused(name):
    with pytest.raises(SettingsError):
        Device(name, ("happy", "sad"), "model", "1")


@pytest.mark.parametrize("host", ["raspberrypi", "a.b.example", "ümlaut host", "", "x" * 200])
def test_two_machines_of_one_host_name_have_two_names(host, tmp_path, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: host)
    names = set()
    for machine in (b"00112233\n", b"44556677\n"):
        (tmp_path / "machine-id").write_bytes(machine)
        monkeypatch.setattr(mqtt_messages, "_MACHINE_ID", tmp_path / "machine-id")
        names.add(Device(default_name(), ("happy", "sad"), "model", "1").name)
        assert default_name() == default_name()
        assert machine.strip().decode() not in default_name()
    assert len(names) == 2
    monkeypatch.setattr(mqtt_messages, "_MACHINE_ID", tmp_path / "absent")
    assert re.fullmatch(r"[A-Za-z0-9_-]+", default_name())


def test_no_change_is_missed_and_no_event_is_sent_that_says_nothing_new():
    timeline = Recognizer().recognize(DEMO).timeline
    choice = Choice(1.0)
    sent = [event for event in timeline if choice(event)]

    def changes(events):
        said = [(event.state, event.emotion) for event in events]
        return [now for before, now in zip([None, *said], said, strict=False) if now != before]

    assert changes(sent) == changes(timeline)
    assert len(sent) < len(timeline) / 6
    every = Choice(0.0)
    assert all(every(event) for event in timeline)
