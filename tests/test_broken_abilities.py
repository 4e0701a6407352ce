"""A slide elsewhere, or an optional ability, that cannot be asked as it will be is named before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pictures import gradient, png
from tileframe import (
    Access,
    BaseSource,
    Box,
    Fit,
    OriginPlugin,
    Pixels,
    PluginError,
    ReaderPlugin,
    Size,
    SlideFacts,
    Source,
    hookimpl,
    open_slide,
)
from tileframe.hooks import refuse_lacking
from tileframe.registry import load


class Unasked(BaseSource):
    """Says of no box in particular whether it holds something."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        raise NotImplementedError

    def holds(self) -> bool:
        raise NotImplementedError


def test_a_source_whose_holds_takes_no_box_is_named(tmp_path):
    class UnaskedReader:
        def open(self, path: Path, *, background: Any = None) -> Source:
            return Unasked(SlideFacts("unasked", Size(1, 1), Access.REGIONS))

    class Plugin:
        @staticmethod
        @hookimpl
        def tileframe_readers() -> list[ReaderPlugin]:
            return [ReaderPlugin("unasked", "in tests", UnaskedReader, lambda path, head: Fit.NATIVE)]

    path = png(tmp_path / "a.png", gradient(3, 2))
    with pytest.raises(PluginError, match=r"'unasked' is broken: .* whose 'holds' cannot be called as it will be"):
        open_slide(path, reader="unasked", registry=load([Plugin()]))


class Bare:
    """Has what a source needs, and inherits from nothing; how its block is left, a test adds."""

    facts = SlideFacts("bare", Size(1, 1), Access.REGIONS)

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        raise NotImplementedError

    def associated(self, name: str) -> Pixels:
        raise NotImplementedError

    def close(self) -> None: ...

    def __enter__(self) -> Bare:
        return self


def test_a_source_that_can_be_entered_and_not_left_is_named(monkeypatch):
    with pytest.raises(PluginError, match="which has no '__exit__'"):
        refuse_lacking(Bare(), Source, "it returns")
    monkeypatch.setattr(Bare, "__exit__", lambda self, kind, error, trace: None, raising=False)
    refuse_lacking(Bare(), Source, "it returns")
    monkeypatch.setattr(Bare, "__exit__", lambda self, *error: None)
    refuse_lacking(Bare(), Source, "it returns")


def test_an_origin_that_opens_nothing_is_named():
    class Nowhere:
        name = "a.png"

        def __init__(self, url: str) -> None:
            self.url = url

        def __str__(self) -> str:
            return self.url

        def open(self) -> Any:
            return None

        def copied(self, use: Any) -> Any:
            raise AssertionError("nothing is copied")

        def state(self) -> tuple[int, str]:
            return 1, ""

        def pieces(self, places: Any, count: int) -> list[bytes]:
            return []

    class Plugin:
        @staticmethod
        @hookimpl
        def tileframe_origins() -> list[OriginPlugin]:
            return [OriginPlugin("nowhere", "in tests", Nowhere, schemes=("nowhere",))]

    with pytest.raises(PluginError, match=r"^the origin of nowhere://a.png is broken: open returns None, which has no"):
        open_slide("nowhere://a.png", registry=load([Plugin()]))
