"""A slide of known pixels, the plugin that opens it, and the registry in which it stands beside what is tested."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from tileframe import (
    WHITE,
    Access,
    BackendPlugin,
    BaseSource,
    Box,
    ExecutorPlugin,
    Fit,
    InputError,
    NativeLevel,
    Plugin,
    ReaderPlugin,
    Rgb,
    Size,
    SlideFacts,
    hookimpl,
)
from tileframe.pixels import Pixels
from tileframe.registry import Registry, load
from tileframe.serialize import from_json, to_json
from tileframe.testing.cases import Case, cut, gradient, levels

READER = "tileframe-testing"
SCHEMA = "tileframe-testing/1"


@dataclass(frozen=True)
class MadeSlide:
    """A slide whose file says in JSON what it is: a `gradient` of the case's size, with its stored levels."""

    case: Case
    access: Access = Access.REGIONS
    unreadable: tuple[int, int] | None = None
    """A pixel of the base that cannot be read."""
    schema: str = SCHEMA

    @property
    def facts(self) -> SlideFacts:
        """What its source says."""
        sizes = [Size(pixels.shape[1], pixels.shape[0]) for pixels in stored_levels(self.case)]
        levels = zip(sizes, self.case.stored, strict=bool(self.case.stored))
        return SlideFacts(
            format="made",
            size=self.case.size,
            access=self.access,
            bounds=self.case.bounds,
            native_levels=tuple(NativeLevel(size, float(downsample)) for size, downsample in levels),
        )

    def write(self, path: Path) -> None:
        """Write the slide's file."""
        path.write_text(to_json(self), encoding="utf-8")


class MadeSource(BaseSource):
    """The open slide. Boxes outside it, and rows out of order, are misuses: `misuses_of` its path gives them."""

    def __init__(self, slide: MadeSlide, path: Path, background: Rgb) -> None:
        super().__init__(replace(slide.facts, background=background))
        self._slide, self._path, self._pixels = slide, path, stored_levels(slide.case)
        self._next_row = 0
        self._lock = threading.Lock()

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` of ``native_level``; `InputError` where the slide is unreadable, or read as it must not be."""
        pixels = self._pixels[native_level]
        height, width = pixels.shape[:2]
        if box != box.clipped(Box(0, 0, width, height)) or not box.size.area:
            self._misused(f"{box} of native level {native_level} was read, which is {width}x{height}")
        if self.facts.access is Access.ROWS:
            with self._lock:
                if (box.x, box.width, box.y) != (0, width, self._next_row):
                    self._misused(f"{box} was read where row {self._next_row} came next, {width} pixels wide")
                self._next_row = box.bottom
        if (place := self._slide.unreadable) is not None and native_level == 0:
            x, y = place
            if box.x <= x < box.right and box.y <= y < box.bottom:
                raise InputError(f"{self._path}: cannot be read at {place}")
        return cut(pixels, box)

    def _misused(self, how: str) -> None:
        # A file, for it may be read in another process.
        with _misuses(self._path).open("a", encoding="utf-8") as file:
            file.write(f"{how}\n")
        raise InputError(f"{self._path}: {how}")


class MadeReader:
    """Opens the files of `MadeSlide`, in any process."""

    def open(self, path: Path, *, background: Rgb | None = None) -> MadeSource:
        """Open the slide."""
        return MadeSource(from_json(MadeSlide, path.read_bytes(), schema=SCHEMA), path, background or WHITE)


def misuses_of(path: Path) -> tuple[str, ...]:
    """Return how the slide at ``path`` was read where it must not be."""
    noted = _misuses(path)
    return tuple(noted.read_text(encoding="utf-8").splitlines()) if noted.exists() else ()


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer the reader of `MadeSlide`, to this process and to those that `discoverable` leads here."""
    return [ReaderPlugin(READER, "slides of tileframe's own tests", MadeReader, _never)]


@lru_cache(maxsize=64)
def stored_levels(case: Case) -> Sequence[Pixels]:
    """Return the pixels of each level that the slide of ``case`` stores, the base first; nobody may change them."""
    base = gradient(case.size)
    return [base, *(_truncated(base, downsample) for downsample in case.stored[1:])]


def _never(path: Path, head: bytes) -> Fit:
    return Fit.NONE


def _misuses(path: Path) -> Path:
    return path.with_name(f"{path.name}.misuses")


class Offering:
    """A plugin that offers one reader, backend or executor."""

    def __init__(self, plugin: Plugin[object]) -> None:
        self._plugin = plugin

    @hookimpl
    def tileframe_readers(self) -> Sequence[ReaderPlugin]:
        """Offer it if it is a reader."""
        return [self._plugin] if isinstance(self._plugin, ReaderPlugin) else []

    @hookimpl
    def tileframe_backends(self) -> Sequence[BackendPlugin]:
        """Offer it if it is a backend."""
        return [self._plugin] if isinstance(self._plugin, BackendPlugin) else []

    @hookimpl
    def tileframe_executors(self) -> Sequence[ExecutorPlugin]:
        """Offer it if it is an executor."""
        return [self._plugin] if isinstance(self._plugin, ExecutorPlugin) else []


@cache
def installed() -> Registry:
    """Return what is installed, found once: that takes longer than many a test."""
    return load()


def registry_with(*plugins: Plugin[object]) -> Registry:
    """Return what is installed, and ``plugins`` in the place of those of their kinds and names."""
    own = load([Offering(plugin) for plugin in plugins], installed=False).offers
    taken = {(offer.kind, offer.plugin.name) for offer in own}
    others = [offer for offer in installed().offers if (offer.kind, offer.plugin.name) not in taken]
    return replace(installed(), offers=(*others, *own))


def _truncated(base: Pixels, downsample: int) -> Pixels:
    """Return the level for ``downsample``: not quite the contract's, as a scanner's own levels are not."""
    return levels(base, _halve_down)[-downsample.bit_length()]


def _halve_down(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge").astype(np.uint16)
    total = even[0::2, 0::2] + even[0::2, 1::2] + even[1::2, 0::2] + even[1::2, 1::2]
    mean: Pixels = (total >> 2).astype(np.uint8)
    return mean
