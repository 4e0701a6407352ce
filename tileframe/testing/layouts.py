"""The contract of layouts."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import PurePosixPath, PureWindowsPath

from tileframe import Layout, Pyramid, TileAddress
from tileframe.testing.cases import CASES, Case, Contract


class LayoutContract(Contract):
    """Asserts what a `Layout` promises.

    Make the layout, and read back what it wrote in a way of your own: a tile from its key, a pyramid
    from its descriptor.
    """

    cases: Sequence[Case] = CASES[::4]
    """Every tiling, and most of the sizes."""
    name = "made"
    suffix = "png"

    def make(self, name: str, suffix: str) -> Layout:
        """Return the layout of the pyramid ``name``, whose tiles end in ``suffix``."""
        raise NotImplementedError("return your layout")

    def address(self, key: str) -> TileAddress:
        """Return the tile that ``key`` is of."""
        raise NotImplementedError("return the tile that the key is of")

    def describe(self, files: Mapping[str, bytes]) -> tuple[Pyramid, str]:
        """Return the pyramid that the files of a descriptor describe, and its tiles' suffix."""
        raise NotImplementedError("parse your descriptor")

    def parameters(self) -> Mapping[str, Sequence[object]]:
        """Run tests for every case."""
        return {"case": self.cases}

    def test_keys_are_unique(self, case: Case) -> None:
        keys = [key for key, _ in self._layout().keys(case.pyramid)]
        # As Windows and macOS see them.
        twice = len(keys) - len({key.casefold() for key in keys})
        assert not twice, f"{case}: {twice} of {len(keys)} keys are taken twice"

    def test_keys_are_those_of_every_tile(self, case: Case) -> None:
        layout = self._layout()
        listed = {key for key, _ in layout.keys(case.pyramid)}
        single = {layout.key(tile) for tile in _tiles(case.pyramid)}
        odd = sorted(listed ^ single)
        assert not odd, f"{case}: keys() and key() disagree on {odd[:3]}"

    def test_keys_come_with_the_sizes_of_the_tiles(self, case: Case) -> None:
        layout, sizes = self._layout(), {}
        for tile in _tiles(case.pyramid):
            sizes[layout.key(tile)] = case.pyramid.tile_box(tile).size
        for key, size in layout.keys(case.pyramid):
            assert size == sizes.get(key, size), f"{case}: {key} is said to be {size}, and is {sizes[key]}"

    def test_a_key_gives_back_its_tile(self, case: Case) -> None:
        layout = self._layout()
        for tile in _tiles(case.pyramid):
            found = self.address(layout.key(tile))
            assert found == tile, f"{case}: {layout.key(tile)} is the key of {tile}, and reads as {found}"

    def test_the_descriptor_gives_back_the_pyramid(self, case: Case) -> None:
        found = self.describe(self._layout().descriptor(case.pyramid))
        assert found == (case.pyramid, self.suffix), f"{case}: the descriptor says {found}"

    def test_no_key_leaves_the_target(self, case: Case) -> None:
        layout = self._layout()
        for key in chain((key for key, _ in layout.keys(case.pyramid)), layout.descriptor(case.pyramid)):
            path = PurePosixPath(key)
            clean = str(path) == key and not path.is_absolute() and ".." not in path.parts
            assert clean, f"{case}: {key!r} is no clean path below the target"
            foreign = "\\" in key or PureWindowsPath(key).drive
            assert not foreign, f"{case}: {key!r} is a path elsewhere on Windows"

    def test_all_tiles_are_below_the_folder_and_no_descriptor_is(self, case: Case) -> None:
        layout = self._layout()
        inside = f"{layout.folder}/"
        for key, _ in layout.keys(case.pyramid):
            assert key.startswith(inside), f"{case}: the tile {key} is not below {inside}"
        for key in layout.descriptor(case.pyramid):
            assert not key.startswith(inside), f"{case}: the descriptor {key} is below {inside}, among the tiles"

    def test_two_pyramids_in_one_folder_share_no_key(self, case: Case) -> None:
        names = ("one", "two")
        first, second = (self._everything(self.make(name, self.suffix), case.pyramid) for name in names)
        shared = sorted(first & second)
        assert not shared, f"{case}: pyramids named 'one' and 'two' share {shared[:3]}"

    def _layout(self) -> Layout:
        return self.make(self.name, self.suffix)

    def _everything(self, layout: Layout, pyramid: Pyramid) -> set[str]:
        return {key for key, _ in layout.keys(pyramid)} | set(layout.descriptor(pyramid))


def _tiles(pyramid: Pyramid) -> Iterator[TileAddress]:
    return chain.from_iterable(pyramid.tiles(level) for level in range(pyramid.level_count))
