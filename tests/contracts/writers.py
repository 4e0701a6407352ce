"""Tile formats of raw pixels, lossless and lossy, and what can be wrong with one."""

from __future__ import annotations

import itertools
import struct
import threading
import time
import zlib
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tests.contracts.calling import breaker
from tileframe import CheckError, Encoding, OptionError, Size, WriterPlugin, option
from tileframe.pixels import Pixels
from tileframe.testing import WriterContract

HEADER = struct.Struct("<4sIII")
MARK = b"RAW1"


class RawWriter:
    suffix = "raw"
    lossless = True
    kept_bits = 0xFF

    def __init__(self) -> None:
        self.encoding = Encoding("raw", self.suffix, self.lossless)

    def encode(self, pixels: Pixels) -> bytes:
        packed = self.packed((pixels & self.kept_bits).tobytes())
        return HEADER.pack(MARK, pixels.shape[1], pixels.shape[0], zlib.crc32(packed)) + packed

    def packed(self, data: bytes) -> bytes:
        return zlib.compress(data, 1)

    def decode(self, data: bytes) -> Pixels:
        size, packed = self.size(data), data[HEADER.size :]
        if zlib.crc32(packed) != HEADER.unpack_from(data)[3]:
            raise CheckError("is damaged")
        return unpacked(packed, size)

    def size(self, data: bytes) -> Size:
        if len(data) < HEADER.size or not data.startswith(MARK):
            raise CheckError("is no raw tile")
        return Size(*HEADER.unpack_from(data)[1:3])


def unpacked(packed: bytes, size: Size) -> Pixels:
    return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(size.height, size.width, 3).copy()


@dataclass(frozen=True)
class RawOptions:
    level: int = option(1, help="How hard to press, from not at all to long.", low=0, high=9)
    tiled: bool = option(False, help="Whether the pixels are in tiles.")
    strict: bool = option(True, help="Whether the checksum is looked at.")


class OptionalWriter(RawWriter):
    """Takes options, of which not all go together."""

    def __init__(self, options: RawOptions) -> None:
        if options.tiled and not options.level:
            raise OptionError(f"raw tiles are always pressed: level must be 1 to 9, not {options.level}")
        super().__init__()
        self.options = options

    def packed(self, data: bytes) -> bytes:
        # As tiles would, it makes other bytes.
        strategy = zlib.Z_FILTERED if self.options.tiled else zlib.Z_DEFAULT_STRATEGY
        press = zlib.compressobj(self.options.level, strategy=strategy)
        return press.compress(data) + press.flush()


class LossyWriter(RawWriter):
    lossless = False
    kept_bits = 0xF8


class GoodWriter(WriterContract):
    plugin = WriterPlugin("raw", "raw pixels", RawWriter)

    def decode(self, data: bytes) -> Pixels:
        return unpacked(data[HEADER.size :], Size(*HEADER.unpack_from(data)[1:3]))


class GoodLossyWriter(GoodWriter):
    plugin = WriterPlugin("lossy", "fewer bits", LossyWriter)
    max_error: int | None = 7


class GoodUnboundedWriter(GoodLossyWriter):
    max_error = None


class GoodWriterWithOptions(GoodWriter):
    plugin = WriterPlugin("raw", "raw pixels", OptionalWriter, RawOptions)
    options = MappingProxyType({"tiled": True, "level": 9})
    bad_options = ({"level": 10}, {"level": "x"}, {"tiled": True, "level": 0})
    without_effect = ("strict",)


class WrongBack(RawWriter):
    def decode(self, data: bytes) -> Pixels:
        return super().decode(data) ^ np.uint8(1)


class Reddened(LossyWriter):
    """Blue and red are exchanged, in its own eyes too."""

    def encode(self, pixels: Pixels) -> bytes:
        return super().encode(pixels[:, :, ::-1])


class PrivateColours(RawWriter):
    def encode(self, pixels: Pixels) -> bytes:
        return super().encode(pixels[:, :, ::-1])

    def decode(self, data: bytes) -> Pixels:
        return super().decode(data)[:, :, ::-1]


class TurnedSize(RawWriter):
    def size(self, data: bytes) -> Size:
        size = super().size(data)
        return Size(size.height, size.width)


class Lenient(RawWriter):
    def decode(self, data: bytes) -> Pixels:
        try:
            return super().decode(data)
        except CheckError:
            return np.zeros((1, 1, 3), np.uint8)

    def size(self, data: bytes) -> Size:
        try:
            return super().size(data)
        except CheckError:
            return Size(1, 1)


