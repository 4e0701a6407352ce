"""The schedule for sources with region access: squares of 2^k x 2^k tiles, each a task that needs no other.

A block is read once, with a margin for the overlap on all of its levels, cut, and halved k times; what is left of it,
one tile's worth of pixels, goes to the strips that finish the top of the pyramid. A task takes a plan and a block
and returns the remainder: nothing live, so that it may run in another process.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from tileframe import Box, InputError, Job, Plan, Progress, Size, TileAddress
from tileframe.ledger import PackedRecords
from tileframe.pixels import Pixels
from tileframe_stream.cutting import Patch, cells_of, cut, grown
from tileframe_stream.halving import halve, no_threads_of_opencv
from tileframe_stream.pool import Stopped
from tileframe_stream.remote import remote_job
from tileframe_stream.strips import Strips

# Pixels of the base, a side, margin not counted: enough tiles to share what is read, and little memory.
SIDE = 2048
BOX = struct.Struct("<4q")


@dataclass(frozen=True, slots=True)
class Block:
    """One square of the grid of blocks."""

    col: int
    row: int

    @property
    def unit(self) -> str:
        """Its name in the journal."""
        return f"block {self.col},{self.row}"


@dataclass(frozen=True, slots=True)
class Remainder:
    """What a block leaves for the top of the pyramid, and what it has made."""

    block: Block
    pixels: Pixels
    records: PackedRecords = ()
    """What is known of its tiles, where another process has made them."""
    files: tuple[tuple[str, bytes], ...] = ()
    """The tiles themselves, by key, where another process has made them and the store is not shared with it."""
    filled: tuple[Box, ...] = ()
    """What of it could not be read, in pixels of the base: levels above the block's own show it, too."""

    def packed(self) -> bytes:
        """Return its pixels and what could not be read, as the journal keeps them."""
        return self.pixels.tobytes() + b"".join(BOX.pack(box.x, box.y, box.width, box.height) for box in self.filled)

    @classmethod
    def unpacked(cls, block: Block, size: Size, data: bytes) -> Remainder:
        """Return what `packed` was, of ``block``, which leaves pixels of that ``size``."""
        pixels = np.frombuffer(data, np.uint8, 3 * size.area).reshape(size.height, size.width, 3)
        return cls(block, pixels, filled=tuple(Box(*sides) for sides in BOX.iter_unpack(data[3 * size.area :])))


class BlockTask:
    """Makes the tiles of a block; pickled, it leaves what is open behind, and opens it anew from the plan."""

    def __init__(self, job: Job | None) -> None:
        self._job = job
        self.stop = threading.Event()
        # The first in time: once a slide has failed, OpenSlide says the same of every other place.
        self._first_error: BaseException | None = None

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return BlockTask, (None,)

    def __call__(self, plan: Plan, block: Block) -> Remainder:
        """Put the tiles of ``block`` into the store, and return what it leaves."""
        try:
            return self._made(plan, block)
        except BaseException as error:
            # The other blocks end too, with the same: that which comes first is not always the one that failed.
            self._first_error = self._first_error or error
            self.stop.set()
            raise self._first_error  # noqa: B904 - it has its own cause

    def _made(self, plan: Plan, block: Block) -> Remainder:
        if self._job is not None:
            unit = self._job.unit(block.unit)
            made = self._cut(unit.job, block)
            unit.finish(made.packed())
            return made
        with remote_job(plan) as (job, kept):
            made = self._cut(job, block)
            return replace(made, records=tuple(kept.records), files=tuple(kept.files))

    def _cut(self, job: Job, block: Block) -> Remainder:
        parts = _parts(job, block)
        own = _part(job, block, job.pyramid.base_level, len(parts))
        wide = grown(own, job.pyramid.overlap << len(parts), job.pyramid.base)
        patch = self._read(job, own, wide)
        filled = () if job.reading is None else tuple(job.reading.filled_in(wide))
        for box in parts:
            cells = cells_of(job, box)
            for row in range(cells.y, cells.bottom):
                if self.stop.is_set():
                    raise Stopped
                cut(job, patch, Box(cells.x, row, cells.width, 1))
            patch = _halved(patch)
        return Remainder(block, np.ascontiguousarray(patch.view(_top(job, block))), filled=filled)

    def _read(self, job: Job, box: Box, wide: Box) -> Patch:
        base = job.pyramid.base_level
        try:
            return Patch(base, wide.x, wide.y, job.read(wide))
        except InputError as error:
            cells = cells_of(job, box)
            first, last = (
                job.layout.key(TileAddress(base, *cell))
                for cell in ((cells.x, cells.y), (cells.right - 1, cells.bottom - 1))
            )
            where = f"tiles {first} to {last}" if first != last else f"tile {first}"
            raise InputError(f"{error} (in the {where})") from error


