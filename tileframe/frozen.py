"""Frozen dataclasses that cost little to define: each start of the command defines some sixty.

`dataclasses.dataclass` writes and compiles six methods for each, about half a millisecond. Here all share a few that
are made once, and slower to call: a record of which there is one for each tile is better made by Python's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, kw_only: bool = False) -> Callable[[type], type]:
        """Return a decorator that does what Python's does; ``frozen`` has to be true.

        Not known here are `dataclasses.InitVar`, fields with ``init=False`` or a ``hash`` of their own, and records
        over one with ``slots``.
        """
        assert frozen

        def made(cls: Any) -> type:
            over = [one for one in cls.__mro__[:0:-1] if dataclasses.is_dataclass(one)]
            if not all(one.__dataclass_params__.frozen for one in over):
                raise TypeError("a frozen dataclass cannot be over one that is not frozen")
            # Fields alone, by a class that is over no other: for one over a frozen one, Python compiles two methods.
            own, hints = vars(cls), cls.__annotations__
            taken = {name: own[name] for name in ("__doc__", "__module__", *hints) if name in own}
            plain: Any = type(cls.__name__, (), {"__annotations__": hints, **taken})
            plain = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(plain)
            plain.__dataclass_params__.frozen = True  # else Python lets no frozen dataclass of its own be over it
            for name in hints.keys() & taken:
                delattr(cls, name)
            for name in ("__dataclass_params__", *(hints.keys() & vars(plain))):
                setattr(cls, name, vars(plain)[name])
            cls.__dataclass_fields__ = {k: v for one in (*over, plain) for k, v in one.__dataclass_fields__.items()}
            cls.__match_args__ = tuple(field.name for field in dataclasses.fields(cls) if not field.kw_only)
            for name, method in _methods(cls).items():
                if vars(cls).get(name) is None:  # a class with __eq__ has a __hash__ that is None
                    setattr(cls, name, method)
            return cls

        return made


def _methods(record: Any) -> dict[str, Callable[..., Any]]:
    fields = dataclasses.fields(record)
    placed = [field.name for field in fields if not field.kw_only]
    defaults = {field.name: field.default for field in fields if field.default is not MISSING}
    makers = {field.name: field.default_factory for field in fields if field.default_factory is not MISSING}
    takes = {field.name: f"{field.name}=..." if field.name in defaults | makers else field.name for field in fields}

    def __init__(self: Any, *values: Any, **given: Any) -> None:
        named = dict(zip(placed, values)) | given  # noqa: B905 - the others are given by name, or have a default
        held = defaults | {name: make() for name, make in makers.items() if name not in named} | named
        if held.keys() != takes.keys() or len(named) != len(values) + len(given):
            names = ", ".join(takes.values())
            raise TypeError(f"{type(self).__name__}() takes {names}, each once; given: {', '.join(named)}")
        vars(self).update(held)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    def __eq__(self: Any, other: object) -> bool:
        return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(_compared(self))

    def __repr__(self: Any) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields if field.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __setattr__(self: Any, name: str, value: Any = None) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}, nor delete it")

    def _compared(self: Any) -> tuple[Any, ...]:
        return tuple([getattr(self, field.name) for field in fields if field.compare])

    methods = (__init__, __eq__, __hash__, __repr__, __setattr__)
    return {method.__name__: method for method in methods} | {"__delattr__": __setattr__}
