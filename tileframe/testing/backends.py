"""The contract of backends."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, ClassVar
from unittest.mock import patch

from tileframe import (
    Access,
    BackendPlugin,
    Box,
    InputError,
    Size,
    TileAddress,
    TileframeError,
    journal,
    stored_size,
    tiles_of,
)
from tileframe.absent import may_be_absent
from tileframe.pixels import Pixels
from tileframe.records import Options
from tileframe.testing.cases import CASES, Case, Contract
from tileframe.testing.making import Made, Workbench, files_in
from tileframe.testing.measures import disagreement, for_each, largest_difference, psnr
from tileframe.testing.slides import installed

CROPPED = Case(Size(508, 509), bounds=Box(33, 18, 401, 307))
SEVERAL = Case(Size(260, 390), 100, 2)
INSIDE = (150, 200)
"""A pixel in the middle of `SEVERAL`."""


class Cancel(KeyboardInterrupt):
    """What a user who stops a run looks like to a backend."""


class BackendContract(Contract):
    """Asserts what a `Backend` promises, case by case.

    State ``plugin``; the ``format`` of the tiles and the ``layout``, which must be installed; a ``decode`` by another
    library than the backend's; and ``floor``, if there are slides for which it promises less than
    `Equality.PIXELS`. A backend may work in other processes: `tileframe.open_job` opens the contract's slides there,
    with no registry given, if they were started within the run.
    """

    plugin: BackendPlugin
    format = "png"
    format_options: Options = MappingProxyType({})
    layout = "dzi"
    """In one that can have no overlap, all cases are without."""
    floor: float | None = None
    """The least PSNR, in dB, of any level below the base that it does not promise to be the contract's."""
    cases: Sequence[Case] = CASES
    _kept: ClassVar[dict[Case, Made]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._kept = {}

    def decode(self, data: bytes) -> Pixels:
        """Return the RGB8 pixels of a tile, by a decoder of the author's choice."""
        raise NotImplementedError("decode tiles with another library than the backend's own")

    def test_the_keys_are_exactly_those_of_the_layout(self) -> None:
        def look(made: Made) -> None:
            wanted = {made.key(tile) for tile in tiles_of(made.job.layout, made.job.pyramid)}
            wanted |= made.job.layout.extras.keys()
            missing, extra = sorted(wanted - made.files.keys()), sorted(made.files.keys() - wanted)
            assert not missing, f"{made.case}: {len(missing)} tiles are missing: {missing[:3]}"
            assert not extra, f"{made.case}: {len(extra)} files are too many: {extra[:3]}"

        self._for_each_case(look)

    def test_every_tile_has_exactly_its_size(self) -> None:
        def look(made: Made) -> None:
            for tile, pixels in made.seen.items():
                wanted = stored_size(made.job.layout, made.job.pyramid, tile)
                size = Size(pixels.shape[1], pixels.shape[0])
                assert size == wanted, f"{made.case}: {made.key(tile)} is {size}, not {wanted}"

        self._for_each_case(look)

    def test_base_tiles_are_the_contracts_if_promised(self) -> None:
        self._for_each_case(lambda made: _assert_exact(made, [made.job.pyramid.base_level]))

    def test_tiles_of_lower_levels_are_the_contracts_if_promised(self) -> None:
        self._for_each_case(lambda made: _assert_exact(made, range(made.job.pyramid.base_level)))

    def test_unpromised_levels_keep_the_declared_floor(self) -> None:
        def look(made: Made) -> None:
            for level in range(made.job.pyramid.base_level):
                if not made.promised(level):
                    promises = f"{made.case}: it promises {made.promises.name} alone"
                    assert self.floor is not None, f"{promises}; declare a floor"
                    decibels = psnr([(seen, wanted) for _, seen, wanted in made.pairs(level)])
                    assert decibels >= self.floor, (
                        f"{made.case}: level {level} has {decibels:.1f} dB; the floor is {self.floor}"
                    )

        self._for_each_case(look)

    def test_neighbours_agree_over_their_overlap(self) -> None:
        def look(made: Made) -> None:
            for tile in made.seen if made.case.overlap else ():
                right, below = tile._replace(col=tile.col + 1), tile._replace(row=tile.row + 1)
                for other in (right, below):
                    if other in made.seen:
                        self._assert_agree(made, tile, other)

        self._for_each_case(look)

    def test_the_slide_is_read_inside_its_borders(self) -> None:
        def look(made: Made) -> None:
            assert not made.misuses, f"{made.case}: {made.misuses[0]}"

        self._for_each_case(look)

    def test_progress_rises_to_the_whole_in_the_callers_thread(self) -> None:
        def look(made: Made) -> None:
            case, pyramid = made.case, made.job.pyramid
            assert made.told, f"{case}: the progress was told nothing"
            assert all(own for _, _, own in made.told), f"{case}: the progress was told by another thread"
            counts = [(tiles, pixels) for tiles, pixels, _ in made.told]
            assert counts == sorted(counts), f"{case}: the progress went back"
            whole = (pyramid.tile_count, pyramid.pixel_count)
            assert counts[-1] == whole, f"{case}: the progress ended at {counts[-1]} tiles and pixels, not {whole}"

        self._for_each_case(look)

    def test_the_method_is_said_in_a_line(self) -> None:
        def look(made: Made) -> None:
            assert made.method.strip(), f"{made.case}: method() says nothing"
            lines = len(made.method.splitlines())
            assert lines == 1, f"{made.case}: method() takes {lines} lines: {made.method!r}"

        self._for_each_case(look)

    def test_a_whole_run_passes_tileframes_own_check_and_keeps_the_geometry(self, tmp_path: Path) -> None:
        bench = self._bench(CROPPED, tmp_path)
        case = bench.case
        try:
            bench.execute()
        except Exception as error:
            raise AssertionError(f"{case}: the run failed: {error!r}") from error
        with bench.finished() as found:
            assert found.pyramid == case.pyramid, f"{case}: the descriptor says {found.pyramid}"
            region = found.manifest and found.manifest.plan.region
            assert region == case.region, f"{case}: the manifest says {region}"

    def test_a_source_of_rows_is_read_in_order_or_refused(self, tmp_path: Path) -> None:
        bench = self._bench(SEVERAL, tmp_path, access=Access.ROWS)
        if bench.refusal() is None:
            _assert_exact(made := bench.make(self.decode), [bench.case.pyramid.base_level])
            assert not made.misuses, made.misuses[0]

    def test_a_tile_that_cannot_be_read_is_one_input_error_that_says_where(self, tmp_path: Path) -> None:
        bench = self._bench(SEVERAL, tmp_path, unreadable=INSIDE)
        try:
            bench.execute()
        except InputError as error:
            said, slide = str(error), f"cannot be read at {INSIDE}"
            assert slide in said, f"the slide said '{slide}', and the error does not: {said}"
            where = said.replace(slide, "", 1).partition("slide.made")[2]
            assert any(letter.isdigit() for letter in where), f"the error names no tile, rows or box: {said}"
            assert len(said.splitlines()) == 1, f"the error takes more than a line: {said!r}"
        except Exception as error:
            raise AssertionError(f"a slide that cannot be read is an InputError, not {error!r}") from error
        else:
            raise AssertionError("the slide could not be read, and the run went on as if it could")

    def test_a_failed_run_leaves_nothing(self, tmp_path: Path) -> None:
        bench = self._bench(SEVERAL, tmp_path, unreadable=INSIDE)
        self._assert_leaves_nothing(bench)

    def test_a_cancelled_run_ends_with_what_the_progress_raised(self, tmp_path: Path) -> None:
        try:
            self._bench(SEVERAL, tmp_path).execute(_cancel)
        except Cancel:
            return
        except Exception as error:
            raise AssertionError(f"the progress raised, and the run ended with {error!r} instead") from error
        raise AssertionError("the progress raised, and the run went on")

    def test_a_cancelled_run_leaves_nothing(self, tmp_path: Path) -> None:
        self._assert_leaves_nothing(self._bench(SEVERAL, tmp_path), cancelled=True)

    def test_a_stopped_run_is_gone_on_with_if_it_is_said_to_be(self, tmp_path: Path) -> None:
        if not self.plugin.resumes:
            return
        bench = self._bench(SEVERAL, tmp_path)
        with patch.object(journal, "EVERY", 0.0), patch.object(journal, "WORTH", 0.0):
            with suppress(Cancel):
                bench.execute(_cancel)
            try:
                report = bench.execute(resume=True)
            except TileframeError as error:
                raise AssertionError(f"going on with a run that was stopped failed: {error}") from error
        assert report.resumed, "a run was stopped, and nothing that it had finished is noted"
        wanted = self._made(SEVERAL).files
        found = {key: data for key, data in files_in(bench.folder).items() if key in wanted}
        differing = sorted(key for key in wanted if found.get(key) != wanted[key])
        assert not differing, f"{len(differing)} tiles differ after a stop from those of a whole run: {differing[:3]}"

    def test_blank_tiles_are_left_out_or_the_job_is_refused(self, tmp_path: Path) -> None:
        bench = self._bench(SEVERAL, tmp_path, skip_blank=255)  # by which every tile is blank
        if bench.refusal() is None:
            made = bench.make(self.decode)
            layout, pyramid = made.job.layout, made.job.pyramid
            keys = {made.key(tile) for tile in tiles_of(layout, pyramid) if may_be_absent(layout, pyramid, tile)}
            there = sorted(keys & made.files.keys())
            assert not there, f"{len(there)} tiles are blank, and there: {there[:3]}"

    def test_two_runs_make_the_same_bytes(self, tmp_path: Path) -> None:
        made = [self._made(SEVERAL).files, self._bench(SEVERAL, tmp_path).make(self.decode).files]
        keys = made[0].keys() | made[1].keys()
        differing = sorted(key for key in keys if made[0].get(key) != made[1].get(key))
        assert not differing, f"{len(differing)} tiles differ between two runs: {differing[:3]}"

    def _bench(
        self,
        case: Case,
        folder: Path,
        *,
        access: Access = Access.REGIONS,
        unreadable: tuple[int, int] | None = None,
        skip_blank: int | None = None,
    ) -> Workbench:
        return Workbench(
            self.plugin,
            self._possible(case),
            folder,
            format=self.format,
            format_options=self.format_options,
            layout=self.layout,
            access=access,
            unreadable=unreadable,
            skip_blank=skip_blank,
        )

    def _possible(self, case: Case) -> Case:
        return case if installed().layout(self.layout).overlap else replace(case, overlap=0)

    def _for_each_case(self, look: Callable[[Made], None]) -> None:
        for_each(dict.fromkeys(map(self._possible, self.cases)), lambda case: look(self._made(case)))

    def _made(self, case: Case) -> Made:
        """Return what the backend makes of ``case``; each case is made once for all tests of the class."""
        if case not in self._kept:
            with TemporaryDirectory() as folder:
                self._kept[case] = self._bench(case, Path(folder)).make(self.decode)
        return self._kept[case]

    def _assert_agree(self, made: Made, tile: TileAddress, other: TileAddress) -> None:
        found = disagreement(made.job.pyramid, made.seen, tile, other)
        # Lossy tiles disagree by nature; those that are resized, each for itself, by their rounding.
        most = disagreement(made.job.pyramid, made.wanted, tile, other) + (not made.promised(tile.level))
        pair = f"{made.key(tile)} and {made.key(other)}"
        assert found <= most, f"{made.case}: {pair} differ by {found:.2f} where they overlap, not {most:.2f}"

    def _assert_leaves_nothing(self, bench: Workbench, *, cancelled: bool = False) -> None:
        try:
            bench.execute(_cancel if cancelled else None)
        except (Exception, Cancel):
            left = bench.left()
            assert not left, f"these are left: {left[:5]}"
        else:
            raise AssertionError("the run did not end")


def _assert_exact(made: Made, levels: Sequence[int]) -> None:
    for level in levels:
        for tile, seen, wanted in made.pairs(level) if made.promised(level) else ():
            worst = largest_difference(seen, wanted)
            promised = f"though {made.promises.name} is promised"
            assert not worst, f"{made.case}: {made.key(tile)} differs by {worst}, {promised}"


def _cancel(tiles: int, pixels: int) -> None:
    raise Cancel
