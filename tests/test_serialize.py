"""Records to JSON and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tileframe import WHITE, Box, CheckError, Comparison, Equality, Finding, Pyramid, Rgb, Severity, Size
from tileframe.serialize import from_json, to_builtins, to_json

SCHEMA = "things/1"


@dataclass(frozen=True)
class Thing:
    """A record with one field of each kind that ours have."""

    count: int
    share: float = 0.5
    box: Box = field(default_factory=lambda: Box(1, 2, 3, 4))
    colour: Rgb = WHITE
    strength: Equality | None = None
    path: Path = Path("a/b")
    names: tuple[str, ...] = ()
    schema: str = SCHEMA


@dataclass(frozen=True)
class Holder:
    """A record of a record that refuses some values."""

    pyramid: Pyramid
    schema: str = SCHEMA


def read(record: Any) -> Thing:
    return from_json(Thing, json.dumps(record).encode(), schema=SCHEMA)


@pytest.mark.parametrize(
    "thing",
    [
        Thing(1),
        Thing(-(10**15), 1e300, Box(0, 0, 0, 0), Rgb(1, 2, 3), Equality.BASE, Path("x"), ("a", "ä", "玻片", "\udcff")),
        Thing(0, names=("\n", '"', "\\", "\0", "")),
    ],
    ids=["plain", "all", "odd texts"],
)
def test_a_record_comes_back_as_it_was(thing):
    assert from_json(Thing, to_json(thing).encode(), schema=SCHEMA) == thing


def test_texts_stay_readable_and_names_that_are_not_utf_8_are_escaped():
    assert "玻片" in to_json(Thing(1, names=("玻片",)))
    assert to_json(Thing(1, names=("a\udcff",))).encode().count(b"\\udcff") == 1


def test_enums_are_their_words_and_paths_their_texts():
    plain = to_builtins(Thing(1, strength=Equality.PIXELS, path=Path("a")))
    assert (plain["strength"], plain["path"]) == ("pixels", "a")
    assert json.loads(to_json({"found": [Finding("a", "files", Severity.NOTE, "x")]})) == {
        "found": [{"key": "a", "check": "files", "severity": "note", "message": "x"}]
    }


def test_figures_that_are_computed_are_no_fields():
    assert set(to_builtins(Comparison(None, (), ()))) == {"strength", "layout", "levels", "notes"}


@pytest.mark.parametrize("schema", ["things/2", "", None, 1, [], {"a": 1}])
def test_another_schema_is_refused_with_the_one_that_is_known(schema):
    with pytest.raises(CheckError, match=r"^its schema is .*, not things/1$"):
        read({"schema": schema, "count": 1})


def test_without_a_schema_nothing_is_read():
    records: list[Any] = [{"count": 1}, [], 5, None, "x"]
    for record in records:
        with pytest.raises(CheckError, match=r"^its schema is null, not things/1$"):
            read(record)


@pytest.mark.parametrize(
    "change",
    [
        {"count": "1"}, {"count": 1.5}, {"count": True}, {"count": None}, {"count": 10**400}, {"count": 10**4299},
        {"share": "x"}, {"share": 10**400}, {"box": {"x": 1}}, {"box": [1, 2, 3, 4]},
        {"colour": [1, 2]}, {"colour": [1, 2, "3"]},
        {"strength": "most"}, {"path": 5}, {"names": "abc"}, {"names": [1]}, {"names": {"0": "a"}},
    ],
    ids=lambda change: str(change)[:40],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_in_one_line(change):
    with pytest.raises(CheckError, match=r"^is not a record of the schema things/1 \(.+\)$") as caught:
        read({"schema": SCHEMA, "count": 1} | change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "{'a': 1}"], ids=len)
def test_what_is_no_json_is_refused_in_one_line(text):
    with pytest.raises(CheckError, match=r"^is not JSON \(.+\)$") as caught:
        from_json(Thing, text.encode(), schema=SCHEMA)
    assert "\n" not in str(caught.value)


def test_a_missing_field_is_named():
    with pytest.raises(CheckError, match="count"):
        read({"schema": SCHEMA})


def test_what_a_record_itself_refuses_is_refused():
    text = json.dumps({"schema": SCHEMA, "pyramid": {"base": {"width": 1, "height": 1}, "tile_size": 0}})
    with pytest.raises(CheckError, match="the tile size must be from 1"):
        from_json(Holder, text.encode(), schema=SCHEMA)
    assert Holder(Pyramid(Size(1, 1))).pyramid.level_count == 1


def test_what_has_no_json_form_is_a_bug_and_named():
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_json({"a": object()})
