"""A finished pyramid, open for reading, of any tool's making; and the checks and viewers that are given it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, Self

from tileframe.absent import Absence
from tileframe.errors import CheckError
from tileframe.findings import Comparison, Finding
from tileframe.frozen import dataclass
from tileframe.geometry import Pyramid, Size, TileAddress
from tileframe.locations import Location
from tileframe.protocols import Layout, Pixels, Progress, StoredFiles, Writer, stored_size
from tileframe.records import Manifest


@dataclass(frozen=True)
class StoredPyramid:
    """A finished pyramid, as `tileframe.open_pyramid` opens it; a context manager that closes it."""

    location: Location
    """Where it is."""
    descriptor_key: str
    """Of the file by which it was found; that of the folder of tiles where it has none."""
    pyramid: Pyramid
    """Its geometry: base size, tile size and overlap."""
    suffix: str
    """Of the tiles, as the descriptor says."""
    layout_name: str
    """``dzi``, ``zoomify``, ..."""
    layout: Layout
    """Says which key a tile has."""
    writer: Writer
    """Decodes its tiles."""
    files: StoredFiles
    """Its files, read by key."""
    manifest: Manifest | None
    """The record of the run that made it; None where there is none."""
    workers: int
    """The most threads that a check may keep busy."""
    absent: Absence
    """The tiles that its manifest says are left out because they are blank."""

    @property
    def target(self) -> str:
        """Where it is, for people: its descriptor, its archive or its folder."""
        return self.location.shown(self.descriptor_key)

    @property
    def associated_folder(self) -> str:
        """The folder of the associated images, where the run was asked for any."""
        return self.location.associated_folder(self.files.name)

    @property
    def tile_count(self) -> int:
        """Number of tiles on all levels that the layout keeps."""
        return sum(self.pyramid.grid(level).area for level in self.layout.levels)

    def decode(self, tile: TileAddress) -> Pixels:
        """Return the pixels of ``tile`` without what its layout has padded it with; of an absent one, the background.

        `CheckError` if it is damaged or of another size, `KeyError` if it is missing.
        """
        kept, box = self.stored_size(tile), self.pyramid.tile_box(tile)
        if tile in self.absent:
            from tileframe.pixels import plain  # here, for a start of the command line does without numpy

            return plain(box.height, box.width, self.absent.background)
        data = self.files.get(self.layout.key(tile))
        size = self.writer.size(data)
        if size not in (kept, box.size):  # by its header: a small file can hold a picture that no memory holds
            raise CheckError(f"the tile is {size}, not {kept}")
        return self.writer.decode(data)[: box.height, : box.width]

    def stored_size(self, tile: TileAddress) -> Size:
        """Return how large ``tile`` is as it is kept."""
        return stored_size(self.layout, self.pyramid, tile)

    def close(self) -> None:
        """Release what is open."""
        self.files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Check(Protocol):
    """Looks at a finished pyramid and says what is wrong with it."""

    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterable[Finding]:
        """Yield what is wrong; tell ``progress`` the numbers of tiles and pixels looked at so far.

        Damage is a `Finding`, never an exception. Memory must not grow with the pyramid.
        """


class Viewer(Protocol):
    """Writes a page in which a browser shows pyramids."""

    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        """Return where the page for pyramids at ``locations``, one or two, will be; they need not exist yet.

        `OptionError` for locations that it writes no pages beside, such as buckets; `OutputError` if it cannot be
        written there, or if another's file is there and is not to be overwritten; `PluginError` if a part of it is
        missing. A page of the viewer's own is always replaced.
        """

    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        """Write the page of one pyramid, or of two with what was found between them; return where it is."""
