"""A plugin of every kind that works, but fails at the place and in the way that two environment variables name.

What it offers is what tileframe bundles, under the name ``breaking``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import tileframe
from tileframe import (
    BackendPlugin,
    CheckPlugin,
    Fit,
    LayoutPlugin,
    ReaderPlugin,
    StorePlugin,
    ViewerPlugin,
    WriterPlugin,
    hookimpl,
)


class Fatal(BaseException):
    """Nobody's `except Exception` sees it."""


def recurse() -> None:
    recurse()


def fail_at(place: str) -> bool:
    """Fail, if this is the place; say whether it is one that is to return nothing."""
    if os.environ.get("BREAKING_AT") != place:
        return False
    if os.environ["BREAKING_BY"] != "nothing":
        fail(os.environ["BREAKING_BY"])
    return True


def fail(way: str) -> None:
    if way == "recursion":
        recurse()
    if way == "wait":
        print("waiting", flush=True)
        time.sleep(60)
    errors = {"error": ValueError, "exit": SystemExit, "fatal": Fatal, "interrupt": KeyboardInterrupt, "eof": EOFError}
    raise errors[way](0)


class Breaking:
    """Does what ``inner`` does, but where it is to fail."""

    def __init__(self, kind: str, inner: Any) -> None:
        self._kind, self._inner = kind, inner

    def __getattr__(self, name: str) -> Any:
        if name == "refuse_damaged":
            raise AttributeError(name)  # as of a writer without that ability, whose decode is asked
        value, place = getattr(self._inner, name), f"{self._kind}.{name}"
        if not callable(value):
            fail_at(place)
            return value

        def called(*arguments: Any, **named: Any) -> Any:
            if fail_at(place):
                return None
            made = value(*arguments, **named)
            return Breaking("source", made) if place == "reader.open" else made

        return called

    def __call__(self, *arguments: Any) -> Any:
        fail_at(f"{self._kind}.call")
        return self._inner(*arguments)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        self._inner.close()


def broken(kind: str, name: str, **changed: Any) -> Any:
    """The offer ``name`` of a bundled plugin as ours."""
    import importlib

    module = {"backend": "stream", "reader": "openslide"}.get(kind, f"{kind}s")
    offers = getattr(importlib.import_module(f"tileframe_{module}".replace("viewers", "viewer")), f"tileframe_{kind}s")
    offer = next(offer for offer in offers() if offer.name == name)

    def make(*arguments: Any) -> Any:
        return None if fail_at(f"{kind}.make") else Breaking(kind, offer.make(*arguments))

    return replace(offer, name="breaking", make=make, **changed)


def guess(path: Path, head: bytes) -> Fit:
    fail_at("reader.guess")
    return Fit.NONE


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    fail_at("hook")
    return [broken("reader", "imageslide", guess=guess)]


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [broken("writer", "png")]


@hookimpl
def tileframe_layouts() -> Sequence[LayoutPlugin]:
    def read(data: bytes) -> Any:
        fail_at("layout.read")
        return offer.read(data)

    offer = broken("layout", "zoomify")
    return [replace(offer, read=read)]


@hookimpl
def tileframe_stores() -> Sequence[StorePlugin]:
    def open_files(location: tileframe.Location) -> Any:
        fail_at("store.open")
        return Breaking("files", opened(location))

    offer = broken("store", "zip", containers=("breaking",))
    opened = offer.open
    return [replace(offer, open=open_files)]


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    return [broken("backend", "stream")]


@hookimpl
def tileframe_checks() -> Sequence[CheckPlugin]:
    return [broken("check", "tiles")]


@hookimpl
def tileframe_viewers() -> Sequence[ViewerPlugin]:
    return [broken("viewer", "page")]


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    fail_at("commands")
    cli.add_command(click.Command("breaking", callback=lambda: fail_at("command")))


fail_at("import")
