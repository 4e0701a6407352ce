"""The contract of layouts."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath, PureWindowsPath
from random import Random
from types import MappingProxyType

from tileframe import CheckError, Layout, LayoutPlugin, OptionError, Pyramid, Size, TileAddress, tiles_of
from tileframe.records import Options
from tileframe.testing.cases import CASES, Case, Contract
from tileframe.testing.measures import for_each, refusal

FOREIGN = ("notes.txt", "slide.svs", "0/notes.txt", "deep/er/slide.svs", "photo.jpg", "IMG_0001.JPG", ".DS_Store", "7")
HUGE = Size(20_000_003, 17_000_001)
"""Its tiles are more than 32 bits can count, its columns and rows more than 16 bits."""
NO_DESCRIPTORS = (b"", b"\xff\xfe\x00", b"{}", b"[]", b"<made/>", b"text")
SOME = tuple(case for case in CASES if case.size.area < 70_000 and not case.bounds)


class LayoutContract(Contract):
    """Asserts what a `LayoutPlugin` and its `Layout` promise. State the plugin; the suffix is one that it can name."""

    plugin: LayoutPlugin
    options: Options = MappingProxyType({})
    """What the layout is made with, by name."""
    cases: Sequence[Case] = SOME
    """Every tiling, and the edges of the sizes; without overlap where the layout can have none."""
    name = "made"
    suffix = "png"

    def laid_out(self, pyramid: Pyramid, name: str | None = None) -> Layout:
        """Return the layout of ``pyramid``."""
        options = self.plugin.resolved(self.options, "layout")
        return self.plugin.create(self.name if name is None else name, self.suffix, pyramid, options=options)

    def _cases(self) -> list[Case]:
        if self.plugin.overlap:
            return list(self.cases)
        return list(dict.fromkeys(replace(case, overlap=0) for case in self.cases))

    def test_defaults_make_a_pyramid(self) -> None:
        try:
            self.laid_out(Pyramid(Size(1000, 700), self.plugin.tile_size, self.plugin.overlap))
        except OptionError as error:
            raise AssertionError(f"the tile size and overlap that the plugin takes by default: {error}") from error

    def test_overlap_is_refused_where_there_can_be_none(self) -> None:
        if self.plugin.overlap:
            return
        with_overlap = Pyramid(Size(1000, 700), 256, 1)
        refusal(OptionError, "a pyramid with overlap, as the plugin's is 0", lambda: self.laid_out(with_overlap))

    def test_levels_reach_down_to_the_base(self) -> None:
        def look(case: Case) -> None:
            levels, count = self.laid_out(case.pyramid).levels, case.pyramid.level_count
            right = levels.step == 1 and 0 <= levels.start < levels.stop == count
            assert right, f"{case}: {levels} does not end with the base, {count - 1}"

        for_each(self._cases(), look)

    def test_keys_are_unique(self) -> None:
        def look(case: Case) -> None:
            keys = list(_everything(self.laid_out(case.pyramid), case.pyramid))
            # As Windows and macOS see them.
            twice = len(keys) - len({key.casefold() for key in keys})
            assert not twice, f"{case}: {twice} of {len(keys)} keys are taken twice"

        for_each(self._cases(), look)

    def test_a_key_gives_back_its_tile(self) -> None:
        def look(case: Case) -> None:
            layout = self.laid_out(case.pyramid)
            for tile in tiles_of(layout, case.pyramid):
                found = layout.address(layout.key(tile))
                assert found == tile, f"{case}: {layout.key(tile)} is the key of {tile}, and reads as {found}"

        for_each(self._cases(), look)

    def test_what_is_no_key_has_no_address(self) -> None:
        def look(case: Case) -> None:
            layout = self.laid_out(case.pyramid)
            others = [*layout.extras, *layout.descriptor(), *(f"{layout.folder}/{name}" for name in FOREIGN)]
            for tile in tiles_of(layout, case.pyramid):
                others += _almost(layout.key(tile))
            for key in others:
                found = layout.address(key)
                right = found is None or (_is_kept(layout, case.pyramid, found) and layout.key(found) == key)
                assert right, f"{case}: {key} is no key, and reads as {found}"

        for_each(self._cases(), look)

    def test_extras_are_copies_of_tiles_that_are_kept(self) -> None:
        def look(case: Case) -> None:
            layout = self.laid_out(case.pyramid)
            for key, tile in layout.extras.items():
                assert _is_kept(layout, case.pyramid, tile), (
                    f"{case}: {key} is to be a copy of {tile}, which is not kept"
                )
                assert layout.address(key) is None, f"{case}: {key} is an extra, and has an address of its own"

        for_each(self._cases(), look)

    def test_all_tiles_are_below_the_folder(self) -> None:
        def look(case: Case) -> None:
            layout = self.laid_out(case.pyramid)
            for key in (*map(layout.key, tiles_of(layout, case.pyramid)), *layout.extras):
                assert key.startswith(f"{layout.folder}/"), f"{case}: the tile {key} is not below {layout.folder}/"

        for_each(self._cases(), look)

    def test_its_files_are_its_own_for_any_size_and_format(self) -> None:
        def look(case: Case) -> None:
            layout = self.laid_out(case.pyramid)
            one_pixel = self.laid_out(Pyramid(Size(1, 1), self.plugin.tile_size, 0))
            for key in _everything(layout, case.pyramid):
                if key.startswith(f"{layout.folder}/"):
                    assert layout.owns(key), f"{case}: owns() does not know its own {key}"
                    assert one_pixel.owns(key), f"{case}: owns() knows {key} in a pyramid of this size alone"
            for key in map(layout.key, tiles_of(layout, case.pyramid)):
                other = re.sub(rf"\.{self.suffix}$", ".tif", key)
                assert layout.owns(other), f"{case}: owns() does not know {other}, a tile of another format"

        for_each(self._cases(), look)

    def test_nobody_elses_file_is_its_own(self) -> None:
        pyramid = Pyramid(Size(600, 500), self.plugin.tile_size, 0)
        layout = self.laid_out(pyramid)
        others = [key for name in FOREIGN for key in (f"{layout.folder}/{name}", name, f"{layout.folder}.{name}")]
        for key in map(layout.key, tiles_of(layout, pyramid)):
            others += _beside(key)
        for key in others:
            assert not layout.owns(key), f"owns() takes {key} for a file of a pyramid"

    def test_keys_of_a_huge_pyramid_give_back_their_tiles(self) -> None:
        pyramid = Pyramid(HUGE, self.plugin.tile_size, 0)
        layout = self.laid_out(pyramid)
        tiles = _some_of(layout, pyramid)
        keys = {tile: layout.key(tile) for tile in tiles}
        for tile, key in keys.items():
            found = layout.address(key)
            assert found == tile, f"in a pyramid of {HUGE}, {key} is the key of {tile}, and reads as {found}"
            assert layout.owns(key), f"in a pyramid of {HUGE}, owns() does not know its own {key}"
        twice = len(keys) - len({key.casefold() for key in keys.values()})
        assert not twice, f"in a pyramid of {HUGE}, {twice} of {len(keys)} keys are taken twice"

    def test_the_descriptor_gives_back_the_pyramid(self) -> None:
        def look(case: Case) -> None:
            layout, plugin = self.laid_out(case.pyramid), self.plugin
            assert bool(plugin.descriptor) == (plugin.read is not None), (
                "a plugin has both descriptor and read, or neither"
            )
            if plugin.read is None:
                return
            key = plugin.descriptor.format(name=self.name)
            files = layout.descriptor()
            assert key in files, f"{case}: the descriptor {key} is not among {sorted(files)}"
            pyramid, suffix = plugin.read(files[key])
            assert pyramid == case.pyramid, f"{case}: the descriptor says {pyramid}"
            again = plugin.create(self.name, suffix, pyramid, options=plugin.resolved(self.options, "layout"))
            base = TileAddress(pyramid.base_level, 0, 0)
            assert again.key(base) == layout.key(base), f"{case}: the descriptor says that tiles end in .{suffix}"

        for_each(self._cases(), look)

    def test_what_is_no_descriptor_is_refused(self) -> None:
        if self.plugin.read is None:
            return
        layout = self.laid_out(Pyramid(Size(300, 200), self.plugin.tile_size, self.plugin.overlap))
        whole = layout.descriptor()[self.plugin.descriptor.format(name=self.name)]
        for wrong in (*NO_DESCRIPTORS, whole[: len(whole) // 2]):
            refusal(CheckError, f"as a descriptor, {wrong!r}", partial(self.plugin.read, wrong))

    def test_no_key_leaves_the_target(self) -> None:
        def look(case: Case) -> None:
            for name in (self.name, "a b.ü %20{0}"):
                layout = self.laid_out(case.pyramid, name)
                for key in (layout.folder, *_everything(layout, case.pyramid)):
                    path = PurePosixPath(key)
                    clean = str(path) == key and not path.is_absolute() and ".." not in path.parts
                    assert clean, f"{case}: {key!r} is no clean path below the target"
                    foreign = "\\" in key or PureWindowsPath(key).drive
                    assert not foreign, f"{case}: {key!r} is a path elsewhere on Windows"

        for_each(self._cases(), look)

    def test_two_pyramids_in_one_folder_share_no_key(self) -> None:
        def look(case: Case) -> None:
            for names in (("one", "two"), ("one", "one.two")):
                layouts = [self.laid_out(case.pyramid, name) for name in names]
                first, second = (set(_everything(layout, case.pyramid)) for layout in layouts)
                shared = sorted(first & second)
                assert not shared, f"{case}: pyramids named '{names[0]}' and '{names[1]}' share {shared[:3]}"

        for_each(self._cases(), look)


def _everything(layout: Layout, pyramid: Pyramid) -> Iterator[str]:
    """Yield every key of the pyramid's own files."""
    yield from map(layout.key, tiles_of(layout, pyramid))
    yield from layout.extras
    yield from layout.descriptor()


