"""A reader of raw pixels, by regions or by rows, and what can be wrong with one."""

from __future__ import annotations

import struct
import time
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np

from tests.contracts.calling import breaker
from tileframe import (
    WHITE,
    Access,
    BaseSource,
    Box,
    Fit,
    InputError,
    NativeLevel,
    NoOptions,
    OptionError,
    ReaderPlugin,
    Rgb,
    Size,
    SlideFacts,
    option,
)
from tileframe.pixels import Pixels
from tileframe.testing import ReaderContract

HEADER = struct.Struct("<4sIII")
MARK = b"RAW1"
WRITTEN_HERE: set[Path] = set()


class RawSource(BaseSource):
    def __init__(self, path: Path, pixels: Pixels, access: Access, background: Rgb | None) -> None:
        size = Size(pixels.shape[1], pixels.shape[0])
        super().__init__(SlideFacts("raw", size, access, background=background or WHITE))
        self._path, self._pixels, self._open = path, pixels, True

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        if not self._open:
            raise InputError(f"{self._path}: was closed")
        return self._pixels[box.y : box.bottom, box.x : box.right].copy()

    def close(self) -> None:
        self._open = False


class RawReader:
    source: type[RawSource] = RawSource
    access = Access.REGIONS

    def open(self, path: Path, *, background: Rgb | None = None) -> RawSource:
        data = path.read_bytes()
        if len(data) < HEADER.size or not data.startswith(MARK):
            raise InputError(f"{path}: is no raw slide")
        _, width, height, crc = HEADER.unpack_from(data)
        if zlib.crc32(data[HEADER.size :]) != crc:
            raise InputError(f"{path}: is damaged")
        pixels = np.frombuffer(data, np.uint8, offset=HEADER.size).reshape(height, width, 3)
        return self.source(path, pixels, self.access, background)


class RowsReader(RawReader):
    access = Access.ROWS


@dataclass(frozen=True)
class RawOptions:
    checked: bool = option(True, help="Whether the checksum is looked at.")
    ahead: int = option(0, help="Rows that are read ahead.", low=0, high=100)


class OptionalReader(RawReader):
    def __init__(self, options: RawOptions) -> None:
        if options.ahead and not options.checked:
            raise OptionError(f"raw reads no rows ahead unchecked: ahead must be 0, not {options.ahead}")


def guess(path: Path, head: bytes) -> Fit:
    return Fit.NATIVE if head.startswith(MARK) else Fit.NONE


class GoodReader(ReaderContract):
    plugin = ReaderPlugin("raw", "raw pixels", RawReader, guess)
    suffix = "raw"
    size = Size(67, 41)

    def make(self, path: Path, pixels: Pixels) -> Path:
        height, width = pixels.shape[:2]
        path.write_bytes(HEADER.pack(MARK, width, height, zlib.crc32(pixels.tobytes())) + pixels.tobytes())
        WRITTEN_HERE.add(path)
        return path


class FileSource(BaseSource):
    """Reads each box from the file, whose place it keeps to itself while it does."""

    def __init__(self, path: Path, size: Size, background: Rgb | None) -> None:
        super().__init__(SlideFacts("raw", size, Access.REGIONS, background=background or WHITE))
        self._path, self._file, self._lock = path, path.open("rb"), Lock()

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        if self._file.closed:
            raise InputError(f"{self._path}: was closed")
        rows = [self._row(box.x, y, box.width) for y in range(box.y, box.bottom)]
        return np.frombuffer(b"".join(rows), np.uint8).reshape(box.height, box.width, 3).copy()

    def _row(self, x: int, y: int, width: int) -> bytes:
        with self._lock:
            return self._at(HEADER.size + 3 * (y * self.facts.size.width + x), 3 * width)

    def _at(self, place: int, length: int) -> bytes:
        self._file.seek(place)
        return self._file.read(length)

    def close(self) -> None:
        self._file.close()


class WithoutLock(FileSource):
    """All threads move the one place in the file."""

    def _row(self, x: int, y: int, width: int) -> bytes:
        return self._at(HEADER.size + 3 * (y * self.facts.size.width + x), 3 * width)


class WithoutLockAtFirst(FileSource):
    """Finds out where its rows are with the first box that is read, and has others read meanwhile."""

    _begin: int | None = None

    def _at(self, place: int, length: int) -> bytes:
        if self._begin is None:
            self._begin = 0
            time.sleep(0.001)
            self._begin = HEADER.size
        return super()._at(place - HEADER.size + self._begin, length)

    def _row(self, x: int, y: int, width: int) -> bytes:
        if self._begin == HEADER.size:
            return super()._row(x, y, width)
        return self._at(HEADER.size + 3 * (y * self.facts.size.width + x), 3 * width)