class Crashing(RawWriter):
    def decode(self, data: bytes) -> Pixels:
        return unpacked(data[HEADER.size :], Size(1, 1))

    def size(self, data: bytes) -> Size:
        return Size(*HEADER.unpack_from(data)[1:3])


class Counting(RawWriter):
    count = itertools.count()

    def encode(self, pixels: Pixels) -> bytes:
        return super().encode(pixels) + bytes([next(self.count) % 256])


class Sharing(RawWriter):
    def encode(self, pixels: Pixels) -> bytes:
        self._pixels = pixels
        time.sleep(0.002)
        return super().encode(self._pixels)


class Locked(RawWriter):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()


class Forgetful(LossyWriter):
    def __setstate__(self, state: object) -> None:
        self.encoding = Encoding("raw", "raw", False, 50)


class Altering(RawWriter):
    def encode(self, pixels: Pixels) -> bytes:
        data = super().encode(pixels)
        pixels[0, 0] = 0
        pixels[-1, -1] ^= 255
        return data


class Contiguous(RawWriter):
    def encode(self, pixels: Pixels) -> bytes:
        return super().encode(pixels if pixels.flags.c_contiguous else np.zeros_like(pixels))


class Dotted(RawWriter):
    suffix = ".raw"


class Modest(RawWriter):
    lossless = False


class AnyOptions(OptionalWriter):
    def __init__(self, options: RawOptions) -> None:
        RawWriter.__init__(self)
        self.options = options


class CurtOptions(OptionalWriter):
    def __init__(self, options: RawOptions) -> None:
        if options.tiled and not options.level:
            raise OptionError("raw tiles are always pressed")
        RawWriter.__init__(self)
        self.options = options


class OptionsValueError(OptionalWriter):
    def __init__(self, options: RawOptions) -> None:
        if options.tiled and not options.level:
            raise ValueError(options)
        RawWriter.__init__(self)
        self.options = options


class HalfTheRange(OptionalWriter):
    """Takes more levels than it can do."""

    def __init__(self, options: RawOptions) -> None:
        super().__init__(options)
        self._level = options.level

    def encode(self, pixels: Pixels) -> bytes:
        return super().encode(pixels if self._level else pixels[:1])


class IgnoringItsLevel(OptionalWriter):
    """Always presses as long."""

    def __init__(self, options: RawOptions) -> None:
        super().__init__(replace(options, level=options.level and 5))


class LookingAtAll(OptionalWriter):
    """An option that is said to be without effect has one."""

    def packed(self, data: bytes) -> bytes:
        return super().packed(data if self.options.strict else data + bytes(1))


WRONG: dict[str, list[type[RawWriter]]] = {
    "test_a_round_trip_gives_back_the_pixels": [WrongBack, Reddened],
    "test_another_decoder_sees_the_same_pixels": [PrivateColours, WrongBack],
    "test_the_header_gives_the_size": [TurnedSize],
    "test_damaged_tiles_are_refused": [Lenient, Crashing],
    "test_no_size_is_read_from_what_is_no_tile": [Lenient, Crashing],
    "test_the_same_pixels_give_the_same_bytes": [Counting],
    "test_many_threads_may_share_a_writer": [Sharing],
    "test_a_writer_survives_pickling": [Locked, Forgetful],
    "test_pixels_are_not_altered": [Altering],
    "test_pixels_need_not_be_contiguous": [Contiguous],
    "test_the_suffix_is_a_lower_case_word_without_a_dot": [Dotted],
    "test_lossless_is_what_it_says_and_nothing_else": [Modest],
    "test_every_choice_makes_tiles_that_it_can_read": [HalfTheRange],
    "test_every_option_changes_the_bytes": [IgnoringItsLevel, LookingAtAll],
    "test_wrong_options_are_refused_with_their_value": [AnyOptions, CurtOptions, OptionsValueError],
}
GOOD = [GoodWriter, GoodLossyWriter, GoodUnboundedWriter, GoodWriterWithOptions]


def good(make: type[RawWriter]) -> type[GoodWriter]:
    """The contract that only lacks this fault."""
    if issubclass(make, OptionalWriter):
        return GoodWriterWithOptions
    return GoodUnboundedWriter if issubclass(make, LossyWriter) else GoodWriter


BREAKERS = [
    breaker(
        test,
        good(make),
        make.__name__,
        subtle=make is IgnoringItsLevel,
        plugin=WriterPlugin("raw", "raw pixels", make, good(make).plugin.options),
    )
    for test, makes in WRONG.items()
    for make in makes
]
