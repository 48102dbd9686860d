"""Metadata is read to the letter: what is not exactly as declared is refused, and the place is named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_ser.errors import SettingsError
from edge_ser.student.strict import StrictError, from_json, to_json


@dataclasses.dataclass(frozen=True)
class Inner:
    share: float

    def __post_init__(self) -> None:
        if self.share > 1:
            raise SettingsError("share is more than all", "Give less")


@dataclasses.dataclass(frozen=True)
class Outer:
    name: str
    count: int
    yes: bool
    inner: Inner
    many: tuple[Inner, ...]
    by_name: Mapping[str, float]


GOOD = {
    "name": "é",
    "count": 3,
    "yes": True,
    "inner": {"share": 0.5},
    "many": [{"share": 1}],
    "by_name": {"a": 1.5},
}


def test_document_becomes_its_dataclass() -> None:
    outer = from_json(json.dumps(GOOD), Outer)
    assert outer == Outer("é", 3, True, Inner(0.5), (Inner(1.0),), {"a": 1.5})
    assert type(outer.many[0].share) is float


@given(
    st.builds(
        Outer,
        name=st.text(),
        count=st.integers(),
        yes=st.booleans(),
        inner=st.builds(Inner, st.floats(max_value=1, allow_nan=False, allow_infinity=False)),
        many=st.lists(st.builds(Inner, st.floats(0, 1))).map(tuple),
        by_name=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    )
)
def test_what_is_written_is_read_back(outer: Outer) -> None:
    assert from_json(to_json(outer), Outer) == outer


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"more": 1}, "unknown key 'more'"),
        ({"name": 1}, "name is not of type str"),
        ({"count": True}, "count is not of type int"),
        ({"count": 1.0}, "count is not of type int"),
        ({"yes": 1}, "yes is not of type bool"),
        ({"inner": []}, "inner is not an object"),
        ({"inner": {}}, "inner has no 'share'"),
        ({"inner": {"share": None}}, "inner.share is not a finite number"),
        ({"inner": {"share": False}}, "inner.share is not a finite number"),
        ({"inner": {"share": 2}}, "share is more than all"),
        ({"many": {}}, "many is not an array"),
        ({"many": [{"share": 0}, {"share": "0"}]}, "many[1].share is not"),
        ({"by_name": []}, "by_name is not an object"),
        ({"by_name": {"a": "b"}}, "by_name.a is not"),
        ({"by_name": {"a": 10**400}}, "by_name.a is not a finite number"),
        ({"name": "half \ud800"}, "name is not text"),
        ({"by_name": {"\udfff": 1}}, "by_name is not an object with keys of text"),
    ],
)
def test_anything_else_is_refused_by_its_place(change: dict[str, object], problem: str) -> None:
    with pytest.raises(StrictError) as caught:
        from_json(json.dumps({**GOOD, **change}), Outer)
    assert problem in str(caught.value)


@pytest.mark.parametrize("key", GOOD)
def test_no_key_may_be_missing(key: str) -> None:
    with pytest.raises(StrictError, match=f"has no '{key}'"):
        from_json(json.dumps({name: value for name, value in GOOD.items() if name != key}), Outer)


@dataclasses.dataclass(frozen=True)
class Later:
    """What `Inner` might be in a later version."""

    share: float
    inner: Inner | None = None


def test_what_a_later_version_added_may_be_missing() -> None:
    assert from_json('{"share": 1}', Later) == Later(1.0)
    assert from_json('{"share": 1, "inner": null}', Later) == Later(1.0)
    assert from_json('{"share": 1, "inner": {"share": 0.5}}', Later) == Later(1.0, Inner(0.5))
    assert json.loads(to_json(Later(1.0))) == {"share": 1.0}
    assert json.loads(to_json(Later(1.0, Inner(0.5)))) == {"share": 1.0, "inner": {"share": 0.5}}
    with pytest.raises(StrictError, match="inner has no 'share'"):
        from_json('{"share": 1, "inner": {}}', Later)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"share": NaN}', '{"share": 1e999}', '{"share": 1, "share": 1}', "[" * 100_000],
)
def test_what_is_no_sound_json_is_refused(text: str) -> None:
    with pytest.raises(StrictError):
        from_json(text, Inner)


def test_numbers_that_json_lacks_are_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(Inner(float("nan")))


def test_what_is_none_by_default_is_left_out_where_it_is() -> None:
    @dataclasses.dataclass(frozen=True)
    class Later:
        x: int
        y: int | None
        z: int | None = None

    assert json.loads(to_json(Later(1, None))) == {"x": 1, "y": None}
    assert json.loads(to_json(Later(1, None, 3))) == {"x": 1, "y": None, "z": 3}
