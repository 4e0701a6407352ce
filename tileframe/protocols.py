"""What plugins implement: sources and readers, writers, layouts and stores.

Backends are in `job`, checks and viewers in `pyramids`: beside what they are given. An executor is a
`concurrent.futures.Executor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, runtime_checkable

from tileframe.facts import ColourMode, Encoding, Intent, Rgb, SlideFacts
from tileframe.frozen import dataclass
from tileframe.geometry import Box, Pyramid, Size, TileAddress
from tileframe.locations import Location
from tileframe.records import ColourRecord, SourceRecord

if TYPE_CHECKING:
    from tileframe.pixels import Pixels as Pixels
else:
    Pixels = Any  # importing tileframe stays quick: numpy is loaded by those who touch pixels

Content: TypeAlias = "bytes | Iterable[bytes]"
"""What a file is to hold, whole or in pieces; pieces can be iterated over again."""


class Source(Protocol):
    """An open slide, or a view over another source; a context manager that closes it."""

    @property
    def facts(self) -> SlideFacts:
        """Size, format, resolution, native levels and how the pixels can be had."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box``, in pixels of that native level, as RGB8 ``(height, width, 3)``.

        Of CMYK and Lab, it returns the samples as `Samples` says; a `ColourManager` makes RGB of them.
        The array belongs to the caller. Where the slide has no data it is background. A source with
        `Access.ROWS` is read from the top down, in boxes of its full width that follow each other.
        `InputError` when the slide cannot be read there.
        """

    def associated(self, name: str) -> Pixels:
        """Return the associated image ``name``, one of ``facts.associated``, as RGB8."""

    def close(self) -> None:
        """Release the file. A later `read` raises `InputError`."""

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: Any, error: Any, trace: Any, /) -> None: ...


@runtime_checkable
class CompressedTiles(Protocol):
    """Optional ability of a `Source`: give the tiles of its base as the slide stores them, for pass-through."""

    def refuses_compressed(self) -> str | None:
        """Say why its tiles are no JPEGs that any viewer shows, or lie on no grid from its corner; None if they do.

        Decodes nothing.
        """

    def compressed_tile(self, col: int, row: int) -> bytes | None:
        """Return a tile of the base, ``facts.tile_size`` large, as a complete JPEG; None where the slide has none.

        It decodes to what `read` gives, by every decoder: its colour space is marked in it. At the right and bottom
        edge it goes on beyond the picture. `InputError` if it cannot be read; its pixels are not looked at.
        """


@runtime_checkable
class Sparse(Protocol):
    """Optional ability of a `Source`: know, without reading, where the slide holds nothing."""

    def holds(self, box: Box) -> bool:
        """Say whether the slide may hold something in ``box``, in base pixels.

        Where it says no, `read` gives ``facts.background`` for every pixel, and need not be asked.
        """


@runtime_checkable
class RowsApart(Protocol):
    """Optional ability of a `Source` with `Access.ROWS`: decode rows without those before them, beside `read`."""

    def find_rows(self) -> bool:
        """Look where decoding can begin, once and before `rows`; false where that is at the top alone."""

    def rows(self, box: Box, into: Pixels) -> None:
        """Write ``box``, as wide as the slide, into an array of its size; in any order, and from many threads."""


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


@runtime_checkable
class FindsDamage(Protocol):
    """Optional ability of a `Writer`: find damage of a tile without giving its pixels, where that takes less."""

    def refuse_damaged(self, data: bytes) -> None:
        """Raise `CheckError` for what `Writer.decode` refuses."""


@runtime_checkable
class EmbedsProfiles(Protocol):
    """Optional ability of a `Writer`: put a colour profile into a tile."""

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """Return the tile ``data`` with ``profile`` in it; it decodes to the same pixels. `CheckError` for no tile."""


@dataclass(frozen=True)
class Managed:
    """A source whose colours are managed: what gives RGB8, what was decided, and what tiles are to carry."""

    source: Source
    """The source as it was, or a view over it; it gives RGB8."""
    record: ColourRecord
    """What was decided, and why."""
    profile: bytes | None = None
    """The colour profile of the pixels, for tiles to carry; None for none."""
    notes: tuple[str, ...] = ()
    """What a user should know, as sentences."""


class ColourManager(Protocol):
    """Converts colours by the profiles that slides hold."""

    def managed(self, source: Source, mode: ColourMode, intent: Intent) -> Managed:
        """Return ``source``, or a view over it, that gives RGB8 as ``mode`` wants; no pixel of it is read.

        A profile that is broken, or for other pixels, changes nothing, and is named in the notes.
        """


class Layout(Protocol):
    """How the tiles of one pyramid become keys, which levels are kept, and which descriptor goes with them.

    A key is a relative path with forward slashes, below the location's folder.
    """

    @property
    def levels(self) -> range:
        """The levels that are kept, of the pyramid's; up to the base."""

    @property
    def folder(self) -> str:
        """The folder below which all tiles are, and nothing of any other pyramid."""

    @property
    def pads(self) -> bool:
        """Whether tiles at the right and bottom edge are filled up with background to the full tile size."""

    @property
    def extras(self) -> Mapping[str, TileAddress]:
        """Further keys under which the bytes of some tiles are kept as well; mostly none."""

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, which is on one of `levels`."""

    def address(self, key: str) -> TileAddress | None:
        """Return the tile that ``key`` is of; None if no tile of this pyramid has it. Extras have none."""

    def owns(self, key: str) -> bool:
        """Say whether ``key``, below `folder`, can be a file of a pyramid of this layout, of any size and format.

        What is not is somebody else's, and is never overwritten.
        """

    def descriptor(self) -> Mapping[str, bytes]:
        """Return the files that describe the pyramid, by key, in the order in which they are to appear; maybe none."""


@dataclass(frozen=True)
class Target:
    """What a store is made for."""

    location: Location
    """Where the pyramid will be."""
    layout: Layout
    """Names the files that will be there."""
    overwrite: bool = False
    """Whether a pyramid that is there already may be replaced."""
    source: SourceRecord | None = None
    """What may be told of the slide, for containers that hold such facts."""
    resume: bool | None = None
    """Whether to go on with what a run to the same location has left, or to remove it; see `Resumes`."""


class Store(Protocol):
    """Where the bytes of one new pyramid go. Nothing can be seen at the target before `commit`, or no descriptor."""

    @property
    def shared(self) -> bool:
        """Whether a store made in another process for the same target can `put` into what this one has prepared."""

    def prepare(self) -> None:
        """Make room for a new pyramid; `OutputError` if the target exists or cannot be written."""

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``, once for each key. Called from many threads, in no order."""

    def get(self, key: str) -> bytes:
        """Return what is kept under ``key``; `KeyError` if there is nothing. Asked for few keys, after all were put."""

    def keys(self) -> Iterator[str]:
        """Yield every key that was put, in no order, in memory that does not grow with their number."""

    def commit(self, files: Mapping[str, Content]) -> None:
        """Show everything at the target, ``files`` last and in their order; once only, else `OutputError`."""

    def discard(self) -> None:
        """Forget everything that was put; after `commit`, do nothing."""


