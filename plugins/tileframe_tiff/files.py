"""One open file that many threads read from."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import BinaryIO

from tileframe import InputError
from tileframe_tiff import HEADS


class SharedFile:
    """Reads bytes at any place, from any thread, until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = path.open("rb", buffering=0)
        self._lock = threading.Lock()

    def read(self, offset: int, count: int) -> bytes:
        """Return exactly ``count`` bytes; `InputError` if it was closed or has fewer there."""
        file = self._file
        if file is None:
            raise InputError(f"{self.path}: was closed")
        try:
            # Windows has no pread.
            found = os.pread(file.fileno(), count, offset) if hasattr(os, "pread") else self._sought(offset, count)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}: cannot be read at byte {offset} ({error})") from error
        if len(found) != count:
            raise InputError(f"{self.path}: is cut short; {len(found)} of {count} bytes are there at byte {offset}")
        return found

    def is_tiff(self) -> bool:
        """Say whether it begins as a TIFF does, classic or big, of either byte order."""
        return self._sought(0, 4) in HEADS

    def refuse_cut(self, end: int) -> None:
        """Raise `InputError` if the file is shorter than ``end`` bytes."""
        size = 0 if self._file is None else os.fstat(self._file.fileno()).st_size
        if end > size:
            raise InputError(f"{self.path}: the TIFF is cut short; it should have {end} bytes and has {size}")

    def refuse_closed(self) -> None:
        """Raise `InputError` if the file was closed."""
        if self._file is None:
            raise InputError(f"{self.path}: was closed")

    def close(self) -> None:
        """Close the file; a later `read` raises."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _sought(self, offset: int, count: int) -> bytes:
        with self._lock:
            if self._file is None:
                return b""
            self._file.seek(offset)
            pieces = []
            while count > 0 and (piece := self._file.read(count)):
                pieces.append(piece)
                count -= len(piece)
        return b"".join(pieces)
