"""Home Assistant's MQTT discovery: what makes a device show up by itself.

One retained message an entity, to `PREFIX/COMPONENT/NODE/OBJECT/config`: unlike one message for the whole device, that
needs no recent version. See https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from edge_ser.events import State
from edge_ser.integrations.mqtt_messages import OFFLINE, ONLINE, Device, Message

PREFIX = "homeassistant"

LEAST_EXPIRY_SECONDS = 30.0
INTERVALS_TO_EXPIRY = 10  # that may pass without a state before the entities are unavailable: the audio stands still


def discovery(device: Device, interval_seconds: float, prefix: str = PREFIX) -> list[Message]:
    """Return the messages that announce a device's entities.

    Parameters
    ----------
    device : Device
    interval_seconds : float
        Between two states, at most.
    prefix : str
        That Home Assistant listens to.
    """
    common = {
        "state_topic": device.topic("state"),
        "availability_topic": device.topic("availability"),
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "expire_after": round(max(LEAST_EXPIRY_SECONDS, INTERVALS_TO_EXPIRY * interval_seconds)),
        "device": {
            "identifiers": [f"edge-ser-{device.name}"],
            "name": device.name,
            "manufacturer": "edge-ser",
            "model": device.model,
            "sw_version": device.version,
        },
        "origin": {"name": "edge-ser", "sw_version": device.version},
    }
    return [
        Message(
            f"{prefix}/{entity.pop('component')}/{device.name}/{key}/config",
            json.dumps({**common, **entity, "unique_id": f"edge-ser-{device.name}-{key}"}),
            retain=True,
        )
        for key, entity in _entities(device.labels).items()
    ]


def _entities(labels: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return what is particular to each entity. A template that gives None makes the entity `unknown`."""
    measured = {"component": "sensor", "state_class": "measurement"}
    return {
        "emotion": {
            "component": "sensor",
            "name": "Emotion",
            "icon": "mdi:account-voice",
            "device_class": "enum",
            "options": list(labels),
            "value_template": "{{ value_json.emotion }}",
        },
        "state": {
            "component": "sensor",
            "name": "State",
            "icon": "mdi:ear-hearing",
            "device_class": "enum",
            "options": list(get_args(State)),
            "value_template": "{{ value_json.state }}",
        },
        "confidence": {
            **measured,
            "name": "Confidence",
            "icon": "mdi:percent",
            "unit_of_measurement": "%",
            "suggested_display_precision": 0,
            "value_template": "{{ (100 * value_json.confidence) | round(1) }}",
        },
        "valence": {
            **measured,
            "name": "Valence",
            "icon": "mdi:emoticon-outline",
            "suggested_display_precision": 2,
            "value_template": "{{ value_json.valence }}",
        },
        "arousal": {
            **measured,
            "name": "Arousal",
            "icon": "mdi:flash-outline",
            "suggested_display_precision": 2,
            "value_template": "{{ value_json.arousal }}",
        },
        "speech": {
            "component": "binary_sensor",
            "name": "Speech",
            "device_class": "sound",
            "value_template": "{{ 'ON' if value_json.speech else 'OFF' }}",
        },
        "microphone": {
            "component": "binary_sensor",
            "name": "Microphone",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "value_template": "{{ 'ON' if value_json.state == 'mic_lost' else 'OFF' }}",
        },
        "lost": {
            "component": "sensor",
            "name": "Lost messages",
            "icon": "mdi:email-remove-outline",
            "state_class": "total_increasing",
            "entity_category": "diagnostic",
            "value_template": "{{ value_json.lost }}",
        },
    }
