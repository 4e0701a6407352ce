from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from tileframe import CheckError, LayoutPlugin, OptionError, Pyramid, Size, TileAddress, hookimpl

TILE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})-([0-9]{1,9})\.[A-Za-z0-9]+")
FACTS = {"width": int, "height": int, "tile_size": int, "overlap": int, "suffix": str}


class FlatLayout:
    pads = False
    extras: Mapping[str, TileAddress] = {}

    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        self.folder, self.levels = name, range(pyramid.level_count)
        self.pyramid, self.suffix = pyramid, suffix

    def key(self, tile: TileAddress) -> str:
        return f"{self.folder}/{tile.level}-{tile.col}-{tile.row}.{self.suffix}"

    def address(self, key: str) -> TileAddress | None:
        tile = self.parsed(key)
        return tile if tile and self.pyramid.has(tile) and self.key(tile) == key else None

    def owns(self, key: str) -> bool:
        return self.parsed(key) is not None

    def descriptor(self) -> Mapping[str, bytes]:
        base, side, overlap = self.pyramid.base, self.pyramid.tile_size, self.pyramid.overlap
        facts = dict(zip(FACTS, (base.width, base.height, side, overlap, self.suffix), strict=True))
        return {f"{self.folder}.flat": json.dumps(facts).encode()}

    def parsed(self, key: str) -> TileAddress | None:
        folder, _, name = key.rpartition("/")
        match = TILE.fullmatch(name)
        return TileAddress(*map(int, match.groups())) if match and folder == self.folder else None


def read(data: bytes) -> tuple[Pyramid, str]:
    try:
        facts = json.loads(data)
        if {name: type(value) for name, value in facts.items()} != FACTS or not facts["suffix"].isalnum():
            raise CheckError("is no descriptor of a flat pyramid")
        return Pyramid(Size(facts["width"], facts["height"]), facts["tile_size"], facts["overlap"]), facts["suffix"]
    except (ValueError, AttributeError, RecursionError, OptionError) as error:
        raise CheckError(f"is no descriptor of a flat pyramid ({error})") from error


@hookimpl
def tileframe_layouts() -> Sequence[LayoutPlugin]:
    return [LayoutPlugin("flat", "all tiles in one folder", FlatLayout, "{name}.flat", read)]
