"""What a plugin implements: `Source`, `Reader`, `Writer`, `Store` and `Backend`; and the `Job` they meet in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

from tileframe.errors import CheckError
from tileframe.geometry import Box, Pyramid, Size, TileAddress
from tileframe.model import Access, Comparison, Encoding, Equality, Finding, JobSpec, Rgb, SlideFacts
from tileframe.parallel import Threads

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]
else:
    # Importing tileframe stays quick: numpy is loaded by those who touch pixels.
    Pixels = Any


# Rows that are read at once only to be passed over.
SKIPPED = 256
B = TypeVar("B")
R = TypeVar("R")


class Source(Protocol):
    """An open slide; a context manager that closes it."""

    @property
    def facts(self) -> SlideFacts:
        """Size, format, resolution, native levels and how the pixels can be had."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box``, in pixels of that native level, as RGB8 ``(height, width, 3)``.

        The array belongs to the caller. Where the slide has no data it is background. A source with
        `Access.ROWS` is read from the top down, in boxes of its full width that follow each other.
        `InputError` when the slide cannot be read there.
        """

    def associated(self, name: str) -> Pixels:
        """Return the associated image ``name``, one of ``facts.associated``, as RGB8."""

    def close(self) -> None:
        """Release the file. A later `read` raises `InputError`."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


@runtime_checkable
class CompressedTiles(Protocol):
    """Optional ability of a `Source`: give the tiles of its base as the slide stores them, for pass-through."""

    def refuses_compressed(self) -> str | None:
        """Say why its tiles are no JPEGs that any viewer shows; None if they are. Decodes nothing."""

    def compressed_tile(self, col: int, row: int) -> bytes | None:
        """Return a tile of the base, ``facts.tile_size`` large, as a complete JPEG; None where the slide has none.

        It decodes to what `read` gives, by every decoder: its colour space is marked in it. At the right and bottom
        edge it goes on beyond the picture. `InputError` if it cannot be read; its pixels are not looked at.
        """


class Reader(Protocol):
    """A way to open slides."""

    def open(self, path: Path, *, background: Rgb | None = None) -> Source:
        """Open ``path``; ``background`` replaces the slide's own colour for what is transparent.

        `UnsupportedInput` leaves the file to other readers; `InputError` says that it is damaged.
        """


class Writer(Protocol):
    """A tile format. Used from many threads at once."""

    @property
    def encoding(self) -> Encoding:
        """Format, suffix and quality."""

    def encode(self, pixels: Pixels) -> bytes:
        """Return the bytes of one tile of RGB8 ``pixels``, ``(height, width, 3)``; they need not be contiguous."""

    def decode(self, data: bytes) -> Pixels:
        """Return the pixels of ``data`` as RGB8; `CheckError` if it is damaged, cut, or of another format."""

    def size(self, data: bytes) -> Size:
        """Return the size of a tile from its header alone; `CheckError` if it has none."""


class StoredTiles(Protocol):
    """The files of a finished pyramid, to be read from many threads."""

    def get(self, key: str) -> bytes:
        """Return what is kept under ``key``; `KeyError` if there is nothing, `InputError` if it cannot be read."""

    def keys(self) -> Iterator[str]:
        """Yield every key, in no order."""


class Store(Protocol):
    """Where the bytes go. Nothing can be seen at the target before `commit`."""

    def prepare(self) -> None:
        """Make room for a new pyramid; `OutputError` if the target exists or cannot be written."""

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``, a relative path with forward slashes. Called from many threads."""

    def get(self, key: str) -> bytes:
        """Return what is kept under ``key``; `KeyError` if there is nothing."""

    def keys(self) -> Iterator[str]:
        """Yield every key, in no order."""

    def commit(self, descriptors: Mapping[str, bytes]) -> None:
        """Show everything at the target, ``descriptors`` last and in their order; once only, else `OutputError`."""

    def discard(self) -> None:
        """Forget everything that was put; after `commit`, do nothing."""


@runtime_checkable
class AdoptsFolder(Protocol):
    """Optional ability of a `Store`: take files that a backend's own library wrote, by rename."""

    def workspace(self) -> Path:
        """Return a new, empty folder on the target's own disk."""

    def adopt(self, folder: Path, key: str) -> None:
        """Take over ``folder`` and all that is in it as ``key``, without copying."""


class Layout(Protocol):
    """How tile addresses become keys, and which descriptor goes with them."""

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, a relative path with forward slashes."""

    def keys(self, pyramid: Pyramid) -> Iterator[tuple[str, Size]]:
        """Yield every tile key of ``pyramid`` with the tile's size in pixels."""

    def descriptor(self, pyramid: Pyramid) -> Mapping[str, bytes]:
        """Return the files that describe ``pyramid``, by key."""

    @property
    def folder(self) -> str:
        """The key under which all tiles are."""


class Progress(Protocol):
    """Is told how far a run has come; called by the thread that started the run."""

    def __call__(self, tiles: int, pixels: int) -> None:
        """Take the numbers of tiles and of pixels, over all levels, that are done so far."""


class Executor(Protocol):
    """Where a backend's blocks are made: in threads here, or in other processes, or on other machines."""

    def map(self, task: Callable[[JobSpec, B], R], spec: JobSpec, blocks: Iterable[B]) -> Generator[R, None, None]:
        """Yield ``task(spec, block)`` for each of ``blocks``, in their order; ``spec.workers`` at once, or fewer.

        Task, spec, blocks and results can all be pickled. Takes a few of ``blocks`` ahead, not all. What a task
        raises is raised here; after that, and when it is closed, nothing is begun and nothing still runs. A task
        with a ``stop``, a `threading.Event`, ends early once that is set; in other processes it is another one.
        """


