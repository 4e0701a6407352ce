"""A slide that lives in memory, the plugin that opens it, and the registry in which it stands beside what is tested."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from tileframe import (
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
from tileframe.testing.cases import Case, cut, gradient, levels

READER = "tileframe-testing"


class MadeSlide:
    """The slide of a case: a `gradient`, and the reader of it. What a backend does wrong is in ``misuses``."""

    def __init__(
        self, case: Case, *, access: Access = Access.REGIONS, unreadable: tuple[int, int] | None = None
    ) -> None:
        self.base = gradient(case.size)
        self.misuses: list[str] = []
        self.unreadable = unreadable
        self.pixels = [self.base, *(_truncated(self.base, downsample) for downsample in case.stored[1:])]
        self.facts = SlideFacts(
            format="made",
            size=case.size,
            access=access,
            bounds=case.bounds,
            native_levels=tuple(
                NativeLevel(Size(pixels.shape[1], pixels.shape[0]), float(downsample))
                for pixels, downsample in zip(self.pixels, case.stored, strict=bool(case.stored))
            ),
        )
        self.offer = ReaderPlugin(READER, "a slide in memory", lambda: self, lambda path, head: Fit.NONE)

    def open(self, path: Path, *, background: Rgb | None = None) -> MadeSource:
        """Open the slide anew, whatever ``path`` is."""
        return MadeSource(self, path)


class MadeSource(BaseSource):
    """The open slide. Boxes outside it, and rows out of order, are misuses."""

    def __init__(self, slide: MadeSlide, path: Path) -> None:
        super().__init__(slide.facts)
        self._slide, self._path = slide, path
        self._next_row = 0
        self._lock = threading.Lock()

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` of ``native_level``; `InputError` where the slide is unreadable, or read as it must not be."""
        pixels = self._slide.pixels[native_level]
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
        self._slide.misuses.append(how)
        raise InputError(f"{self._path}: {how}")


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