class BlocksRun:
    """One run."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job = job
        self._progress = progress
        self._levels = levels_of_block(job.pyramid.tile_size, job.pyramid.level_count)
        self._tiles = self._pixels = 0
        top = job.pyramid.base_level - self._levels
        self._strips = Strips(job, top, submit=lambda task: task(), done=self._count, release=lambda: None)

    def all_levels(self) -> None:
        """Make every tile: the executor those of the blocks, this thread the few above them."""
        task = BlockTask(self._job)
        to_do = (block for block in self._blocks() if not self._job.unit(block.unit).is_done)
        with no_threads_of_opencv(), closing(self._job.in_order(task, to_do, stop=task.stop)) as made:
            for block in self._blocks():
                self._take(self._done_before(block) or next(made))
                self._progress(self._tiles, self._pixels)
            next(made, None)  # it is at its end, and not cut off: processes live on to be counted

    def _done_before(self, block: Block) -> Remainder | None:
        """Return what ``block`` left in an earlier run; None if it is to be made."""
        unit = self._job.unit(block.unit)
        if not unit.is_done:
            return None
        made = Remainder.unpacked(block, _top(self._job, block).size, unit.left)
        self._know(made.filled)
        return made

    def _blocks(self) -> Iterator[Block]:
        grid = self._grid()
        for row in range(grid.height):
            for col in range(grid.width):
                yield Block(col, row)

    def _grid(self) -> Box:
        side = self._job.pyramid.tile_size << self._levels
        base = self._job.pyramid.base
        return Box(0, 0, -(-base.width // side), -(-base.height // side))

    def _take(self, remainder: Remainder) -> None:
        """Lay the remainder into its strip, which is handed on with the last of its blocks."""
        side, block = self._job.pyramid.tile_size, remainder.block
        tile_rows = self._strips.height // side
        index, y = block.row // tile_rows, block.row % tile_rows * side
        height, width = remainder.pixels.shape[:2]
        x = block.col * side
        self._strips.rows_of(index)[y : y + height, x : x + width] = remainder.pixels
        if remainder.records:
            self._keep(remainder)
        for box in _parts(self._job, block):
            self._count(cells_of(self._job, box).size.area, box.size.area)
        grid = self._grid()
        last_row = block.row == grid.height - 1 or (block.row + 1) % tile_rows == 0
        if last_row and block.col == grid.width - 1:
            self._strips.filled(index)

    def _keep(self, remainder: Remainder) -> None:
        """Keep what another process has made."""
        unit = self._job.unit(remainder.block.unit)
        self._know(remainder.filled)
        for key, data in remainder.files:
            self._job.store.put(key, data)
        unit.put_all(remainder.records)
        unit.finish(remainder.packed())

    def _know(self, filled: Sequence[Box]) -> None:
        """Remember what could not be read elsewhere, for the levels above the blocks."""
        if self._job.reading is not None:
            self._job.reading.take(filled)

    def _count(self, tiles: int, pixels: int) -> None:
        self._tiles += tiles
        self._pixels += pixels


def levels_of_block(tile_size: int, level_count: int) -> int:
    """Return how many levels of a pyramid blocks make, the base among them: k, for squares of 2^k x 2^k tiles."""
    levels = max(1, (SIDE // tile_size).bit_length() - 1)
    return min(levels, level_count - 1)


def _parts(job: Job, block: Block) -> list[Box]:
    """Return the pixels of ``block`` in the planes of its levels, the base first."""
    levels = levels_of_block(job.pyramid.tile_size, job.pyramid.level_count)
    return [_part(job, block, job.pyramid.base_level - step, levels - step) for step in range(levels)]


def _top(job: Job, block: Block) -> Box:
    """Return the pixels of ``block`` in the plane of the level above its own."""
    levels = levels_of_block(job.pyramid.tile_size, job.pyramid.level_count)
    return _part(job, block, job.pyramid.base_level - levels, 0)


def _part(job: Job, block: Block, level: int, steps: int) -> Box:
    """Return the pixels of ``block`` in the plane of ``level``, where it has 2^``steps`` tiles a side."""
    side, size = job.pyramid.tile_size << steps, job.pyramid.level_size(level)
    return Box(block.col * side, block.row * side, side, side).clipped(Box(0, 0, size.width, size.height))


def _halved(patch: Patch) -> Patch:
    height, width = patch.pixels.shape[:2]
    half = np.empty((-(-height // 2), -(-width // 2), 3), np.uint8)
    halve(patch.pixels, half)
    return Patch(patch.level - 1, patch.x // 2, patch.y // 2, half)