@dataclass(frozen=True, slots=True)
class CheckedTile:
    """An encoded tile of the right size."""

    length: int
    """In bytes."""
    sha256: str
    """Of those bytes, in hexadecimal."""
    passed_through: bool = False
    """Whether they are the slide's own."""


@dataclass(frozen=True)
class Job:
    """A spec made live."""

    spec: JobSpec
    source: Source
    region: Box
    """The part of the slide that is tiled, in the slide's base pixels."""
    pyramid: Pyramid
    layout: Layout
    writer: Writer
    store: Store
    compressed: CompressedTiles | None = None
    """With pass-through: the source, whose tiles are to be the base tiles and lie on the pyramid's grid."""
    executor: Executor = Threads()  # noqa: RUF009 - it holds nothing
    checked: dict[str, CheckedTile] = field(default_factory=dict, compare=False)
    """What `put` has looked at, by key: the check at the end need not read it again."""

    def read(self, box: Box) -> Pixels:
        """Return ``box``, in pixels of the pyramid's base, as RGB8 ``(height, width, 3)``."""
        return read_region(self.source, self.region, box)

    def own_tile(self, tile: TileAddress) -> bytes | None:
        """Return ``tile`` as the slide stores it; None if it is to be encoded, as all are without pass-through.

        Those are the tiles that the slide does not have, and those at the right and bottom edge, which the slide
        stores larger than they are shown.
        """
        side = self.pyramid.tile_size
        if self.compressed is None or tile.level != self.pyramid.base_level:
            return None
        if self.pyramid.tile_box(tile).size != Size(side, side):
            return None
        return self.compressed.compressed_tile(tile.col + self.region.x // side, tile.row + self.region.y // side)

    def put(self, tile: TileAddress, pixels: Pixels) -> None:
        """Encode ``pixels``, ``(height, width, 3)``, and keep them as ``tile``. Called from many threads."""
        self.put_encoded(tile, self.writer.encode(pixels))

    def put_encoded(self, tile: TileAddress, data: bytes, *, passed_through: bool = False) -> None:
        """Keep ``data`` as ``tile``; `CheckError` if its size is not that of the tile."""
        key, size = self.layout.key(tile), self.pyramid.tile_box(tile).size
        self.checked[key] = look_at(key, data, self.writer, size, passed_through=passed_through)
        self.store.put(key, data)


def read_region(source: Source, region: Box, box: Box) -> Pixels:
    """Return ``box``, in pixels of ``region`` of the base of ``source``, as RGB8 ``(height, width, 3)``.

    A source of rows is read as it is to be, in full width and from its top; ``box`` then follows the one before.
    """
    inside = box.shifted(region.x, region.y)
    if source.facts.access is Access.REGIONS:
        return source.read(inside)
    width = source.facts.size.width
    if box.y == 0:
        for y in range(0, region.y, SKIPPED):
            source.read(Box(0, y, width, min(SKIPPED, region.y - y)))
    return source.read(Box(0, inside.y, width, inside.height))[:, inside.x : inside.right]


def look_at(key: str, data: bytes, writer: Writer, size: Size, *, passed_through: bool = False) -> CheckedTile:
    """Return what there is to know of an encoded tile; `CheckError` if its header does not give ``size``."""
    try:
        is_size = writer.size(data)
    except CheckError as error:
        raise CheckError(f"{key}: {error}") from error
    if is_size != size:
        raise CheckError(f"{key}: the tile is {is_size}, not {size}")
    return CheckedTile(len(data), hashlib.sha256(data).hexdigest(), passed_through)


@dataclass(frozen=True)
class StoredPyramid:
    """A finished pyramid, as `tileframe.open_pyramid` opens it: of tileframe's or of any other tool's making."""

    target: Path
    """The descriptor's file."""
    pyramid: Pyramid
    layout: Layout
    writer: Writer
    files: StoredTiles
    manifest: Mapping[str, Any]
    """What `NAME.tileframe.json` says; empty where there is none."""
    workers: int
    """The most threads that a check may keep busy."""

    def decode(self, tile: TileAddress) -> Pixels:
        """Return the pixels of ``tile``; `CheckError` if it is damaged, `KeyError` if it is missing."""
        return self.writer.decode(self.files.get(self.layout.key(tile)))


class Check(Protocol):
    """Looks at a finished pyramid and says what is wrong with it."""

    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        """Yield what is wrong; tell ``progress`` the numbers of tiles and pixels looked at so far.

        Damage is a `Finding`, never an exception. Memory must not grow with the pyramid.
        """


class Viewer(Protocol):
    """Writes a page in which a browser shows pyramids."""

    def prepare(self, targets: Sequence[Path], *, overwrite: bool) -> Path:
        """Return where the page for the descriptors ``targets``, one or two, will be; they need not exist yet.

        `OutputError` if it cannot be written there, or if another's file is there and is not to be overwritten;
        `PluginError` if a part of it is missing. A page of the viewer's own is always replaced.
        """

    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        """Write the page of one pyramid, or of two with what was found between them; return where it is."""


class Backend(Protocol):
    """The engine that produces every tile of a pyramid."""

    def refuses(self, job: Job) -> str | None:
        """Say why it cannot do ``job``; None if it can."""

    def promises(self, job: Job) -> Equality:
        """Return how equal its result for ``job`` is to that of any other backend with the same promise."""

    def way(self, job: Job) -> str:
        """Say in a few words how it will do ``job``, and why that way."""

    def run(self, job: Job, progress: Progress) -> None:
        """Put every tile of ``job.pyramid`` into ``job.store``, with no more than ``job.spec.workers`` busy threads."""
