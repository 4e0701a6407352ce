"""The folders that several runs write to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tileframe import Location


@contextmanager
def kept_folders(locations: Sequence[Location]) -> Iterator[None]:
    """Make the folders of ``locations``, and remove those at the end in which nothing is.

    A run removes those that it has made if it fails, which might be in the moment in which another begins there.
    """
    made: list[Path] = []
    folders = dict.fromkeys(Path(one.folder) for one in locations if one.scheme == "file")
    with suppress(OSError):  # each run says what is wrong with its own
        for folder in folders:
            made += [one for one in (folder, *folder.parents) if not one.exists()]
            folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for folder in sorted(made, key=lambda one: len(one.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()
