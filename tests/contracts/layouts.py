"""The Deep Zoom layout, and what could be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from tests.contracts.calling import breaker
from tileframe import Layout, Pyramid, Size, TileAddress
from tileframe.dzi import DziLayout, parse_descriptor
from tileframe.testing import CASES, LayoutContract


class GoodLayout(LayoutContract):
    kind: type[DziLayout] = DziLayout
    cases = tuple(case for case in CASES if case.tile_size == 64)

    def make(self, name: str, suffix: str) -> Layout:
        return self.kind(name, suffix)

    def address(self, key: str) -> TileAddress:
        return TileAddress(*map(int, re.findall(r"\d+", key)[:3]))

    def describe(self, files: Mapping[str, bytes]) -> tuple[Pyramid, str]:
        return parse_descriptor(next(iter(files.values())).decode())


class SameForAllRows(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return super().key(replace(tile, row=0))


class Incomplete(DziLayout):
    def keys(self, pyramid: Pyramid) -> Iterator[tuple[str, Size]]:
        return islice(super().keys(pyramid), 1, None)


class WithoutOverlap(DziLayout):
    def keys(self, pyramid: Pyramid) -> Iterator[tuple[str, Size]]:
        return super().keys(replace(pyramid, overlap=0))


class RowsFirst(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return super().key(replace(tile, col=tile.row, row=tile.col))


class WrongDescriptor(DziLayout):
    def descriptor(self, pyramid: Pyramid) -> Mapping[str, bytes]:
        return super().descriptor(replace(pyramid, overlap=pyramid.overlap + 1))


class Upwards(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return f"../{super().key(tile)}"


class Backwards(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return super().key(tile).replace("/", "\\")


class DescriptorInside(DziLayout):
    def descriptor(self, pyramid: Pyramid) -> Mapping[str, bytes]:
        return {f"{self.folder}/{key}": data for key, data in super().descriptor(pyramid).items()}


class Elsewhere(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return f"tiles/{super().key(tile)}"


class Nameless(DziLayout):
    @property
    def folder(self) -> str:
        return "tiles"


WRONG: dict[str, list[type[DziLayout]]] = {
    "test_keys_are_unique": [SameForAllRows],
    "test_keys_are_those_of_every_tile": [Incomplete],
    "test_keys_come_with_the_sizes_of_the_tiles": [WithoutOverlap],
    "test_a_key_gives_back_its_tile": [RowsFirst, SameForAllRows],
    "test_the_descriptor_gives_back_the_pyramid": [WrongDescriptor],
    "test_no_key_leaves_the_target": [Upwards, Backwards],
    "test_all_tiles_are_below_the_folder_and_no_descriptor_is": [Elsewhere, DescriptorInside],
    "test_two_pyramids_in_one_folder_share_no_key": [Nameless],
}
GOOD = [GoodLayout]
BREAKERS = [breaker(test, GoodLayout, kind.__name__, kind=kind) for test, kinds in WRONG.items() for kind in kinds]