@runtime_checkable
class Resumes(Protocol):
    """A `Store` that keeps what was put when its run ends too early, for a later run to the same target.

    `Target.resume` says whether `Store.prepare` is to take that over, or to remove it; where it says neither, that
    there is something is an `OutputError`.
    """

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yield what an earlier run has noted, and its place, in order; what was torn is no entry, nor what follows."""

    def entry(self, place: int) -> bytes:
        """Return the entry at ``place``."""

    def note(self, entries: Sequence[bytes]) -> None:
        """Add ``entries``, so that they are there only if all that was put before is. From many threads, one by one."""

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files that an earlier run has put, and maybe torn ones. Before anything is put."""

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Take the files whose keys are ``wanted`` as put, and remove all others. Before anything is put."""

    def leave(self) -> str:
        """Close, and leave all that was put and noted; returns where it is. `discard` does nothing then."""


@runtime_checkable
class Flushes(Protocol):
    """Optional ability of a `Store`: `put` returns before the file has arrived."""

    def flush(self) -> None:
        """Wait until all that was put before is kept; `OutputError` if some of it is not."""


@runtime_checkable
class AdoptsFolder(Protocol):
    """Optional ability of a `Store`: take files that a backend's own library wrote, by rename."""

    def workspace(self) -> Path:
        """Return a new, empty folder on the target's own disk."""

    def adopt(self, folder: Path, key: str) -> None:
        """Take over ``folder`` and all that is in it as ``key``, without copying."""


class StoredFiles(Protocol):
    """The files of a finished pyramid, to be read from many threads."""

    @property
    def name(self) -> str:
        """Of the pyramid, as its files bear it: an archive may have been renamed."""

    def get(self, key: str) -> bytes:
        """Return what is kept under ``key``; `KeyError` if there is nothing, `InputError` if it cannot be read."""

    def keys(self, folder: str) -> Iterator[str]:
        """Yield every key below ``folder``, in no order."""

    def close(self) -> None:
        """Release what is open. A later `get` raises `InputError`, or still gives what is kept."""


class Progress(Protocol):
    """Is told how far a run has come; called by the thread that started the run."""

    def __call__(self, tiles: int, pixels: int) -> None:
        """Take the numbers of tiles and of pixels, over all levels, that are done so far."""


def tiles_of(layout: Layout, pyramid: Pyramid) -> Iterator[TileAddress]:
    """Yield every tile that ``layout`` keeps of ``pyramid``, the top level first, row by row."""
    for level in layout.levels:
        yield from pyramid.tiles(level)


def stored_size(layout: Layout, pyramid: Pyramid, tile: TileAddress) -> Size:
    """Return how large ``tile`` is as it is kept, in pixels."""
    return Size(pyramid.tile_size, pyramid.tile_size) if layout.pads else pyramid.tile_box(tile).size
