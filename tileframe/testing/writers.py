"""The contract of tile formats."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import dataclasses
import pickle
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType

import numpy as np

from tileframe import CheckError, FindsDamage, OptionError, Size, Writer, WriterPlugin
from tileframe.pixels import Pixels
from tileframe.records import Options, OptionValue
from tileframe.testing.cases import Contract, gradient, smooth
from tileframe.testing.choices import choices_of, options_of, refused_options, values_of
from tileframe.testing.measures import for_each, largest_difference, mean_difference, refusal

SHAPES = (Size(1, 1), Size(1, 17), Size(17, 1), Size(254, 254), Size(256, 200))
LARGE, SMALL = Size(256, 200), Size(100, 80)
# On a smooth picture; wrong colours or a turned tile give five times as much and more.
MEAN_ERROR = 8.0
# Decoders of one lossy format round differently.
BETWEEN_DECODERS = 4
DAMAGES = ("no bytes", "mere text", "half its bytes", "no last byte", "its end put on half of it", "no head")


class WriterContract(Contract):
    """Asserts what a `Writer` promises.

    State ``plugin``, and ``max_error``: by how much a sample may differ after a round trip, 0 for a
    lossless format, None for a lossy one without a bound. Decode with another library than the writer's. ``options``
    are those that it is tested with, and ``bad_options`` what it refuses, such as ``{"quality": 0}``. Every option must
    change the bytes of some tile, from one end of its range to the other, or be named in ``without_effect``.
    """

    plugin: WriterPlugin
    max_error: int | None = 0
    options: Options = MappingProxyType({})
    """What the user would give, by name."""
    bad_options: Sequence[Options] = ()
    without_effect: Collection[str] = ()
    """Options that change no byte of a tile, with `options`: of decoding, say, or of another mode."""

    def decode(self, data: bytes) -> Pixels:
        """Return the RGB8 pixels of ``data``, by a decoder of the author's choice."""
        raise NotImplementedError("decode tiles with another library than the writer's own")

    def writer(self, options: Options | None = None) -> Writer:
        """Return a new writer, with `options` unless others are given."""
        resolved = self.plugin.resolved(self.options if options is None else options, "format")
        return self.plugin.create(options=resolved)

    def picture(self, size: Size) -> Pixels:
        """Return the pixels of a tile."""
        return gradient(size) if self.max_error == 0 else smooth(size)

    def test_a_round_trip_gives_back_the_pixels(self) -> None:
        writer = self.writer()

        def look(shape: Size) -> None:
            pixels = self.picture(shape)
            self._assert_same(writer.decode(writer.encode(pixels)), pixels, f"{shape} after a round trip")

        for_each(SHAPES, look)

    def test_another_decoder_sees_the_same_pixels(self) -> None:
        writer = self.writer()

        def look(shape: Size) -> None:
            pixels = self.picture(shape)
            data = writer.encode(pixels)
            seen, own = self.decode(data), writer.decode(data)
            self._assert_same(seen, pixels, f"{shape} to another decoder")
            apart, most = largest_difference(seen, own), 0 if self.max_error == 0 else BETWEEN_DECODERS
            assert apart <= most, f"{shape}: the writer's own decoder differs from another by {apart}"

        for_each(SHAPES, look)

    def test_the_header_gives_the_size(self) -> None:
        writer = self.writer()

        def look(shape: Size) -> None:
            size = writer.size(writer.encode(self.picture(shape)))
            assert size == shape, f"size() says {size} of a tile of {shape}"

        for_each(SHAPES, look)

    def test_damaged_tiles_are_refused(self) -> None:
        writer = self.writer()
        whole = writer.encode(self.picture(LARGE))

        def look(damage: str) -> None:
            data = damaged(whole, damage)
            refusal(CheckError, f"a tile with {damage}", lambda: writer.decode(data).shape)
            if isinstance(writer, FindsDamage):
                refusal(CheckError, f"a tile with {damage}", lambda: writer.refuse_damaged(data))

        for_each(DAMAGES, look)
        if isinstance(writer, FindsDamage):
            for_each(SHAPES, lambda shape: writer.refuse_damaged(writer.encode(self.picture(shape))))

    def test_no_size_is_read_from_what_is_no_tile(self) -> None:
        for data in (b"", b"hello, world"):
            refusal(CheckError, f"the size of {data!r}", partial(self.writer().size, data))

    def test_the_same_pixels_give_the_same_bytes(self) -> None:
        pixels, writer = self.picture(LARGE), self.writer()
        data = {writer.encode(pixels), writer.encode(pixels.copy()), self.writer().encode(pixels)}
        assert len(data) == 1, "encoding the same pixels again gave other bytes"

    def test_many_threads_may_share_a_writer(self) -> None:
        writer = self.writer()
        tiles = [self.picture(Size(40 + n, 30)) for n in range(16)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(writer.encode, tiles))
        assert together == [writer.encode(tile) for tile in tiles], "tiles encoded at once differ from those made alone"

    def test_a_writer_survives_pickling(self) -> None:
        writer, pixels = self.writer(), self.picture(LARGE)
        try:
            copy = pickle.loads(pickle.dumps(writer))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise AssertionError(f"a writer goes to other processes, and cannot be pickled ({error})") from error
        assert copy.encoding == writer.encoding, "a pickled writer has another encoding"
        assert copy.encode(pixels) == writer.encode(pixels), "a pickled writer makes other bytes"

    def test_pixels_are_not_altered(self) -> None:
        pixels = self.picture(LARGE)
        self.writer().encode(pixels)
        assert np.array_equal(pixels, self.picture(LARGE)), "encode() changed the pixels it was given"

    def test_pixels_need_not_be_contiguous(self) -> None:
        writer, large = self.writer(), self.picture(LARGE)
        for part in (large[10:110, 33:133], large.transpose(1, 0, 2), large[::2, ::2], large[:1:4, :1:4]):
            assert writer.encode(part) == writer.encode(part.copy()), f"strides {part.strides} gave another tile"

    def test_the_suffix_is_a_lower_case_word_without_a_dot(self) -> None:
        suffix = self.writer().encoding.suffix
        assert re.fullmatch("[a-z0-9]+", suffix), f"the suffix is {suffix!r}"

    def test_lossless_is_what_it_says_and_nothing_else(self) -> None:
        lossless = self.writer().encoding.lossless
        assert lossless == (self.max_error == 0), (
            f"the encoding says lossless={lossless}, the contract {self.max_error}"
        )

    def test_every_choice_makes_tiles_that_it_can_read(self) -> None:
        pixels = self.picture(LARGE)

        def look(choice: Options) -> None:
            writer = self.writer(choice)
            seen = writer.decode(writer.encode(pixels))
            assert seen.shape == pixels.shape, f"with {dict(choice)}, a tile came back as {seen.shape}"

        for_each(choices_of(self.plugin), look)

    def test_every_option_changes_the_bytes(self) -> None:
        names = [field.name for field in dataclasses.fields(options_of(self.plugin))]
        unknown = sorted(set(self.without_effect) - set(names))
        assert not unknown, f"without_effect names {unknown}, and the options are {names}"

        def look(name: str) -> None:
            made = self._tiles_by_value(name)
            tried = " and ".join(map(repr, made)) or "no value"
            if name in self.without_effect:
                assert len(set(made.values())) < 2, f"{name} changes the bytes; take it out of without_effect"
                return
            assert len(made) > 1, f"{name}: only {tried} can be tried; declare its range, or name it in without_effect"
            same = f"{name}: {tried} give the same bytes; look at it, or name it in without_effect"
            assert len(set(made.values())) > 1, same

        for_each(names, look)

    def test_wrong_options_are_refused_with_their_value(self) -> None:
        bad: list[Options] = [*self.bad_options, {"no_such_option": 1}]
        for_each(bad, lambda options: refused_options(self.plugin, options, "format"))

    def _tiles_by_value(self, name: str) -> dict[OptionValue, tuple[bytes, ...]]:
        """Return two tiles for each value of an option that can be tried together with `options`.

        They are small, for some codecs take a hundred times as long at one end of a range.
        """
        found = {}
        for value in values_of(self.plugin, name):
            try:
                writer = self.writer({**self.options, name: value})
            except OptionError:
                continue  # not with the others
            found[value] = tuple(writer.encode(picture(SMALL)) for picture in (smooth, gradient))
        return found

    def _assert_same(self, seen: Pixels, pixels: Pixels, what: str) -> None:
        assert seen.dtype == np.uint8, f"{what}: the samples are {seen.dtype}, not uint8"
        worst, mean = largest_difference(seen, pixels), mean_difference(seen, pixels)
        if self.max_error is None:
            assert mean <= MEAN_ERROR, f"{what}: samples differ by {mean:.1f} on average, more than {MEAN_ERROR}"
        else:
            assert worst <= self.max_error, f"{what}: a sample differs by {worst}, more than {self.max_error}"


def damaged(data: bytes, damage: str) -> bytes:
    """Return ``data`` damaged in one of the ways of `DAMAGES`."""
    half = data[: len(data) // 2]
    return {
        "no bytes": b"",
        "mere text": b"hello, world",
        "half its bytes": half,
        "no last byte": data[:-1],
        "its end put on half of it": half + data[-12:],
        "no head": bytes(16) + data[16:],
    }[damage]
