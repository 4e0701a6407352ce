"""A plan made live, and the backend that is given it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import field, replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

from tileframe.absent import may_be_absent
from tileframe.errors import CheckError, PluginError
from tileframe.facts import Equality
from tileframe.frozen import dataclass
from tileframe.geometry import Box, Pyramid, Size, TileAddress
from tileframe.journal import Journal
from tileframe.ledger import ABSENT, FILLED, KNOWN, LEFT_OUT, PASSED_THROUGH, RECORD, PackedRecords, TileRecord
from tileframe.protocols import EmbedsProfiles, Layout, Pixels, Progress, Source, Sparse, Store, Writer
from tileframe.reading import Reading
from tileframe.records import Plan

if TYPE_CHECKING:
    from concurrent.futures import Executor

T = TypeVar("T")
R = TypeVar("R")


class Keeps(Protocol):
    """Keeps what is known of tiles."""

    def put_all(self, records: PackedRecords) -> None:
        """Keep ``records``; called from many threads."""


_File: TypeAlias = tuple[TileAddress, Box, bytes, int]
"""A tile, its box, its bytes, and the flags of its record; of one that is left out as blank, none and `ABSENT`."""


@dataclass(frozen=True)
class Job:
    """The open source, and where and how its tiles go."""

    plan: Plan
    """What was decided for the run."""
    source: Source
    """What is tiled, and no more: a view where that is a part of the slide."""
    layout: Layout
    """Says which key a tile has."""
    writer: Writer
    """Encodes the tiles."""
    store: Store
    """Keeps the encoded tiles."""
    profile: bytes | None = field(default=None, repr=False)
    """The colour profile that every tile is to carry; None for none."""
    reading: Reading | None = field(default=None, compare=False)
    """How the source is read; None for once, and an error where that fails."""
    executor: Executor | None = field(default=None, compare=False)
    """Does the work of `in_order`; None takes threads of this process."""
    ledger: Keeps | None = field(default=None, compare=False)
    """What `put` finds out of each tile: the check at the end need not read it again."""
    journal: Journal | None = field(default=None, compare=False)
    """Which units of the work are finished; None where nothing is kept of a run that ends too early."""

    @property
    def pyramid(self) -> Pyramid:
        """The geometry."""
        return self.plan.pyramid

    @property
    def workers(self) -> int:
        """The most threads that may be busy."""
        return self.plan.live.workers

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` of the source; `PluginError`, naming its reader, for what is no RGB8 of exactly that size.

        Where blank tiles are left out, what the slide does not hold is not read.
        """
        rule = self.plan.skip_blank
        if rule and not native_level and isinstance(self.source, Sparse) and not self.source.holds(box):
            from tileframe.pixels import plain  # here, for a start of the command line does without numpy

            return plain(box.height, box.width, rule.background)
        pixels = (self.reading or self.source).read(box, native_level=native_level)
        shape, kind = getattr(pixels, "shape", None), getattr(pixels, "dtype", type(pixels).__name__)
        if shape != (box.height, box.width, 3) or kind != "uint8":
            wanted = f"uint8 {(box.height, box.width, 3)}"
            raise PluginError(f"the reader '{self.plan.reader}' gives {kind} {shape} for {box}, not {wanted}")
        return pixels

    def in_order(
        self, task: Callable[[Plan, T], R], things: Iterable[T], *, stop: threading.Event | None = None
    ) -> Generator[R, None, None]:
        """Yield ``task(plan, thing)`` for each of ``things``, in their order, made by the run's executor.

        That may be in other processes: task, things and results can be pickled, and `open_job` gives the job of the
        plan there. It is closed as `tileframe.work.in_order` is; ``stop``, which is set then, is seen in this process
        alone. An executor that breaks is a `WorkerError`, or, where a library crashed in a worker, an `InputError`.
        """
        # Here, for an engine that needs no pool does without.
        from concurrent.futures import BrokenExecutor

        from tileframe.executors import broken
        from tileframe.work import in_order

        name, work = self.plan.live.executor, partial(task, self.plan)
        try:
            yield from in_order(work, things, workers=self.workers, stop=stop, pool=self.executor, name=name)
        except BrokenExecutor as error:
            raise broken(error, name, self.plan.live.slide) from error

    def unit(self, name: str) -> Unit:
        """Begin a unit of the work, whose name and tiles the plan alone decides."""
        return Unit(self, name)

    def own_tile(self, tile: TileAddress) -> bytes | None:
        """Return ``tile`` as the slide stores it; None if it is to be encoded, as all are without pass-through.

        Those are the tiles that the slide does not have, and those at the right and bottom edge, which the slide
        stores larger than they are shown.
        """
        return self._own_tile(tile, self.pyramid.tile_box(tile)) if self._passes(tile.level) else None

    def _passes(self, level: int) -> bool:
        return self.plan.passthrough and level == self.pyramid.base_level

    def _own_tile(self, tile: TileAddress, box: Box) -> bytes | None:
        side = self.plan.pyramid.tile_size
        if box.width != side or box.height != side or self._is_filled(tile):
            return None
        # What the plan says is not asserted: `isinstance` takes as long for a protocol as all the rest of this.
        source: Any = self.source
        data: bytes | None = source.compressed_tile(tile.col, tile.row)
        return data if data is None or self.profile is None else self._with_profile(data, self.profile)

    @property
    def target(self) -> str:
        """What is written, for people: the descriptor, the archive, or the folder."""
        return self.plan.location.shown(next(reversed(list(self.layout.descriptor())), f"{self.layout.folder}/"))

    def keeps(self, level: int) -> bool:
        """Say whether the layout keeps the tiles of ``level``; they need not be put otherwise."""
        return level >= self.layout.levels.start

    def leaves_out(self, tile: TileAddress, pixels: Pixels) -> bool:
        """Say whether ``tile``, which shows ``pixels``, is blank and is left out.

        What could not be read is not known to be blank.
        """
        rule = self.plan.skip_blank
        if rule is None or not may_be_absent(self.layout, self.pyramid, tile):
            return False
        from tileframe.pixels import is_blank  # here, for a start of the command line does without numpy

        return is_blank(pixels, rule.background, rule.tolerance) and not self._is_filled(tile)

    def put(self, tile: TileAddress, pixels: Pixels) -> None:
        """Encode ``pixels``, ``(height, width, 3)``, and keep them as ``tile``. Called from many threads.

        Tiles of levels that the layout does not keep are passed over, and blank ones left out if that was asked for.
        With pass-through, what is kept is the slide's own tile where it has one.
        """
        self.put_row(tile.level, tile.row, range(tile.col, tile.col + 1), lambda box: pixels)

    def put_row(self, level: int, row: int, cols: range, pixels: Callable[[Box], Pixels]) -> None:
        """Keep the tiles of ``row`` in columns ``cols``, as `put` does each of them; ``pixels(box)`` are its pixels.

        Each step is done for all before the next: behind a codec, which fills the processor's caches with its own,
        Python is several times as slow.
        """
        if not self.keeps(level):
            return
        files: list[_File] = []
        passes, skips = self._passes(level), self.plan.skip_blank is not None
        for tile, box in self.pyramid.row(level, row, cols):
            if skips and self.leaves_out(tile, pixels(box)):
                files.append((tile, box, b"", ABSENT))
            elif passes and (own := self._own_tile(tile, box)) is not None:
                files.append((tile, box, own, KNOWN | PASSED_THROUGH))
            else:
                files.append((tile, box, self.encoded(pixels(box)), KNOWN))
        self._keep(files)

    def encoded(self, pixels: Pixels) -> bytes:
        """Return the pixels of a tile as its file: padded where the layout has it so, and with the profile."""
        if self.layout.pads:
            from tileframe.pixels import padded  # here, for a start of the command line does without numpy

            pixels = padded(pixels, self.pyramid.tile_size, self.source.facts.background)
        data = self.writer.encode(pixels)
        return data if self.profile is None else self._with_profile(data, self.profile)

    def put_encoded(self, tile: TileAddress, data: bytes, *, passed_through: bool = False) -> None:
        """Keep ``data`` as ``tile``, as it is; `CheckError` if its size is not that of the tile."""
        if self.keeps(tile.level):
            self._keep([(tile, self.pyramid.tile_box(tile), data, KNOWN | PASSED_THROUGH * passed_through)])

    def _keep(self, files: Sequence[_File]) -> None:
        """Keep tiles that lie side by side."""
        records, kept, extras = [], [], self.layout.extras
        for tile, box, data, flags in files:
            if flags == ABSENT:
                records.append(LEFT_OUT)
                continue
            key = self.layout.key(tile)
            self.refuse_other_size(box, key, data)
            records.append(RECORD.pack(sha256(data).digest(), len(data), flags | FILLED * self._is_filled(tile)))
            kept.append((key, data))
            if extras:
                kept += ((copy, data) for copy, of in extras.items() if of == tile)
        for key, data in kept:
            self.store.put(key, data)
        if self.ledger is not None and files:
            self.ledger.put_all([(files[0][0], b"".join(records))])  # once the store has them all: it may refuse one

    def inspect(self, tile: TileAddress, key: str, data: bytes) -> TileRecord:
        """Return what there is to know of an encoded tile; `CheckError` if its header gives another size."""
        self.refuse_other_size(self.pyramid.tile_box(tile), key, data)
        return TileRecord.of(data, filled=self._is_filled(tile))

    def refuse_other_size(self, box: Box, key: str, data: bytes) -> None:
        """Raise `CheckError` if the header of an encoded tile gives another size than ``box``, padded where all are."""
        if not isinstance(data, bytes):
            raise PluginError(f"the writer '{self.plan.format}' encodes a tile as {type(data).__name__}, not as bytes")
        try:
            found = self.writer.size(data)
        except CheckError as error:
            raise CheckError(f"{key}: {error}") from error
        side = self.plan.pyramid.tile_size
        wanted = Size(side, side) if self.layout.pads else box
        if found.width != wanted.width or found.height != wanted.height:
            raise CheckError(f"{key}: the tile is {found}, not {Size(wanted.width, wanted.height)}")

    def _is_filled(self, tile: TileAddress) -> bool:
        if self.reading is None or not self.reading.filled:
            return False
        box, scale = self.pyramid.tile_box(tile), self.pyramid.downsample(tile.level)
        return self.reading.is_filled(Box(box.x * scale, box.y * scale, box.width * scale, box.height * scale))

    def _with_profile(self, data: bytes, profile: bytes) -> bytes:
        return cast("EmbedsProfiles", self.writer).with_profile(data, profile)


