"""What may be replaced at a target: the files of a pyramid of the same layout, and nothing else."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from tileframe import InputError, OutputError, Target
from tileframe_storage.kinds import (
    DESCRIPTOR_LIMIT,
    LINE_LIMIT,
    MANIFEST_LIMIT,
    PICTURES,
    files_of,
    is_list_of_digests,
    is_manifest,
    is_of_the_tiles,
    same_kind,
    strange_in,
    top,
)
from tileframe_stores.loose import walk

PAGE = b'<meta name="generator" content="tileframe viewer '
"""In the head of every page of a pyramid that tileframe has written, and of no gallery."""
PAGE_LIMIT = 2048
"""In bytes, as far as such files are looked at."""


def page_of(target: Target) -> str | None:
    """Return the name of the page that shows the pyramid at the target, and would not show another; None for none."""
    page = target.location.page
    try:
        with page.open("rb") as file:
            return page.name if PAGE in file.read(PAGE_LIMIT) else None
    except OSError:
        return None


def refuse_loose(target: Target) -> None:
    """Raise `OutputError` if a file that a run will write is there, and is not to be overwritten, or not ours."""
    folder = target.location.path.parent
    there = [name for name in files_of(target) if os.path.lexists(folder / name)]
    if there and not target.overwrite:
        raise _exists(folder / there[0])
    for name in there:
        path = folder / name
        if path.is_symlink():
            raise OutputError(f"{path}: is a link, and is not overwritten; move it away")
        if name == top(target.layout.folder):
            _refuse_strange_folder(path, target)
        elif name == target.location.associated_folder():
            _refuse_strange_pictures(path)
        elif not path.is_file():
            raise OutputError(f"{path}: is no file, and is not overwritten; move it away")
        elif name == target.location.digests_key:
            if not is_list_of_digests(_beginning(path, LINE_LIMIT), target.layout):
                raise OutputError(f"{path}: is no list of this pyramid's digests, and is not overwritten; move it away")
        elif name == target.location.manifest_key and not is_manifest(_beginning(path, MANIFEST_LIMIT)):
            raise OutputError(f"{path}: is no record of a run, and is not overwritten; move it away")
    for key, ours in target.layout.descriptor().items():
        path = folder / key
        if os.path.lexists(path) and not same_kind(ours, _beginning(path, DESCRIPTOR_LIMIT)):
            raise OutputError(f"{path}: is no descriptor of this layout, and is not overwritten; move it away")


def refuse_archive(target: Target) -> None:
    """Raise `OutputError` if an archive is there, and is not to be overwritten, or holds something else."""
    path = target.location.path
    if not os.path.lexists(path):
        return
    if not target.overwrite:
        raise _exists(path)
    if path.is_symlink():
        raise OutputError(f"{path}: is a link, and is not overwritten; move it away")
    from tileframe_stores.stored_archive import StoredArchive  # here, for loose files do without

    try:
        with closing(StoredArchive(target.location)) as stored:
            if (strange := strange_in(stored, target)) is not None:
                raise OutputError(f"{path}: {strange}, and is not overwritten; move it away")
    except InputError as error:
        raise OutputError(f"{error}; it is no archive of a pyramid, and is not overwritten; move it away") from error


def _refuse_strange_folder(path: Path, target: Target) -> None:
    if not path.is_dir():
        raise OutputError(f"{path}: is no folder, and is not overwritten; move it away")
    try:
        for entry, key in walk(str(path), path.name):
            if entry.is_symlink() or not is_of_the_tiles(key, target.layout):
                raise OutputError(f"{path}: holds '{key.partition('/')[2]}', and is not overwritten; move that away")
    except OSError as error:
        raise OutputError(f"{path}: cannot be listed, and is not overwritten ({error.strerror})") from error


def _refuse_strange_pictures(path: Path) -> None:
    """Only files, and no folders: pictures of a slide under the names that it has for them."""
    if not path.is_dir():
        raise OutputError(f"{path}: is no folder, and is not overwritten; move it away")
    for entry in path.iterdir():
        if entry.is_symlink() or not entry.is_file() or entry.suffix.lower() not in PICTURES:
            raise OutputError(f"{path}: holds '{entry.name}', and is not overwritten; move that away")


def _beginning(path: Path, limit: int) -> bytes:
    """Return a file's first ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise OutputError(f"{path}: cannot be read, and is not overwritten ({error.strerror})") from error


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path}: exists; give --overwrite to replace the pyramid, or another output")
