"""Home Assistant can read what announces a device, and its templates give the right values from real messages."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from edge_ser import Recognizer
from edge_ser.integrations.home_assistant import discovery
from edge_ser.integrations.mqtt_messages import Device, Numbered, state_message
from edge_ser.recordings import DEMO

jinja2 = pytest.importorskip("jinja2", reason="the language of Home Assistant's templates: pip install jinja2")

DEVICE = Device("lobby-1", ("neutral", "happy", "sad"), "default 0.2.0", "0.1.0")
TOPIC = re.compile(r"homeassistant/(sensor|binary_sensor)/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)/config")


@pytest.fixture(scope="module")
def entities() -> dict[str, dict]:
    """What is announced, by the entity's key."""
    return {TOPIC.fullmatch(each.topic)[3]: json.loads(each.payload) for each in discovery(DEVICE, 1.0)}


def value(entity: dict, payload: str) -> str:
    """Return what Home Assistant makes of a state."""
    return jinja2.Environment().from_string(entity["value_template"]).render(value_json=json.loads(payload))


def test_everything_is_announced_for_good_under_one_device(entities):
    assert all(each.retain for each in discovery(DEVICE, 1.0))
    assert {TOPIC.fullmatch(each.topic)[2] for each in discovery(DEVICE, 1.0)} == {DEVICE.name}
    assert set(entities) == {
        *("emotion", "state", "confidence", "valence", "arousal", "speech", "microphone", "lost"),
    }
    assert len({entity["unique_id"] for entity in entities.values()}) == len(entities)
    assert len({json.dumps(entity["device"]) for entity in entities.values()}) == 1
    for entity in entities.values():
        assert entity["state_topic"] == "edge-ser/lobby-1/state"
        assert entity["availability_topic"] == DEVICE.availability(True).topic
        assert entity["payload_available"] == DEVICE.availability(True).payload
        assert entity["payload_not_available"] == DEVICE.availability(False).payload
        assert entity["expire_after"] >= 10
        assert entity["origin"]["name"] == "edge-ser"


def test_another_device_is_another_entity(entities):
    others = [json.loads(each.payload) for each in discovery(replace(DEVICE, name="lobby-2"), 1.0)]
    assert not {entity["unique_id"] for entity in others} & {entity["unique_id"] for entity in entities.values()}
    assert not {other["device"]["identifiers"][0] for other in others} & set(entities["state"]["device"]["identifiers"])


def test_a_long_interval_is_no_reason_to_be_unavailable():
    assert {json.loads(each.payload)["expire_after"] for each in discovery(DEVICE, 60.0)} == {600}


def test_the_templates_say_what_the_event_says(entities):
    timeline = Recognizer().recognize(DEMO).timeline
    by_state = {event.state: event for event in timeline}
    by_state["mic_lost"] = replace(by_state["no_speech"], state="mic_lost")
    assert {"no_speech", "warming_up", "emotion"} <= set(by_state)
    for event in by_state.values():
        payload = state_message(DEVICE, "a1b2", Numbered(event, 7, 1.7e9), 3).payload
        said = {key: value(entity, payload) for key, entity in entities.items()}
        assert said["emotion"] == str(event.emotion)  # None is what Home Assistant takes for unknown
        assert said["emotion"] in [*entities["emotion"]["options"], "None"]
        assert said["state"] == event.state
        assert said["state"] in entities["state"]["options"]
        assert float(said["confidence"]) == pytest.approx(100 * event.confidence, abs=0.06)
        assert float(said["valence"]) == pytest.approx(event.valence, abs=1e-4)
        assert float(said["arousal"]) == pytest.approx(event.arousal, abs=1e-4)
        assert said["speech"] == ("ON" if event.speech else "OFF")
        assert said["microphone"] == ("ON" if event.state == "mic_lost" else "OFF")
        assert said["lost"] == "3"
        assert json.loads(payload)["at"] == "2023-11-14T22:13:20.000+00:00"