class Unit:
    """A part of the work that is done as a whole, as a block of tiles, and not again by a run that goes on after it."""

    def __init__(self, job: Job, name: str) -> None:
        self._journal, self._ledger, self._name = job.journal, job.ledger, name
        self._records: list[tuple[TileAddress, bytes]] = []
        self.is_done = job.journal is not None and name in job.journal
        """Whether an earlier run has finished it: its tiles are in the store."""
        self.job = replace(job, ledger=self)
        """What its tiles are to be put by."""

    @property
    def left(self) -> bytes:
        """What the run that has finished it gave to `finish`."""
        return b"" if self._journal is None else self._journal.left(self._name)

    def put_all(self, records: PackedRecords) -> None:
        """Take note of some of its tiles, as `job` does."""
        self._records += records

    def finish(self, left: bytes = b"") -> None:
        """Note that all its tiles are put, and what it leaves to those after it."""
        if self._ledger is not None:
            self._ledger.put_all(self._records)
        if self._journal is not None:
            self._journal.note(self._name, self._records, left)


class Backend(Protocol):
    """The engine that produces every tile of a pyramid."""

    def refuses(self, job: Job) -> str | None:
        """Say why it cannot do ``job``; None if it can."""

    def promises(self, job: Job) -> Equality:
        """Return how equal its result for ``job`` is to that of any other backend with the same promise."""

    def method(self, job: Job) -> str:
        """Say in a few words how it will do ``job``, and why that way."""

    def run(self, job: Job, progress: Progress) -> None:
        """Put every tile of the job's pyramid, with no more busy threads than the plan has workers."""