class FileReader(RawReader):
    source: Any = FileSource

    def open(self, path: Path, *, background: Rgb | None = None) -> Any:
        return self.source(path, RawReader().open(path).facts.size, background)


class GoodFileReader(GoodReader):
    plugin = replace(GoodReader.plugin, make=FileReader)


class GoodRowsReader(GoodReader):
    plugin = replace(GoodReader.plugin, make=RowsReader)


class GoodReaderWithOptions(GoodReader):
    plugin = ReaderPlugin("raw", "raw pixels", OptionalReader, guess, RawOptions)
    options = MappingProxyType({"checked": False, "ahead": 0})
    bad_options = ({"checked": False, "ahead": 3}, {"ahead": 101})


class GreaterFacts(RawSource):
    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.facts = replace(self.facts, size=Size(self.facts.size.width + 1, self.facts.size.height))


class Shifted(RawSource):
    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        x = max(0, box.x - 1)
        return super().read(Box(x, box.y, box.width, box.height))


class ShiftedWhereWide(RawSource):
    """One pixel to the right beyond x = 4096."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        x = np.arange(box.x, box.right)
        return self._checked(box)[box.y : box.bottom, x - (x > 4096)]

    def _checked(self, box: Box) -> Pixels:
        super().read(box)
        return self._pixels


class ShiftedWhereHigh(ShiftedWhereWide):
    """One pixel down beyond y = 4096."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        y = np.arange(box.y, box.bottom)
        return self._checked(box)[y - (y > 4096), box.x : box.right]


class Larger(RawSource):
    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return super().read(Box(box.x, box.y, box.width + 1, box.height))


class BlackBorder(RawSource):
    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        pixels = super().read(box)
        if box.right == self.facts.size.width:
            pixels[:, -1] = 0
        return pixels


class Grey(RawSource):
    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return super().read(box)[:, :, 0]


class Sixteen(RawSource):
    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return super().read(box).astype(np.uint16)


class ReadOnly(RawSource):
    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return self._pixels[box.y : box.bottom, box.x : box.right]


class Reusing(RawSource):
    buffer = np.zeros((41, 67, 3), np.uint8)

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        part = self.buffer[: box.height, : box.width]
        part[:] = super().read(box)
        return part


class NeverClosed(RawSource):
    def close(self) -> None:
        pass


class OddLevels(RawSource):
    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.facts = replace(self.facts, native_levels=(NativeLevel(Size(33, 20), 2.0),))


class UnreadableLevels(RawSource):
    """Its second level is read as the base is."""

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        levels = (NativeLevel(self.facts.size, 1.0), NativeLevel(Size(34, 21), 2.0))
        self.facts = replace(self.facts, native_levels=levels)

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return super().read(Box(0, 0, 67, 41) if native_level else box)


class Stateful(RawSource):
    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        self._box = box
        time.sleep(0.001)
        return super().read(self._box)


class AnythingReader(RawReader):
    """Opens what there is not."""

    def open(self, path: Path, *, background: Rgb | None = None) -> RawSource:
        try:
            data = path.read_bytes()[HEADER.size :]
        except OSError:
            data = b""
        samples = np.frombuffer(data.ljust(67 * 41 * 3, b"\0"), np.uint8)
        return self.source(path, samples.reshape(41, 67, 3), self.access, background)


class Whitewashing(RawSource):
    def __init__(self, path: Path, pixels: Pixels, access: Access, background: Rgb | None) -> None:
        super().__init__(path, pixels, access, None)


class LazyOptions(OptionalReader):
    """Finds out what it cannot do when it is too late."""

    def __init__(self, options: RawOptions) -> None:
        self._ahead = options.ahead

    def open(self, path: Path, *, background: Rgb | None = None) -> RawSource:
        if self._ahead > 50:
            raise InputError(f"{path}: has no 50 rows")
        return super().open(path, background=background)


class NamelessReader(RawReader):
    def open(self, path: Path, *, background: Rgb | None = None) -> RawSource:
        try:
            return super().open(path, background=background)
        except InputError:
            raise InputError("is damaged") from None