def _is_kept(layout: Layout, pyramid: Pyramid, tile: TileAddress) -> bool:
    return tile.level in layout.levels and pyramid.has(tile)


def _almost(key: str) -> list[str]:
    """Return what differs a little from ``key``: another end, another folder, another number, or other digits."""
    numbers = list(re.finditer(r"\d+", key))
    changed = [
        f"{key[: found.start()]}{sign}{key[found.start() :]}" for found in numbers for sign in ("0", "+", "9", " ")
    ]
    # Python's int() takes these for the same number.
    changed += [f"{key[: found.end()]}_0{key[found.end() :]}" for found in numbers]
    changed += [f"{key[: found.start()]}{chr(0x660 + int(found[0][0]))}{key[found.start() + 1 :]}" for found in numbers]
    stem, _, suffix = key.rpartition(".")
    ends = [
        f"{key}x",
        f"{key}/",
        f"{key}\n",
        f"{key}.{suffix}",
        stem,
        f"{stem}.",
        f"{stem}.other",
        f"{stem}.{suffix}.bak",
    ]
    return [*ends, f"x/{key}", f"x{key}", f"/{key}", f"./{key}", key.replace("/", "\\"), key.upper(), *changed]


def _beside(key: str) -> list[str]:
    """Return what a user may have put beside the file ``key``, or made of it."""
    folder, _, name = key.rpartition("/")
    stem, _, suffix = name.rpartition(".")
    names = [
        f"{stem} (copy).{suffix}",
        f"copy of {name}",
        f"{name}.bak",
        f"{name}~",
        f".{name}",
        f"{stem}_old.{suffix}",
    ]
    return [*(f"{folder}/{other}" for other in (*names, *FOREIGN)), f"{folder}/mine/{name}"]


def _some_of(layout: Layout, pyramid: Pyramid) -> list[TileAddress]:
    """Return tiles of every level: its corners, some that are easily mixed up, and some anywhere."""
    chance, found = Random(1), dict[TileAddress, None]()
    for level in layout.levels:
        grid = pyramid.grid(level)
        ends = {(col, row) for col in (0, grid.width - 1) for row in (0, grid.height - 1)}
        alike = {(1, 11), (11, 1), (12, 3), (1, 23), (123, 0), (1000, 100), (100, 1000), (65_536, 0), (0, 65_536)}
        anywhere = {(chance.randrange(grid.width), chance.randrange(grid.height)) for _ in range(40)}
        for col, row in sorted(ends | alike | anywhere):
            if pyramid.has(tile := TileAddress(level, col, row)):
                found[tile] = None
    return list(found)
