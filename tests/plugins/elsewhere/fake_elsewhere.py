"""A stranger's layout, and two stores of his: one for a scheme, one for an archive.

Both stores hold a pyramid in memory until it is complete, and then write it into one JSON file. Of the scheme
``mem2disk``, that is in the folder named by the environment variable MEM2DISK.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tileframe import (
    CheckError,
    Content,
    InputError,
    LayoutPlugin,
    Location,
    OptionError,
    OutputError,
    Pyramid,
    Size,
    StorePlugin,
    Target,
    TileAddress,
    hookimpl,
    option,
)

DESCRIPTOR = re.compile(rb"flat ([1-9]\d{0,9}) ([1-9]\d{0,9}) ([1-9]\d{0,9}) (\d{1,9}) ([a-z0-9]+)\n")


@dataclass(frozen=True)
class FlatOptions:
    between: str = option("-", help="What stands between level, column and row.", choices=("-", "_"))


class FlatLayout:
    """``NAME.flat`` and ``NAME/LEVEL-COL-ROW.SUFFIX``."""

    pads = False
    extras: Mapping[str, TileAddress] = {}

    def __init__(self, name: str, suffix: str, pyramid: Pyramid, options: FlatOptions) -> None:
        self.folder, self.levels = name, range(pyramid.level_count)
        self._pyramid, self._suffix, self._between = pyramid, suffix, options.between

    def key(self, tile: TileAddress) -> str:
        numbers = self._between.join(map(str, (tile.level, tile.col, tile.row)))
        return f"{self.folder}/{numbers}.{self._suffix}"

    def address(self, key: str) -> TileAddress | None:
        found = self._numbers(key)
        tile = TileAddress(*found) if found else None
        return tile if tile and self._pyramid.has(tile) and self.key(tile) == key else None

    def owns(self, key: str) -> bool:
        return bool(self._numbers(key))

    def descriptor(self) -> Mapping[str, bytes]:
        base, side, overlap = self._pyramid.base, self._pyramid.tile_size, self._pyramid.overlap
        return {f"{self.folder}.flat": f"flat {base.width} {base.height} {side} {overlap} {self._suffix}\n".encode()}

    def _numbers(self, key: str) -> Sequence[int]:
        numbers = self._between.join([r"(\d{1,9})"] * 3)
        match = re.fullmatch(rf"{re.escape(self.folder)}/{numbers}\.[a-z0-9]+", key)
        return [int(number) for number in match.groups()] if match else ()


def read_flat(data: bytes) -> tuple[Pyramid, str]:
    match = DESCRIPTOR.fullmatch(data)
    if match is None:
        raise CheckError("is no line of a flat pyramid")
    width, height, side, overlap = (int(number) for number in match.groups()[:4])
    try:
        return Pyramid(Size(width, height), side, overlap), match[5].decode()
    except OptionError as error:
        raise CheckError(f"describes no pyramid ({error})") from error


def shelf(location: Location) -> Path:
    return Path(os.environ["MEM2DISK"], location.folder, f"{location.name}.json")


def pack(location: Location) -> Path:
    return location.path


Place = Callable[[Location], Path]


@dataclass(frozen=True)
class JsonOptions:
    indent: int = option(0, help="Spaces before each line of the file.", low=0, high=8)


class JsonStore:
    shared = False

    def __init__(self, place: Place, target: Target, options: JsonOptions) -> None:
        self._path, self._overwrite, self._indent = place(target.location), target.overwrite, options.indent
        self._files: dict[str, bytes] = {}

    def prepare(self) -> None:
        if self._path.exists() and not self._overwrite:
            raise OutputError(f"{self._path}: is there already")

    def put(self, key: str, data: bytes) -> None:
        self._files[key] = data

    def get(self, key: str) -> bytes:
        return self._files[key]

    def keys(self) -> Iterator[str]:
        yield from self._files

    def commit(self, files: Mapping[str, Content]) -> None:
        whole = {key: content if isinstance(content, bytes) else b"".join(content) for key, content in files.items()}
        texts = {key: data.hex() for key, data in (self._files | whole).items()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(texts, indent=self._indent or None), encoding="utf-8")

    def discard(self) -> None:
        self._files.clear()


class StoredJson:
    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        try:
            self._files = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: holds no pyramid ({error})") from error

    def get(self, key: str) -> bytes:
        return bytes.fromhex(self._files[key])

    def keys(self, folder: str) -> Iterator[str]:
        return (key for key in self._files if key.startswith(f"{folder}/"))

    def close(self) -> None:
        pass


def opened(place: Place, location: Location) -> StoredJson:
    return StoredJson(place(location), location.name)


@hookimpl
def tileframe_layouts() -> Sequence[LayoutPlugin]:
    return [
        LayoutPlugin("flat", "all tiles in one folder", FlatLayout, "{name}.flat", read_flat, options=FlatOptions),
    ]


@hookimpl
def tileframe_stores() -> Sequence[StorePlugin]:
    make, opens, text = partial(JsonStore, shelf), partial(opened, shelf), "JSON files on a shelf"
    archive = StorePlugin(
        "pack",
        "one JSON file",
        partial(JsonStore, pack),
        partial(opened, pack),
        containers=("pack",),
        options=JsonOptions,
    )
    return [StorePlugin("mem2disk", text, make, opens, schemes=("mem2disk",), options=JsonOptions), archive]