class CrashingReader(RawReader):
    def open(self, path: Path, *, background: Rgb | None = None) -> RawSource:
        try:
            return super().open(path, background=background)
        except (InputError, OSError) as error:
            raise struct.error from error


class ThisProcessReader(RawReader):
    def open(self, path: Path, *, background: Rgb | None = None) -> RawSource:
        if path not in WRITTEN_HERE:
            raise InputError(f"{path}: is of another process")
        return super().open(path, background=background)


def reading(source: Any, reader: type[RawReader]) -> RawReader:
    made = reader()
    made.source = source
    return made


def of_source(source: type[BaseSource], reader: type[RawReader] = RawReader) -> ReaderPlugin:
    return replace(GoodReader.plugin, make=partial(reading, source, reader))


def of_reader(make: Any, options: type = NoOptions) -> ReaderPlugin:
    return replace(GoodReader.plugin, make=make, options=options)


Denying = type("Denying", (RawSource,), {"holds": lambda source, box: False})
Black = type("Black", (RawSource,), {"find_rows": lambda source: True, "rows": lambda source, box, into: into.fill(0)})
WRONG = {
    "test_rows_that_are_decoded_apart_equal_the_known_pixels": [of_source(Black, RowsReader)],
    "test_facts_give_the_size": [of_source(GreaterFacts)],
    "test_any_box_equals_the_known_pixels": [of_source(Shifted)],
    "test_a_box_is_exactly_its_own_size": [of_source(Larger)],
    "test_boxes_touching_each_border_equal_the_known_pixels": [
        of_source(BlackBorder),
        of_source(BlackBorder, RowsReader),
    ],
    "test_pixels_are_rgb8": [of_source(Grey), of_source(Sixteen), of_source(Sixteen, RowsReader)],
    "test_the_array_belongs_to_the_caller": [
        of_source(ReadOnly),
        of_source(Reusing),
        of_source(Reusing, RowsReader),
    ],
    "test_a_closed_slide_cannot_be_read": [of_source(NeverClosed)],
    "test_a_missing_file_is_refused": [of_reader(AnythingReader), of_reader(CrashingReader)],
    "test_an_empty_file_is_refused": [of_reader(AnythingReader), of_reader(CrashingReader)],
    "test_a_directory_is_refused": [of_reader(AnythingReader), of_reader(CrashingReader)],
    "test_a_truncated_file_is_refused_with_its_path": [
        of_reader(AnythingReader),
        of_reader(CrashingReader),
        of_reader(NamelessReader),
    ],
    "test_guess_knows_its_own_files": [replace(GoodReader.plugin, guess=lambda path, head: Fit.NONE)],
    "test_native_levels_begin_with_the_base_and_can_be_read": [of_source(OddLevels), of_source(UnreadableLevels)],
    "test_what_it_says_it_does_not_hold_is_background": [of_source(Denying)],
    "test_beyond_4096_pixels_boxes_equal_the_known_pixels": [of_source(ShiftedWhereWide), of_source(ShiftedWhereHigh)],
    "test_regions_may_be_read_by_many_threads": [
        of_source(Stateful),
        *(of_source(source, FileReader) for source in (WithoutLock, WithoutLockAtFirst)),
    ],
    "test_the_background_that_is_asked_for_is_the_facts": [of_source(Whitewashing)],
    "test_every_choice_opens_the_slide": [of_reader(LazyOptions, RawOptions)],
    "test_wrong_options_are_refused_with_their_value": [of_reader(LazyOptions, RawOptions)],
    "test_a_new_process_can_open_the_slide": [of_reader(lambda: RawReader()), of_reader(ThisProcessReader)],
}
GOOD = [GoodReader, GoodFileReader, GoodRowsReader, GoodReaderWithOptions]
SUBTLE = ("ShiftedWhereWide", "ShiftedWhereHigh", "WithoutLock", "WithoutLockAtFirst")


def called(plugin: ReaderPlugin) -> str:
    """What is wrong with a plugin, by the name of a class."""
    source = plugin.make.args[0] if isinstance(plugin.make, partial) else plugin.make
    return "guess" if source is RawReader else source.__name__


BREAKERS = [
    breaker(
        test,
        GoodReader,
        f"{called(plugin)}{number}",
        subtle=called(plugin) in SUBTLE,
        plugin=plugin,
        bad_options=GoodReaderWithOptions.bad_options if plugin.options is RawOptions else (),
    )
    for test, plugins in WRONG.items()
    for number, plugin in enumerate(plugins, 1)
]
