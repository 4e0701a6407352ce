"""Typed records to JSON, and back by msgspec: the one place that knows how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from tileframe.errors import CheckError, OptionError
from tileframe.slides import RemoteSlide

T = TypeVar("T")


def to_builtins(record: Any) -> Any:
    """Return a record, or a list or dict of records, as dicts, lists, texts and numbers."""
    return json.loads(json.dumps(record, default=_plain))


def to_json(record: Any, *, indent: int | None = 2) -> str:
    """Return a record, or a list or dict of records, as JSON text that is UTF-8 whatever names it holds.

    Without ``indent`` it is one line, which is for programs, and is made by C.
    """
    text = json.dumps(record, indent=indent, ensure_ascii=False, default=_plain)
    return text.encode(errors="backslashreplace").decode()  # what a file name has that is not UTF-8, JSON escapes so


def from_json(record: type[T], data: bytes, *, schema: str) -> T:
    """Return the ``record`` that ``data`` holds; `CheckError`, in one line, if it is none of that ``schema``."""
    import msgspec

    try:
        plain = json.loads(data, parse_int=_int)
    except (ValueError, RecursionError) as error:
        raise CheckError(f"is not JSON ({_line(error)})") from error
    except OverflowError as error:
        raise CheckError(f"is not a record of the schema {schema} ({error})") from error
    found = plain.get("schema") if isinstance(plain, dict) else None
    if found != schema:
        raise CheckError(f"its schema is {json.dumps(found)[:60]}, not {schema}")
    try:
        return msgspec.convert(plain, record, dec_hook=_typed)
    # A record refuses by an `OptionError` what no value of its kind can be, as a tile size of 0.
    except (msgspec.ValidationError, OptionError, ValueError, OverflowError) as error:
        raise CheckError(f"is not a record of the schema {schema} ({_line(error)})") from error


def _plain(value: Any) -> Any:
    # A protocol looks at every attribute, of each record that is asked: one of them tells nearly all of them apart.
    if isinstance(value, Path) or (hasattr(value, "copied") and isinstance(value, RemoteSlide)):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _typed(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"{kind.__name__} has no JSON form")


def _int(digits: str) -> int:
    if len(digits) > 20:
        raise OverflowError(f"a number of {len(digits)} digits")
    return int(digits)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
