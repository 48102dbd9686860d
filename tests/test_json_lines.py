"""Every line that programs of other languages read obeys the schema that they are given, on real runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args

import pytest
from cli.command import finish, start
from cli.wav_files import speech, wav

from edge_ser.cli.main import main
from edge_ser.events import Event, Flags, Notice, Recognition, State
from edge_ser.json_lines import VERSION, schema_text
from edge_ser.recordings import DEMO
from edge_ser.stats import Stats

jsonschema = pytest.importorskip("jsonschema", reason="checks lines against their schema: pip install jsonschema")

SCHEMA: dict[str, Any] = json.loads(schema_text())
KINDS: dict[str, Any] = SCHEMA["$defs"]


def closed(schema: Any) -> Any:
    """Return the schema without leave for keys that it does not know: here all must be documented."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items() if key not in ("if", "then", "else")}
    made |= {key: schema[key] for key in ("if", "then", "else") if key in schema}
    if schema.get("type") == "object" and "properties" in schema:
        made["additionalProperties"] = False
    return made


VALIDATOR = jsonschema.Draft202012Validator(closed(SCHEMA))


def checked(text: str) -> list[dict[str, Any]]:
    """Return the lines, each checked, as strictly as JSON is meant: no NaN, no infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    lines = [json.loads(line, parse_constant=refuse) for line in text.splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    return lines


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """Run a command and return its lines."""

    def run(*arguments: object) -> list[dict[str, Any]]:
        assert main([str(argument) for argument in arguments]) == 0
        return checked(capsys.readouterr().out)

    return run


def test_the_schema_is_one_and_is_what_the_command_prints(capsys):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].endswith(f":{VERSION}")
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema_text()


def test_the_schema_knows_every_field_state_and_notice_of_the_code():
    def names(kind: type) -> set[str]:
        return {field.name for field in fields(kind)}

    assert set(KINDS["event"]["properties"]) == names(Event)
    assert set(KINDS["recognition"]["properties"]) == names(Recognition) | {"file", "explanation"}
    assert set(KINDS["flags"]["properties"]) == names(Flags)
    stats = KINDS["stats"]["properties"]["stats"]["properties"]
    assert set(stats) == names(Stats) | {"audio_seconds", "wall_seconds"}
    assert set(KINDS["event"]["properties"]["state"]["enum"]) == set(get_args(State))
    assert set(KINDS["event"]["properties"]["notices"]["items"]["enum"]) == set(get_args(Notice))
    assert set(KINDS["recognition"]["properties"]["state"]["enum"]) == set(get_args(State)) - {"mic_lost"}


def test_lines_of_listen(printed):
    *events, stats = printed("listen", "--source", DEMO, "--fast", "--json", "--uncertain-below", "0")
    assert set(stats) == {"stats"}
    assert {event["state"] for event in events} == {"no_speech", "warming_up", "emotion"}


def test_lines_of_listen_when_it_is_uncertain(printed):
    *events, _ = printed("listen", "--source", DEMO, "--fast", "--json", "--uncertain-below", "1")
    assert "uncertain" in {event["state"] for event in events}


def test_lines_of_silence_and_of_clipping(printed, tmp_path):
    loud, silent = tmp_path / "loud.wav", tmp_path / "silent.wav"
    samples = speech()
    loud.write_bytes(wav((20.0 * samples).clip(-32768, 32767).astype("<i2").tobytes()))
    silent.write_bytes(wav(bytes(2 * 16000 * 6)))
    *clipped, _ = printed("listen", "--source", loud, "--fast", "--json")
    assert any(event["flags"]["clipping"] for event in clipped)
    *quiet, _ = printed("listen", "--source", silent, "--fast", "--json")
    assert quiet[-1]["level_dbfs"] == -120
    assert ["silent_input"] in [event["notices"] for event in quiet]


def test_lines_of_classify(printed, tmp_path):
    short, silent = tmp_path / "short.wav", tmp_path / "silent.wav"
    short.write_bytes(wav(speech()[:16000].tobytes()))
    silent.write_bytes(wav(bytes(16000)))
    states = [line["state"] for line in printed("classify", "--json", "--uncertain-below", "0", DEMO, silent)]
    assert states == ["emotion", "no_speech"]
    assert printed("classify", "--json", "--uncertain-below", "1", DEMO)[0]["state"] == "uncertain"
    assert printed("classify", "--json", "--warm-up-seconds", "100", short)[0]["state"] == "warming_up"
    (explained,) = printed("classify", "--json", "--timeline", "--explain", tmp_path, short)
    assert explained["timeline"]
    assert len(explained["explanation"]) == 2


def test_lines_of_a_microphone_that_goes_and_comes_back(virtual_microphone):
    with virtual_microphone(16000, 1) as microphone, microphone.playing(speech(), loop=True):
        process = start("listen", "--device", "virtmic", "--json", env=microphone.environment)
        read: list[str] = []

        def until(wanted: Callable[[dict[str, Any]], bool]) -> None:
            while True:
                read.append(process.stdout.readline())
                assert read[-1]
                if wanted(json.loads(read[-1])):
                    return

        until(lambda event: event["speech"])
        microphone.unplug()
        until(lambda event: event["state"] == "mic_lost")
        microphone.plug()
        until(lambda event: "mic_restored" in event["notices"])
        process.terminate()
        out, _ = finish(process)
    *events, stats = checked("".join(read) + out)
    assert any(event["flags"]["gap"] for event in events)
    assert ["mic_lost"] in [event["notices"] for event in events]
    assert stats["stats"]["mic_losses"] == stats["stats"]["mic_restorations"] == 1


def test_a_line_that_is_none_would_be_noticed(printed):
    *events, stats = printed("listen", "--source", DEMO, "--fast", "--json")
    event = events[20]
    for wrong in (
        {**event, "emotion": "happy" if event["emotion"] is None else None},
        {**event, "extra": 1},
        {"stats": {**stats["stats"], "steps": 1.5}},
        *({other: event[other] for other in event if other != key} for key in event),
    ):
        assert not VALIDATOR.is_valid(wrong), wrong


def test_readers_may_meet_keys_that_they_do_not_know(printed):
    event = printed("listen", "--source", DEMO, "--fast", "--json")[0]
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid({**event, "new": 1})
