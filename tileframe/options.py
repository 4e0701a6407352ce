"""The options that a plugin declares: a frozen dataclass whose fields say type, default, range and help."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar, get_type_hints

from tileframe.errors import OptionError
from tileframe.frozen import dataclass

E = TypeVar("E", bound=Enum)


@dataclass(frozen=True)
class NoOptions:
    """The options of a plugin that has none."""


def option(
    default: Any, *, help: str, low: float | None = None, high: float | None = None, choices: Sequence[str] = ()
) -> Any:
    """Return a field of an options record: its default, a line of help, and, inclusive, what it may be from and to.

    The field's annotation is its type: ``int``, ``float``, ``bool``, ``str``, or one of these and None.
    """
    return dataclasses.field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class OptionHelp:
    """One option, as `tileframe plugins NAME` prints it."""

    name: str
    """As in ``NAME=VALUE``."""
    type: str
    """``int``, ``float``, ``bool``, ``str``, or one of these and None."""
    default: Any
    """Its value where none is given."""
    help: str
    """A line for people."""
    range: str
    """What values it takes; empty where the type says all."""


def describe(record: type) -> list[OptionHelp]:
    """Return every option of an options record."""
    return [
        OptionHelp(field.name, _type(field), field.default, field.metadata.get("help", ""), _range(field))
        for field in dataclasses.fields(record)
    ]


def parse_pairs(words: Sequence[str], flag: str) -> dict[str, str]:
    """Return what was given as ``NAME=VALUE``, by name; `OptionError` for anything else, or a name given twice."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise OptionError(f"{flag} takes NAME=VALUE, not '{word}'")
        if name in found:
            raise OptionError(f"{flag} gives '{name}' twice")
        found[name] = value
    return found


def member(kind: type[E], given: E | str, name: str) -> E:
    """Return the member of ``kind`` that a program has given, itself or as a text; `OptionError` for anything else."""
    words = [one.value for one in kind]
    if given not in words and not isinstance(given, kind):
        raise OptionError(f"{name} is one of {', '.join(words)}, not {given!r}")
    return kind(given)


def with_short(options: Mapping[str, Any], name: str, value: int | None) -> Mapping[str, Any]:
    """Return the options of a plugin, ``name`` among them; `OptionError` if it was given both ways."""
    if value is None:
        return options
    if name in options:
        raise OptionError(f"the {name} is given twice: {value} and {options[name]}")
    return {**options, name: value}


def resolve(record: type, given: Mapping[str, Any], owner: str) -> Any:
    """Return the ``record`` with the values ``given``, texts or typed; ``owner`` is for messages: ``format jpeg``.

    `OptionError` for a name that it does not have, with those it has; for a value of another type, or out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(record)}
    if unknown := sorted(given.keys() - fields.keys()):
        raise OptionError(f"the {owner} has no option '{unknown[0]}' (have: {', '.join(fields) or 'none'})")
    if not given:
        return record()
    hints = get_type_hints(record)
    return record(**{name: _value(fields[name], hints[name], value, owner) for name, value in given.items()})


def _value(field: dataclasses.Field[Any], hint: Any, given: Any, owner: str) -> Any:
    wanted = f"{field.name} of the {owner} must be {_range(field) or _named(hint)}, not {_shown(given)}"
    value = given
    if type(given) is not hint or hint is str:
        import msgspec  # here, for a start of the command line, and a run with the defaults, do without

        try:
            # Texts become what the field's type says; a bool is no number.
            value = msgspec.convert(given, hint, strict=not isinstance(given, str))
        except (msgspec.ValidationError, UnicodeError) as error:  # such a text came from a line that is not UTF-8
            raise OptionError(wanted) from error
    low, high = field.metadata.get("low"), field.metadata.get("high")
    choices = field.metadata.get("choices", ())
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    outside = is_number and not ((low is None or low <= value) and (high is None or value <= high))
    if outside or (choices and value not in choices):
        raise OptionError(wanted)
    return value


def _range(field: dataclasses.Field[Any]) -> str:
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if choices := field.metadata.get("choices", ()):
        return "one of " + ", ".join(choices)
    if low is not None and high is not None:
        return f"from {low} to {high}"
    if low is not None:
        return f"{low} or more"
    return "" if high is None else f"{high} or less"


def _type(field: dataclasses.Field[Any]) -> str:
    # A text where the record's module postpones annotations.
    return field.type.__name__ if isinstance(field.type, type) else str(field.type)


def _named(hint: Any) -> str:
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return words.get(hint, str(hint).replace("None", "nothing"))


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) and not value.lstrip("-").isdigit() else f"{value}"
