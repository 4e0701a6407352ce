"""Layouts that keep every promise, and what could be wrong with one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.contracts.calling import breaker
from tileframe import Layout, LayoutPlugin, Pyramid, TileAddress
from tileframe.testing import CASES, LayoutContract
from tileframe_layouts import tileframe_layouts
from tileframe_layouts.dzi import DziLayout, read
from tileframe_layouts.google import GoogleLayout

DZI, _, GOOGLE, _ = tileframe_layouts()


class GoodLayout(LayoutContract):
    plugin = DZI
    cases = tuple(case for case in CASES if case.tile_size == 64)


class GoodLayoutWithoutDescriptor(GoodLayout):
    plugin = GOOGLE


class SameForAllRows(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return super().key(tile._replace(row=0))


class RowsFirst(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return super().key(tile._replace(col=tile.row, row=tile.col))


class WithoutTheBase(DziLayout):
    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        super().__init__(name, suffix, pyramid)
        self.levels = self.levels[:-1] or range(0)


class Lenient(DziLayout):
    def address(self, key: str) -> TileAddress | None:
        numbers = re.search(r"(\d+)/(\d+)_(\d+)", key)
        return TileAddress(*map(int, numbers.groups())) if numbers else None


class CopyOfNothing(DziLayout):
    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        super().__init__(name, suffix, pyramid)
        self.extras = {f"{self.folder}/vips-properties.xml": TileAddress(pyramid.level_count, 0, 0)}


class CopyWithAnAddress(DziLayout):
    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        super().__init__(name, suffix, pyramid)
        top = TileAddress(0, 0, 0)
        self.extras = {self.key(top): top}


class CopyElsewhere(DziLayout):
    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        super().__init__(name, suffix, pyramid)
        self.extras = {f"{name}.thumbnail.{suffix}": TileAddress(0, 0, 0)}


class WrongDescriptor(DziLayout):
    def descriptor(self) -> Mapping[str, bytes]:
        return {key: data.replace(b'Overlap="', b'Overlap="1') for key, data in super().descriptor().items()}


class WrongSuffix(DziLayout):
    def descriptor(self) -> Mapping[str, bytes]:
        return {key: data.replace(b'"png"', b'"jpg"') for key, data in super().descriptor().items()}


class NoDescriptor(DziLayout):
    def descriptor(self) -> Mapping[str, bytes]:
        return {}


class Upwards(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return f"../{super().key(tile)}"


class Backwards(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return super().key(tile).replace("/", "\\")


class Elsewhere(DziLayout):
    def key(self, tile: TileAddress) -> str:
        return f"tiles/{super().key(tile)}"


class Nameless(DziLayout):
    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        super().__init__("tiles", suffix, pyramid)


class OwnsAll(DziLayout):
    def owns(self, key: str) -> bool:
        return True


class OwnsPictures(DziLayout):
    def owns(self, key: str) -> bool:
        return super().owns(key) or key.lower().endswith(".jpg")


class OwnsCopies(DziLayout):
    """Takes whatever is beside a tile and begins with a number."""

    def owns(self, key: str) -> bool:
        return super().owns(key) or re.fullmatch(re.escape(self.folder) + r"/\d+/\d[^/]*", key) is not None


class AnyDigits(DziLayout):
    """Takes what Python takes for a number."""

    def address(self, key: str) -> TileAddress | None:
        found = re.fullmatch(re.escape(self.folder) + r"/([\d_]+)/(\d+)_(\d+)\.png", key)
        try:
            tile = TileAddress(*map(int, found.groups())) if found else None
        except ValueError:
            return None
        return tile if tile and tile.level in self.levels and self._pyramid.has(tile) else None


class AnySuffix(DziLayout):
    def address(self, key: str) -> TileAddress | None:
        stem, dot, _ = key.rpartition(".")
        return super().address(f"{stem}{dot}png")


class SixteenBits(DziLayout):
    """Counts columns and rows in 16 bits."""

    def key(self, tile: TileAddress) -> str:
        return super().key(tile._replace(col=tile.col & 0xFFFF, row=tile.row & 0xFFFF))


class WithoutSeparator(DziLayout):
    """Column 1 of row 11 is column 11 of row 1, but in small pyramids."""

    def key(self, tile: TileAddress) -> str:
        key = super().key(tile)
        return key.replace("_", "").replace(f"{self.folder.replace('_', '')}", self.folder) if tile.col > 99 else key


class OwnsItsOwnSizeAlone(DziLayout):
    def owns(self, key: str) -> bool:
        return self.address(key) is not None


class OwnsItsOwnFormatAlone(DziLayout):
    def owns(self, key: str) -> bool:
        return super().owns(key) and not key.endswith(".tif")


class OwnsNothing(DziLayout):
    def owns(self, key: str) -> bool:
        return False


class WithOverlap(GoogleLayout):
    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        super().__init__(name, suffix, replace(pyramid, overlap=0))


def raises_its_own(data: bytes) -> tuple[Pyramid, str]:
    raise ValueError("no")


def takes_anything(data: bytes) -> tuple[Pyramid, str]:
    try:
        return read(data)
    except Exception:
        return Pyramid(CASES[0].size), "png"


def of(kind: Callable[..., Layout], **changed: Any) -> LayoutPlugin:
    return replace(DZI, make=kind, **changed)


WRONG: dict[str, dict[str, LayoutPlugin]] = {
    "test_defaults_make_a_pyramid": {"TooLarge": replace(GOOGLE, overlap=300)},
    "test_overlap_is_refused_where_there_can_be_none": {"WithOverlap": replace(GOOGLE, make=WithOverlap)},
    "test_levels_reach_down_to_the_base": {"WithoutTheBase": of(WithoutTheBase)},
    "test_keys_are_unique": {"SameForAllRows": of(SameForAllRows)},
    "test_a_key_gives_back_its_tile": {"RowsFirst": of(RowsFirst), "SameForAllRows": of(SameForAllRows)},
    "test_what_is_no_key_has_no_address": {
        "Lenient": of(Lenient),
        "AnyDigits": of(AnyDigits),
        "AnySuffix": of(AnySuffix),
    },
    "test_keys_of_a_huge_pyramid_give_back_their_tiles": {
        "SixteenBits": of(SixteenBits),
        "WithoutSeparator": of(WithoutSeparator),
    },
    "test_extras_are_copies_of_tiles_that_are_kept": {
        "CopyOfNothing": of(CopyOfNothing),
        "CopyWithAnAddress": of(CopyWithAnAddress),
    },
    "test_all_tiles_are_below_the_folder": {"Elsewhere": of(Elsewhere), "CopyElsewhere": of(CopyElsewhere)},
    "test_its_files_are_its_own_for_any_size_and_format": {
        "OwnsItsOwnSizeAlone": of(OwnsItsOwnSizeAlone),
        "OwnsItsOwnFormatAlone": of(OwnsItsOwnFormatAlone),
        "OwnsNothing": of(OwnsNothing),
    },
    "test_nobody_elses_file_is_its_own": {
        "OwnsAll": of(OwnsAll),
        "OwnsPictures": of(OwnsPictures),
        "OwnsCopies": of(OwnsCopies),
    },
    "test_the_descriptor_gives_back_the_pyramid": {
        "WrongDescriptor": of(WrongDescriptor),
        "WrongSuffix": of(WrongSuffix),
        "NoDescriptor": of(NoDescriptor),
        "Unread": replace(DZI, read=None),
    },
    "test_what_is_no_descriptor_is_refused": {
        "RaisesItsOwn": replace(DZI, read=raises_its_own),
        "TakesAnything": replace(DZI, read=takes_anything),
    },
    "test_no_key_leaves_the_target": {"Upwards": of(Upwards), "Backwards": of(Backwards)},
    "test_two_pyramids_in_one_folder_share_no_key": {"Nameless": of(Nameless)},
}
# Right but for one rare fault.
SUBTLE = ("OwnsCopies", "AnyDigits", "AnySuffix", "SixteenBits", "WithoutSeparator")
GOOD = [GoodLayout, GoodLayoutWithoutDescriptor]
BREAKERS = [
    breaker(test, GoodLayout, name, subtle=name in SUBTLE, plugin=plugin)
    for test, plugins in WRONG.items()
    for name, plugin in plugins.items()
]
