"""An archive as a store: one zip file, made in ``.NAME.szi.partial`` beside the target, and shown by rename."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from zlib import crc32

from tileframe import Content, OutputError, Target, TileAddress
from tileframe_stores.durable import flush_folder
from tileframe_stores.exchange import show
from tileframe_stores.members import ARCHIVE, Members
from tileframe_stores.noted import Noted
from tileframe_stores.options import DiskOptions
from tileframe_stores.ours import page_of, refuse_archive
from tileframe_stores.owning import BEFORE
from tileframe_stores.removing import remove_tree
from tileframe_stores.scratch import Scratch
from tileframe_stores.zipformat import leading, text, unsafe

DESCRIPTORS, OTHERS = "descriptors", "others"
"""The first and the last group of members in the central directory; between them are the levels, from the top on."""


class ArchiveStore(Noted):
    """Keeps all files of a pyramid in one zip file, below a folder of the pyramid's name, not compressed."""

    def __init__(
        self, target: Target, options: DiskOptions | None = None, additions: Mapping[str, bytes] | None = None
    ) -> None:
        self._target = target
        self._sync = (options or DiskOptions()).sync
        self._additions = additions or {}
        self._path = target.location.path
        self._scratch = Scratch(self._path)
        self._before = self._scratch.path / BEFORE
        self._layout = target.layout
        self._folder = f"{target.location.name}/"
        self._seen = _Seen()
        self._members: Members | None = None
        self._is_committed = False

    @property
    def shared(self) -> bool:
        """No: one process writes the file."""
        return False

    def prepare(self) -> None:
        """Make the scratch folder; `OutputError` if the target exists, is being written, or cannot be."""
        self._refuse_name()
        self._scratch.open(self._target.resume)
        try:
            refuse_archive(self._target)
            if self._scratch.resumed:
                self._put_aside()
            self._members = Members(self._scratch.tree)
        except BaseException as error:
            self._scratch.give_up()
            raise self._scratch.explained(error) from error

    def _put_aside(self) -> None:
        """Begin a new archive beside the one that an unfinished run has left, or beside what was left of it before."""
        tree = self._scratch.tree
        if self._before.exists():
            remove_tree(tree)
        else:
            tree.rename(self._before)
        tree.mkdir()

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Yield the members that an unfinished run has appended, as far as they are whole."""
        start = len(self._folder.encode())
        try:
            with (self._before / ARCHIVE).open("rb") as file:
                for name, data in leading(file):
                    yield text(name[start:]), data
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._scratch.explained(error) from error

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Copy the members that are ``wanted`` into the new archive: from within a zip file nothing can be taken."""
        for key, data in self.stored():
            if wanted(key):
                self.put(key, data)
        self._flush()
        remove_tree(self._before)

    def note(self, entries: Sequence[bytes]) -> None:
        """Write what waits to be written, and then ``entries``."""
        self._flush()
        super().note(entries)

    def leave(self) -> str:
        """Close the archive, and leave the scratch folder with all that is in it."""
        if self._members is not None:
            self._members.close()
        return super().leave()

    def _flush(self) -> None:
        try:
            self._open().flush()
        except OSError as error:
            raise self._scratch.explained(error) from error

    def put(self, key: str, data: bytes) -> None:
        """Append ``data``; `OutputError` for a key that was put before, for nothing in a zip file can be replaced."""
        tile = self._layout.address(key)
        self._claim(key, tile)
        try:
            self._open().add(self._group(key, tile), (self._folder + key).encode(), data)
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def get(self, key: str) -> bytes:
        """Read from the unfinished archive. Searches the names of a whole level."""
        try:
            data = self._open().get(self._group(key, self._layout.address(key)), self._name(key))
        except OSError as error:
            raise self._scratch.explained(error, key) from error
        if data is None:
            raise KeyError(key)
        return data

    def keys(self) -> Iterator[str]:
        """Yield what the unfinished archive holds."""
        start = len(self._folder.encode())
        try:
            for name in self._open().names():
                yield text(name[start:])
        except OSError as error:
            raise self._scratch.explained(error) from error

    def commit(self, files: Mapping[str, Content]) -> None:
        """Append ``files`` and the central directory, and rename the archive to the target."""
        members = self._open()
        refuse_archive(self._target)
        key: str | None = None
        try:
            for key, content in {**self._additions, **files}.items():
                self._put_whole(members, key, content)
            key = None
            members.finish([DESCRIPTORS, *map(str, self._layout.levels), OTHERS], sync=self._sync)
            self._scratch.notes.remove()  # a moment later there is nothing to go on with
            if self._target.overwrite:
                if (page := page_of(self._target)) is not None and os.path.lexists(self._path):
                    (self._path.parent / page).unlink()
                os.replace(members.path, self._path)
            else:
                show(members.path, self._path)
            if self._sync:
                flush_folder(self._path.parent)
            self._is_committed = True
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def discard(self) -> None:
        """Remove the scratch folder, and the parent folders that were made for it, unless committed into."""
        if self._members is not None:
            self._members.close()
        self._scratch.close(committed=self._is_committed)

    def _open(self) -> Members:
        if self._is_committed:
            raise OutputError(f"{self._path}: was committed already")
        if self._members is None:
            raise OutputError(f"{self._path}: is not prepared")
        return self._members

    def _put_whole(self, members: Members, key: str, content: Content) -> None:
        tile = self._layout.address(key)
        self._claim(key, tile)
        if isinstance(content, bytes):
            members.add(self._group(key, tile), self._name(key), content)
            return
        crc = size = 0
        for piece in content:
            crc, size = crc32(piece, crc), size + len(piece)
        members.add_pieces(self._group(key, tile), self._name(key), crc, size, content)

    def _name(self, key: str) -> bytes:
        return (self._folder + key).encode()

    def _group(self, key: str, tile: TileAddress | None) -> str:
        if tile is not None:
            return str(tile.level)
        return DESCRIPTORS if key in self._layout.descriptor() else OTHERS

    def _claim(self, key: str, tile: TileAddress | None) -> None:
        if tile is None and unsafe(key.encode("utf-8", "replace")):
            raise OutputError(f"{key}: is no name for a file in an archive")
        if not self._seen.add(tile or key):
            raise OutputError(f"{key}: was put twice, and nothing in an archive can be replaced")

    def _refuse_name(self) -> None:
        name = self._target.location.name
        try:
            refused = unsafe(name.encode())
        except UnicodeEncodeError:
            refused = True
        if refused:
            raise OutputError(f"{self._path}: {name!a} is no name for a folder in an archive; give another output")


class _Seen:
    """Which tiles were put: a bit for each, for a set of 2,000,000 keys would cost 200 MB."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], bytearray] = {}
        self._others: set[str] = set()
        self._lock = threading.Lock()

    def add(self, item: TileAddress | str) -> bool:
        """Take note of a tile, or of a key that is no tile's; say whether it is new."""
        with self._lock:
            if isinstance(item, str):
                is_new = item not in self._others
                self._others.add(item)
                return is_new
            row, col = (item.level, item.row), item.col
            bits = self._rows.get(row)
            if bits is None:
                bits = self._rows[row] = bytearray()
            place, bit = col >> 3, 1 << (col & 7)
            if place >= len(bits):
                bits.extend(bytes(place + 1 - len(bits)))
            old = bits[place]
            bits[place] = old | bit
            return not old & bit
