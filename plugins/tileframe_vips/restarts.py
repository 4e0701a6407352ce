"""JPEGs with restart markers: rows that are decoded by themselves, each band with what it needs of its neighbours.

At a restart marker, decoding begins anew. Where one stands at the beginning of a row of MCUs, the smallest blocks of
pixels that are coded together, the rows from there on are a JPEG of their own, with the file's tables, and with their
height in the header. Chroma that is stored at half the height is interpolated from the rows above and below, so a band
is decoded with one row of MCUs more on each side, which is cut off. The pixels are those of decoding from the top.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from tileframe import Box, InputError
from tileframe.pixels import Pixels
from tileframe_damage.jpeg import is_damage, jpeg_damage
from tileframe_damage.restarts import Header, header_of, starts_of

MOST_ROWS = 256
"""Pixels from one place to the next at which decoding can begin, at most."""


class Bands:
    """The rows of a JPEG, to be decoded in any order and from any thread."""

    def __init__(self, path: Path, header: Header, starts: NDArray[np.int64]) -> None:
        """``starts`` are the places in the file where each step of rows begins, and the end of the last one."""
        self._path, self._header, self._starts = path, header, starts
        self._threads = threading.local()
        self._is_sound = False

    def read(self, box: Box) -> Pixels:
        """Return ``box`` as RGB8 or grey, ``(height, width, 3 or 1)``; `InputError` where data are lost.

        The array is overwritten by the next read of the same thread.
        """
        header = self._header
        high, rows, step = header.mcu.height, header.mcus.height, header.step
        first = max(0, box.y // high - 1) // step
        last = -(-min(rows, -(-box.bottom // high) + 1) // step)
        try:
            with self._path.open("rb") as file:
                file.seek(int(self._starts[first]))
                held = file.read(int(self._starts[last] - self._starts[first]))
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read ({error.strerror})") from error
        jpeg, shown = header.band(first, last, held)
        return self._decoded(jpeg, shown.height)[box.y - shown.y : box.bottom - shown.y, box.x : box.right]

    def _decoded(self, jpeg: bytes, height: int) -> Pixels:
        colours, samples = ("GRAY", 1) if self._header.is_grey else ("RGB", 3)
        needed = height * self._header.size.width * samples
        scratch: Pixels | None = getattr(self._threads, "scratch", None)
        if scratch is None or len(scratch) < needed:  # fresh memory costs as much as a fifth of decoding
            scratch = self._threads.scratch = np.empty(needed, np.uint8)
        try:
            found: Pixels = simplejpeg.decode_jpeg(jpeg, colorspace=colours, strict=True, buffer=scratch)
        except ValueError as error:
            # No more than this is said of a band, and it may be harmless: the whole file is looked at, once.
            said = None if self._is_sound else jpeg_damage(self._path.read_bytes())
            if said or is_damage(str(error)):
                raise InputError(f"{self._path}: {said or f'the JPEG is damaged ({error})'}") from error
            self._is_sound = True
            found = simplejpeg.decode_jpeg(jpeg, colorspace=colours, strict=False, buffer=scratch)
        return found


def bands_of(path: Path) -> Bands | None:
    """Return the bands of a JPEG; None if it has no restart markers where they would help, or not those it should have.

    What is odd in any way is left to who decodes from the top, and says what is wrong.
    """
    with path.open("rb") as file:
        header = header_of(file)
        if header is None or header.step * header.mcu.height > MOST_ROWS or header.step >= header.mcus.height:
            return None
        starts = starts_of(file, header)
    return None if starts is None else Bands(path, header, starts)
