"""A digest by which a slide is known again, quick to take of a file of any size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tileframe.errors import InputError
from tileframe.frozen import dataclass
from tileframe.slides import Slide

CHUNKS, CHUNK = 64, 1 << 16


@dataclass(frozen=True)
class Fingerprint:
    """The length of a file, and a digest of that and of 64 pieces of 64 kB spread over it: all of a small file."""

    length: int
    text: str
    version: str = ""
    """What a server says that tells its versions apart; empty for a file of this machine."""

    @classmethod
    def of(cls, slide: Slide) -> Fingerprint:
        """Return the fingerprint of ``slide`` as it is now; `InputError` if it cannot be read."""
        if not isinstance(slide, Path):
            length, version = slide.state()
            return cls(length, _digest(length, slide.pieces(_places(length), CHUNK)), version)
        try:
            with slide.open("rb") as file:
                length = file.seek(0, 2)
                pieces = (file.read(CHUNK) for place in _places(length) if file.seek(place) == place)
                return cls(length, _digest(length, pieces))
        except OSError as error:
            raise InputError(f"{slide}: cannot be read ({error.strerror})") from error


def _places(length: int) -> list[int]:
    """Return where the pieces of a file begin, those behind its end among them."""
    step = CHUNK * (CHUNKS - 1) if length <= CHUNKS * CHUNK else length - CHUNK
    return [index * step // (CHUNKS - 1) for index in range(CHUNKS)]


def _digest(length: int, pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256(str(length).encode())
    for piece in pieces:
        digest.update(piece)
    return f"sampled-sha256:{digest.hexdigest()}"
