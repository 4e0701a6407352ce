"""Run one test of a contract as pytest would, and see whether it fails."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest

from tileframe.testing.cases import Contract

C = TypeVar("C", bound=Contract)


class Breaker(NamedTuple):
    """A contract whose plugin breaks a promise, and the test that must see it."""

    test: str
    contract: type[Contract]
    subtle: bool = False
    """Whether it is right but for one rare fault, so that no other test may fail."""

    def __str__(self) -> str:
        return self.contract.__name__


def breaker(test: str, good: type[C], name: str, *, subtle: bool = False, **attributes: Any) -> Breaker:
    """The contract ``good`` with other ``attributes``, called ``name``; ``test`` must fail, if subtle that alone."""
    assert hasattr(good, test), f"{good.__name__} has no {test}"
    return Breaker(test, type(name, (good,), attributes), subtle)


def methods_of(contract: type[Contract]) -> list[str]:
    return [name for name, _ in inspect.getmembers(contract, inspect.isfunction) if name.startswith("test_")]


def failures(contract: type[Contract], test: str, folder: Path) -> Iterator[str]:
    """Yield what the test says for each value of its arguments for which it fails."""
    instance = contract()
    method, parameters = getattr(instance, test), instance.parameters()
    names = inspect.signature(method).parameters
    drawn = [name for name in names if name != "tmp_path"]
    for number, values in enumerate(product(*(parameters[name] for name in drawn))):
        arguments: dict[str, object] = dict(zip(drawn, values, strict=True))
        if "tmp_path" in names:
            arguments["tmp_path"] = folder / str(number)
            (folder / str(number)).mkdir()
        try:
            method(**arguments)
        except (AssertionError, pytest.fail.Exception) as error:
            yield str(error) or "nothing"


def failing(contract: type[Contract], folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each test of the contract that fails, and what it says."""
    for test in methods_of(contract):
        (own := folder / test).mkdir()
        for said in failures(contract, test, own):
            yield test, said
