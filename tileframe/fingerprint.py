"""A digest by which a slide is known again, quick to take of a file of any size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tileframe.errors import InputError

CHUNKS, CHUNK = 64, 1 << 16


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The length of a file, and a digest of that and of 64 pieces of 64 kB spread over it: all of a small file."""

    length: int
    text: str

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Return the fingerprint of the file at ``path``; `InputError` if it cannot be read."""
        try:
            with path.open("rb") as file:
                length = file.seek(0, 2)
                digest = hashlib.sha256(str(length).encode())
                for index in range(CHUNKS):
                    spread = index * (length - CHUNK) // (CHUNKS - 1)
                    file.seek(index * CHUNK if length <= CHUNKS * CHUNK else spread)
                    digest.update(file.read(CHUNK))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        return cls(length, f"sampled-sha256:{digest.hexdigest()}")
