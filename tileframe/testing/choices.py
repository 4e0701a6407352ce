"""What a plugin's options may be, and whether it refuses what they may not be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, get_args, get_type_hints

from tileframe import NoOptions, OptionError, Plugin
from tileframe.records import Options, OptionValue
from tileframe.testing.measures import refusal


def options_of(plugin: Plugin[Any]) -> type:
    """Return the record of a plugin's options."""
    record: type = getattr(plugin, "options", NoOptions)
    return record


def choices_of(plugin: Plugin[Any]) -> Sequence[Options]:
    """Return the defaults, and each option at each end of its range, or with each of its choices, by itself."""
    record, found = options_of(plugin), [dict[str, OptionValue]()]
    if not dataclasses.is_dataclass(record):
        return found
    hints = get_type_hints(record)
    for field in dataclasses.fields(record):
        found += ({field.name: value} for value in _declared(field, hints[field.name]))
    return found


def values_of(plugin: Plugin[Any], name: str) -> list[OptionValue]:
    """Return values of an option between which there should be a difference: declared ones, its default, and others."""
    record = options_of(plugin)
    kind, (field,) = get_type_hints(record)[name], [one for one in dataclasses.fields(record) if one.name == name]
    found: list[OptionValue] = [*_declared(field, kind), getattr(record(), name)]
    if len(set(found)) < 2:
        found += ["one", "another"] if str in (kind, *get_args(kind)) else [1, 2]
    return list(dict.fromkeys(found))


def _declared(field: dataclasses.Field[Any], kind: Any) -> list[OptionValue]:
    if kind is bool:
        return [True, False]
    ends = [field.metadata.get("low"), field.metadata.get("high"), *field.metadata.get("choices", ())]
    return [value for value in ends if value is not None]


def refused_options(plugin: Plugin[Any], options: Options, kind: str) -> None:
    """Assert that wrong ``options`` are an `OptionError` that says the wrong value, or the name that there is not."""
    error = refusal(OptionError, f"{options}", lambda: plugin.create(options=plugin.resolved(options, kind)))
    known = {field.name for field in dataclasses.fields(options_of(plugin))}
    # A text may be shown in quotes, with what it has of control characters escaped.
    wrong = [repr(value).strip("'") if name in known else name for name, value in options.items()]
    assert any(word in str(error) for word in wrong), f"the message does not say {' or '.join(wrong)}: {error}"
