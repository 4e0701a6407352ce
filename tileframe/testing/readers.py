"""The contract of readers."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import multiprocessing
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from tileframe import Access, Box, Fit, InputError, ReaderPlugin, Rgb, RowsApart, Size, Source, Sparse
from tileframe.pixels import Pixels
from tileframe.records import Options
from tileframe.selection import HEAD, opened
from tileframe.testing.cases import WIDE, Contract, cut, gradient
from tileframe.testing.choices import choices_of, refused_options
from tileframe.testing.measures import largest_difference, refusal
from tileframe.testing.slides import registry_with
from tileframe.testing.together import together

BOX_SIZES = (Size(1, 1), Size(2, 1), Size(3, 2))
SECONDS = 120
BOXES, ATTEMPTS = 64, 3
R = TypeVar("R")


class ReaderContract(Contract):
    """Asserts what a `Reader` and its `Source` promise.

    State ``plugin`` and the ``suffix`` of its files, and write a slide of known pixels; ``options`` if it is to be
    tested with others than the default ones, and in ``bad_options`` what it refuses. ``make`` is asked for slides of
    ``size`` and of ``long_sizes``. Boxes of a source with `Access.ROWS` are as wide as the slide and follow each other.
    """

    plugin: ReaderPlugin
    suffix: str
    """Of a slide's file name, without a dot."""
    max_error: int = 0
    """By how much a sample may differ from what was written; 0 for a lossless format."""
    size = Size(301, 203)
    long_sizes: Sequence[Size] = (Size(WIDE, 24), Size(24, WIDE))
    """Of slides that are longer than 4,096 pixels; none if no file of the format can be."""
    options: Options = MappingProxyType({})
    bad_options: Sequence[Options] = ()

    def parameters(self) -> Mapping[str, Sequence[object]]:
        """Run tests for every value of an option that is worth a look, and for all that are to be refused."""
        return {"choice": choices_of(self.plugin), "bad": [*self.bad_options, {"no_such_option": 1}]}

    def make(self, path: Path, pixels: Pixels) -> Path:
        """Write RGB8 ``pixels`` as a slide at ``path``, and return its main file."""
        raise NotImplementedError("write a slide of these pixels")

    def picture(self, size: Size) -> Pixels:
        """Return the pixels of a slide; a gradient is hard on lossy formats, which may want another."""
        return gradient(size)

    def test_facts_give_the_size(self, tmp_path: Path) -> None:
        with self._open(tmp_path) as source:
            assert source.facts.size == self.size, f"facts.size is {source.facts.size}, not {self.size}"

    def test_any_box_equals_the_known_pixels(self, tmp_path: Path) -> None:
        known = self.picture(self.size)
        with self._open(tmp_path) as source:
            for box, pixels in self._read(source, [*self._small_boxes(), self._whole()]):
                self._assert_same(pixels, cut(known, box), box)

    def test_a_box_is_exactly_its_own_size(self, tmp_path: Path) -> None:
        with self._open(tmp_path) as source:
            for box, pixels in self._read(source, self._small_boxes()):
                wanted = (box.height, box.width)
                assert pixels.shape[:2] == wanted, f"{box} came as {pixels.shape[:2]}, not {wanted}"

    def test_boxes_touching_each_border_equal_the_known_pixels(self, tmp_path: Path) -> None:
        known = self.picture(self.size)
        with self._open(tmp_path) as source:
            for box, pixels in self._read(source, self._border_boxes()):
                self._assert_same(pixels, cut(known, box), box)

    def test_pixels_are_rgb8(self, tmp_path: Path) -> None:
        with self._open(tmp_path) as source:
            for box, pixels in self._read(source, self._small_boxes()):
                is_rgb8 = pixels.dtype == np.uint8 and pixels.shape[2:] == (3,)
                assert is_rgb8, f"{box} came as {pixels.dtype} {pixels.shape}, not uint8 (height, width, 3)"

    def test_the_array_belongs_to_the_caller(self, tmp_path: Path) -> None:
        with self._open(tmp_path) as source:
            kept = []
            for box, pixels in self._read(source, [*self._small_boxes(), *self._small_boxes()]):
                assert pixels.flags.writeable, f"{box}: the array cannot be written to"
                kept.append((box, pixels, pixels.copy()))
                assert not any(np.shares_memory(pixels, other) for _, other, _ in kept[:-1]), f"{box}: shared memory"
                pixels ^= 255
            for box, pixels, before in kept:
                assert np.array_equal(pixels, before ^ 255), f"{box} was changed by a later read"
                self._assert_same(before, cut(self.picture(self.size), box), box)

    def test_a_closed_slide_cannot_be_read(self, tmp_path: Path) -> None:
        with self._open(tmp_path) as source:
            pass
        refusal(InputError, "a closed slide", lambda: source.read(Box(0, 0, self.size.width, 1)).shape)

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        self._assert_refused(tmp_path / f"missing.{self.suffix}")

    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / f"empty.{self.suffix}"
        path.touch()
        self._assert_refused(path)

    def test_a_directory_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / f"folder.{self.suffix}"
        path.mkdir()
        self._assert_refused(path)

    def test_a_truncated_file_is_refused_with_its_path(self, tmp_path: Path) -> None:
        path = self._slide(tmp_path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        error = refusal(InputError, "half a file", lambda: self._read_whole(path))
        assert str(path) in str(error), f"the message does not name {path}: {error}"
        # The core makes do with any exception; a reader's own says what is wrong.
        refusal(InputError, "half a file, by the reader itself", lambda: self._shapes(self._opened(path)))

    def test_guess_knows_its_own_files(self, tmp_path: Path) -> None:
        path = self._slide(tmp_path)
        fit = self.plugin.guess(path, path.read_bytes()[:HEAD])
        assert fit > Fit.NONE, f"guess() says {fit!r} of {path.name}, a file of its own kind"

    def test_native_levels_begin_with_the_base_and_can_be_read(self, tmp_path: Path) -> None:
        with self._open(tmp_path) as source:
            stored = source.facts.native_levels
            first = stored[0].size if stored else self.size
            assert first == self.size, f"the first native level is {first}, not the base, {self.size}"
            for number, level in enumerate(stored if source.facts.access is Access.REGIONS else ()):
                box = Box(0, 0, level.size.width, level.size.height)
                shape = source.read(box, native_level=number).shape
                assert shape == (box.height, box.width, 3), f"native level {number}, {level.size}, came as {shape}"

    def test_what_it_says_it_does_not_hold_is_background(self, tmp_path: Path) -> None:
        with self._open(tmp_path) as source:
            for box in self._any_boxes(BOXES, seed=2):
                if isinstance(source, Sparse) and not source.holds(box):
                    pixels = source.read(box)
                    apart = largest_difference(pixels, np.full_like(pixels, source.facts.background))
                    assert not apart, f"{box}: holds() says no, and a sample is {apart} from the background"

    def test_beyond_4096_pixels_boxes_equal_the_known_pixels(self, tmp_path: Path) -> None:
        for number, size in enumerate(self.long_sizes):
            (folder := tmp_path / str(number)).mkdir()
            known = self.picture(size)
            with self._opened(self._slide(folder, size)) as source:
                assert source.facts.size == size, f"facts.size is {source.facts.size}, not {size}"
                for box, pixels in self._read(source, _boxes_along(size)):
                    self._assert_same(pixels, cut(known, box), box)

    def test_regions_may_be_read_by_many_threads(self, tmp_path: Path) -> None:
        known, path = self.picture(self.size), self._slide(tmp_path)
        for attempt in range(ATTEMPTS):
            # Anew each time, for what is set up by the first box that is read.
            with self._opened(path) as source:
                if source.facts.access is Access.ROWS:
                    return  # by one thread, that is
                boxes = self._any_boxes(BOXES, seed=attempt)
                for box, pixels in zip(boxes, together(source.read, boxes), strict=True):
                    self._assert_same(pixels, cut(known, box), box, "read by many threads, ")

    def test_rows_that_are_decoded_apart_equal_the_known_pixels(self, tmp_path: Path) -> None:
        def rows(box: Box) -> Pixels:
            assert isinstance(source, RowsApart)
            into = np.empty((box.height, box.width, 3), np.uint8)
            source.rows(box, into)
            return into

        known = self.picture(self.size)
        with self._open(tmp_path) as source:
            if isinstance(source, RowsApart) and source.find_rows():
                boxes = list(_strips(self.size))[::-1]
                for box, pixels in zip(boxes, together(rows, boxes), strict=True):
                    self._assert_same(pixels, cut(known, box), box, "decoded apart, ")

    def test_the_background_that_is_asked_for_is_the_facts(self, tmp_path: Path) -> None:
        asked = Rgb(12, 34, 56)
        with self._opened(self._slide(tmp_path), background=asked) as source:
            found = source.facts.background
            assert found == asked, f"facts.background is {found}, and {asked} was asked for: layouts that pad need it"

    def test_every_choice_opens_the_slide(self, choice: Options, tmp_path: Path) -> None:
        try:
            source = self._opened(self._slide(tmp_path), options=choice)
        except Exception as error:
            raise AssertionError(f"with {dict(choice)}, the slide cannot be opened: {error!r}") from error
        with source:
            assert source.facts.size.area, f"with {dict(choice)}, the slide has no pixels"

    def test_wrong_options_are_refused_with_their_value(self, bad: Options) -> None:
        refused_options(self.plugin, bad, "reader")

    def test_a_new_process_can_open_the_slide(self, tmp_path: Path) -> None:
        path = self._slide(tmp_path)
        try:
            pickle.dumps(self.plugin)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            message = f"make and guess must be functions of a module, or partials of them ({error})"
            raise AssertionError(message) from error
        try:
            pixels = _elsewhere(_first_row, self.plugin, dict(self.options), path)
        except Exception as error:
            raise AssertionError(f"a new process cannot open {path.name}: {error!r}") from error
        self._assert_same(pixels, self.picture(self.size)[:1], Box(0, 0, self.size.width, 1))

    def _slide(self, folder: Path, size: Size | None = None) -> Path:
        return self.make(folder / f"slide.{self.suffix}", self.picture(size or self.size))

    def _open(self, folder: Path) -> Source:
        return self._opened(self._slide(folder))

    def _opened(self, path: Path, *, options: Options | None = None, background: Rgb | None = None) -> Source:
        return _opened(self.plugin, self.options if options is None else options, path, background)

    def _whole(self) -> Box:
        return Box(0, 0, self.size.width, self.size.height)

    def _small_boxes(self) -> list[Box]:
        width, height = self.size.width, self.size.height
        places = ((0, 0), (width // 2 - 1, height // 2 - 1), (width // 3, height - height // 3))
        return [Box(x, y, size.width, size.height) for size in BOX_SIZES for x, y in places]

    def _border_boxes(self) -> list[Box]:
        width, height = self.size.width, self.size.height
        strips = [Box(0, 0, 1, height), Box(width - 2, 0, 2, height), Box(0, 0, width, 3), Box(0, height - 1, width, 1)]
        corners = [Box(x, y, 3, 2) for x in (0, width - 3) for y in (0, height - 2)]
        return strips + corners

    def _read(self, source: Source, boxes: Sequence[Box]) -> Iterator[tuple[Box, Pixels]]:
        """Yield ``boxes`` as read; of a source of rows, strips that cover it from the top down."""
        for box in _strips(source.facts.size) if source.facts.access is Access.ROWS else boxes:
            yield box, source.read(box)

    def _any_boxes(self, count: int, *, seed: int) -> list[Box]:
        """Return boxes of many sizes, anywhere on the slide; mostly small ones, which readers are quick to mix up."""
        chance, found = Random(seed), list[Box]()
        for _ in range(count):
            width, height = chance.randint(1, min(40, self.size.width)), chance.randint(1, min(12, self.size.height))
            x, y = chance.randint(0, self.size.width - width), chance.randint(0, self.size.height - height)
            found.append(Box(x, y, width, height))
        return found

    def _assert_same(self, pixels: Pixels, known: Pixels, box: Box, how: str = "") -> None:
        worst = largest_difference(pixels, known)
        assert worst <= self.max_error, f"{how}{box}: a sample differs by {worst} from what was written"

    def _assert_refused(self, path: Path) -> None:
        error = refusal(InputError, path.name, lambda: self._read_whole(path))
        assert str(path) in str(error), f"the message does not name {path}: {error}"
        # The core looks before it asks a reader, which meets such a path only if that changes meanwhile.
        try:
            self._opened(path).close()
        except (InputError, OSError):
            return
        except Exception as error:
            raise AssertionError(f"{path.name}: the reader is to refuse it with InputError, not {error!r}") from error
        raise AssertionError(f"{path.name}: the reader opened it")

    def _read_whole(self, path: Path) -> list[tuple[int, ...]]:
        """Read all of ``path`` as tileframe does, and return the shapes of what came."""
        registry, name = registry_with(self.plugin), self.plugin.name
        return self._shapes(next(opened(path, registry, reader=name, options=self.options))[1])

    def _shapes(self, source: Source) -> list[tuple[int, ...]]:
        with source:
            return [pixels.shape for _, pixels in self._read(source, [self._whole()])]


def _opened(plugin: ReaderPlugin, options: Options, path: Path, background: Rgb | None = None) -> Source:
    return plugin.create(options=plugin.resolved(options, "reader")).open(path, background=background)


def _first_row(plugin: ReaderPlugin, options: Options, path: Path) -> Pixels:
    with _opened(plugin, options, path) as source:
        return source.read(Box(0, 0, source.facts.size.width, 1))


def _strips(size: Size) -> Iterator[Box]:
    """Yield full-width boxes that cover a slide from the top down, one row first, then ever higher ones."""
    y, rows = 0, 1
    while y < size.height:
        height = min(rows, size.height - y)
        yield Box(0, y, size.width, height)
        y, rows = y + height, rows + 1


def _boxes_along(size: Size) -> list[Box]:
    """Return the whole of a long slide, and pieces of it on both sides of every 1,024th pixel, up to its end."""
    found = [Box(0, 0, size.width, size.height)]
    for at in (*range(1024, max(size.width, size.height) - 8, 1024), max(size.width, size.height) - 8):
        if size.width > size.height:
            found += [Box(at - 2, 1, 5, 7), Box(at + 3, 0, 4, size.height)]
        else:
            found += [Box(1, at - 2, 7, 5), Box(0, at + 3, size.width, 4)]
    return found


def _elsewhere(function: Callable[..., R], *arguments: object) -> R:
    """Return what ``function`` does in another process, which finds modules where this one does."""
    call = pickle.dumps((function, arguments))
    try:
        found: R = _process().submit(_called, list(sys.path), call).result(SECONDS)
    except BrokenExecutor:
        _process.cache_clear()
        raise
    return found


def _called(path: list[str], call: bytes) -> Any:
    sys.path[:] = path
    function, arguments = pickle.loads(call)
    return function(*arguments)


@cache
def _process() -> ProcessPoolExecutor:
    """Return one process for all readers: starting it takes longer than everything else."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
