"""One check that finds every fault of a lossless pyramid, and what can be wrong with a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from tests.contracts.calling import breaker
from tileframe import (
    CheckError,
    CheckPlugin,
    Finding,
    InputError,
    Progress,
    Severity,
    Size,
    StoredPyramid,
    TileAddress,
    tiles_of,
)
from tileframe.pixels import Pixels
from tileframe.testing import Case, CheckContract


class Careful:
    """Keys, sizes, and whether neighbours agree over their overlap; for small pyramids, all of them at once."""

    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        geometry, tiles, done = pyramid.pyramid, {}, 0
        for tile in self.tiles(pyramid):
            key = pyramid.layout.key(tile)
            done += 1
            progress(done, 0)
            try:
                tiles[tile] = self.decode(pyramid, tile)
            except (CheckError, KeyError, InputError) as error:
                yield self.finding(key, f"cannot be decoded: {error!r}")
                continue
            wanted, size = geometry.tile_box(tile).size, Size(tiles[tile].shape[1], tiles[tile].shape[0])
            if size != wanted:
                yield self.finding(key, f"is {size}, not {wanted}")
                del tiles[tile]
        own = {*map(pyramid.layout.key, tiles_of(pyramid.layout, geometry)), *pyramid.layout.extras}
        for key in set(pyramid.files.keys(pyramid.layout.folder)) - own - {*pyramid.layout.descriptor()}:
            yield self.finding(key, "no such tile belongs to the pyramid")
        yield from self.disagreements(pyramid, tiles)

    def tiles(self, pyramid: StoredPyramid) -> Iterable[TileAddress]:
        return tiles_of(pyramid.layout, pyramid.pyramid)

    def decode(self, pyramid: StoredPyramid, tile: TileAddress) -> Pixels:
        return pyramid.decode(tile)

    def disagreements(self, pyramid: StoredPyramid, tiles: dict[TileAddress, Pixels]) -> Iterator[Finding]:
        overlap, side = pyramid.pyramid.overlap, pyramid.pyramid.tile_size
        for tile, pixels in tiles.items():
            other = tiles.get(tile._replace(col=tile.col + 1))
            if other is None or not overlap:
                continue
            start = side - (0 if tile.col else overlap)
            shared = min(2 * overlap, pixels.shape[1] - start)
            if not np.array_equal(pixels[:, start : start + shared], other[:, :shared]):
                for one in (tile, tile._replace(col=tile.col + 1)):
                    yield self.finding(pyramid.layout.key(one), "differs from its neighbour where they overlap")

    def finding(self, key: str, message: str) -> Finding:
        return Finding(key, "careful", Severity.ERROR, message)


class GoodCheck(CheckContract):
    plugin = CheckPlugin("careful", "all of it", Careful)
    cases = (Case(Size(1, 1)), Case(Size(130, 97), 32, 2), Case(Size(130, 97), 64, 0))


class Blind(Careful):
    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        return ()


class Suspicious(Careful):
    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        yield self.finding(pyramid.layout.key(TileAddress(0, 0, 0)), "looks odd")


class OfDeepZoomAlone(Careful):
    def tiles(self, pyramid: StoredPyramid) -> Iterable[TileAddress]:
        return (tile for level in range(pyramid.pyramid.level_count) for tile in pyramid.pyramid.tiles(level))


class Jealous(Careful):
    """Minds pyramids of other tools."""

    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        if pyramid.manifest is None:
            yield self.finding(pyramid.descriptor_key, "has no manifest")


class Vague(Careful):
    def finding(self, key: str, message: str) -> Finding:
        return super().finding("made.dzi", message)


class MereNotes(Careful):
    def finding(self, key: str, message: str) -> Finding:
        return replace(super().finding(key, message), severity=Severity.NOTE)


class Brittle(Careful):
    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        for level in range(pyramid.pyramid.level_count):
            for tile in pyramid.pyramid.tiles(level):
                pyramid.decode(tile)
        return super().__call__(pyramid, progress)


class Misattributing(Careful):
    def finding(self, key: str, message: str) -> Finding:
        return replace(super().finding(key, message), check="other")


class Wordless(Careful):
    def finding(self, key: str, message: str) -> Finding:
        return super().finding(key, "")


class Wordy(Careful):
    def finding(self, key: str, message: str) -> Finding:
        return super().finding(key, f"{message}\nThat is bad.")


class Absolute(Careful):
    def finding(self, key: str, message: str) -> Finding:
        return super().finding(f"/somewhere/{key}", message)


class Repeating(Careful):
    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        for _ in range(pyramid.workers):
            yield from super().__call__(pyramid, progress)


class Backwards(Careful):
    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        yield from super().__call__(pyramid, progress)
        progress(0, 0)


WRONG: dict[str, list[type[Careful]]] = {
    "test_a_good_pyramid_gives_no_finding": [Suspicious],
    "test_a_good_pyramid_of_any_layout_gives_no_finding": [OfDeepZoomAlone],
    "test_a_good_pyramid_of_another_tool_gives_no_finding": [Jealous],
    "test_a_planted_fault_is_found_and_named": [Blind, Vague, MereNotes],
    "test_damage_is_a_finding_and_never_an_exception": [Brittle],
    "test_findings_carry_the_name_of_the_check": [Misattributing],
    "test_findings_say_in_a_line_what_is_wrong": [Wordless, Wordy],
    "test_findings_name_files_from_the_descriptors_folder_on": [Absolute],
    "test_one_worker_and_many_say_the_same": [Repeating],
    "test_progress_never_goes_back": [Backwards],
}
GOOD = [GoodCheck]
BREAKERS = [
    breaker(test, GoodCheck, make.__name__, plugin=CheckPlugin("careful", "all of it", make))
    for test, makes in WRONG.items()
    for make in makes
]
