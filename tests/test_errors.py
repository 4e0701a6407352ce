"""The error tree is the one its docstring draws, and nothing is raised from outside it."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import re

import pytest

import tileframe
from tileframe import TileframeError, errors

DRAWN_LINE = re.compile(r"^ {4}(?P<branches>[ │├└─]*)(?P<name>[A-Z]\w+)(?: +(?P<code>\d+))?")


def drawn() -> dict[str, tuple[str, int | None]]:
    """The parent and the exit code of every class, as the docstring draws them."""
    tree: dict[str, tuple[str, int | None]] = {}
    ancestors: list[tuple[int, str]] = [(-1, "Exception")]
    for line in (errors.__doc__ or "").splitlines():
        if match := DRAWN_LINE.match(line):
            depth = len(match["branches"])
            while ancestors[-1][0] >= depth:
                ancestors.pop()
            tree[match["name"]] = (ancestors[-1][1], int(match["code"]) if match["code"] else None)
            ancestors.append((depth, match["name"]))
    return tree


def written() -> dict[str, type[Exception]]:
    return {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def test_the_docstring_draws_every_class_under_its_parent():
    parents = {name: parent for name, (parent, _) in drawn().items()}
    assert parents == {name: kind.__base__.__name__ for name, kind in written().items() if kind.__base__}
    assert parents["UnsupportedInput"] == "InputError"


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, (_, code) in drawn().items() if code is not None])
def test_exit_code_is_the_drawn_one(name, code):
    assert getattr(errors, name).exit_code == code


def test_only_the_root_has_no_drawn_exit_code():
    assert [name for name, (_, code) in drawn().items() if code is None] == ["TileframeError"]
    # 0 is success, 130 an interruption: no error of the tree may be taken for one of them. 1 says that it is not known
    # who is to blame: a bug in tileframe, with its traceback, or a process that was killed.
    assert not {code for _, code in drawn().values()} & {0, 130}
    assert [name for name, (_, code) in drawn().items() if code == 1] == ["WorkerError"]


@pytest.mark.parametrize("name", sorted(written()))
def test_every_error_is_a_tileframe_error_and_public(name):
    assert issubclass(written()[name], TileframeError)
    assert getattr(tileframe, name) is written()[name]
    assert name in tileframe.__all__


def test_no_other_module_has_errors_of_its_own():
    for module in pkgutil.walk_packages(tileframe.__path__, "tileframe."):
        if module.name == "tileframe.__main__":
            continue  # it runs the command
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.name:
                assert module.name == "tileframe.errors", f"{module.name}.{kind.__name__}"


@pytest.mark.parametrize("kind", written().values())
def test_every_error_comes_back_from_another_process_as_it_is(kind):
    sent = pickle.loads(pickle.dumps(kind("slide.svs: no such file")))
    assert type(sent) is kind
    assert str(sent) == "slide.svs: no such file"


def test_an_error_is_shown_by_its_message_alone():
    assert str(errors.InputError("slide.svs: no such file")) == "slide.svs: no such file"
