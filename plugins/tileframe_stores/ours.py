"""What may be replaced at a target: the files of a pyramid of the same layout, and nothing else."""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from pathlib import Path, PurePosixPath

from tileframe import CheckError, InputError, Layout, Location, OutputError, Target
from tileframe.ledger import parse_digests
from tileframe_stores.loose import walk
from tileframe_stores.stored_archive import StoredArchive
from tileframe_stores.szi import SCAN_PROPERTIES

STRAY = frozenset({"vips-properties.xml", ".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that dzsave and file managers add to the folders of a pyramid."""
PICTURES = frozenset({".jpeg", ".jpg", ".png", ".webp", ".avif", ".jxl", ""})
"""Suffixes of associated images."""
MANIFEST_SCHEMA = "tileframe-manifest/"
PAGE = b'<meta name="generator" content="tileframe '
"""In the head of every page that a viewer of tileframe's has made."""
# In bytes, as far as such files are looked at.
PAGE_LIMIT = 2048
DESCRIPTOR_LIMIT, MANIFEST_LIMIT, LINE_LIMIT = 1 << 20, 1 << 24, 1 << 16


def files_of(target: Target) -> list[str]:
    """Return the names, in the target's folder, of all that a pyramid of loose files may consist of."""
    location, layout = target.location, target.layout
    beside = [location.digests_key, location.manifest_key, location.associated_folder()]
    keys = [*layout.descriptor(), layout.folder, *beside]
    return list(dict.fromkeys(top(key) for key in keys))


def page_of(target: Target) -> str | None:
    """Return the name of the page that shows the pyramid at the target, and would not show another; None for none."""
    page = target.location.page
    try:
        with page.open("rb") as file:
            return page.name if PAGE in file.read(PAGE_LIMIT) else None
    except OSError:
        return None


def top(key: str) -> str:
    """Return the first part of ``key``: a file or a folder beside the descriptor."""
    return key.partition("/")[0]


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
            _refuse_strange_digests(path, target.layout)
        elif name == target.location.manifest_key:
            _refuse_strange_manifest(path)
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
    try:
        with closing(StoredArchive(target.location)) as stored:
            _refuse_strange_members(stored, target)
    except InputError as error:
        raise OutputError(f"{error}; it is no archive of a pyramid, and is not overwritten; move it away") from error


def same_kind(ours: bytes, theirs: bytes) -> bool:
    """Say whether two descriptors are of the same layout, whatever pyramids they describe.

    XML by its root element and namespace, JSON objects by their context or else their names, other texts by all
    but their numbers.
    """
    return _kind(ours) == _kind(theirs)


def _kind(descriptor: bytes) -> tuple[str, ...]:
    text = descriptor.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    root = re.match(r"(?>(?:<\?.*?\?>\s*|<!--.*?-->\s*)*)<([A-Za-z_][\w.:-]*)([^>]*)>", text, re.DOTALL)
    if root:
        namespace = re.search(r"""xmlns\s*=\s*["']([^"']*)""", root[2])
        # The year at its end aside: Deep Zoom's has been 2008 and 2009.
        return "xml", root[1], namespace[1].rstrip("0123456789") if namespace else ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "text", re.sub(r"[0-9]+", "0", text)
    if isinstance(value, dict):
        return "json", *([str(value["@context"])] if "@context" in value else sorted(value))
    return "json", type(value).__name__


def _refuse_strange_folder(path: Path, target: Target) -> None:
    if not path.is_dir():
        raise OutputError(f"{path}: is no folder, and is not overwritten; move it away")
    layout, descriptors = target.layout, target.layout.descriptor()
    try:
        for entry, key in walk(str(path), path.name):
            known = entry.name in STRAY or key in descriptors or layout.owns(key)
            if entry.is_symlink() or not known:
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


def _refuse_strange_digests(path: Path, layout: Layout) -> None:
    try:
        key, _ = next(parse_digests([_beginning(path, LINE_LIMIT).partition(b"\n")[0]]))
    except CheckError:
        key = ""
    if not key.startswith(f"{layout.folder}/"):
        raise OutputError(f"{path}: is no list of this pyramid's digests, and is not overwritten; move it away")


def _refuse_strange_manifest(path: Path) -> None:
    try:
        record = json.loads(_beginning(path, MANIFEST_LIMIT))
    except (ValueError, RecursionError):
        record = None
    if not (isinstance(record, dict) and str(record.get("schema", "")).startswith(MANIFEST_SCHEMA)):
        raise OutputError(f"{path}: is no record of a run, and is not overwritten; move it away")


def _refuse_strange_members(stored: StoredArchive, target: Target) -> None:
    """An archive may have been renamed: its files bear the name of the folder in it."""
    path, layout = target.location.path, target.layout
    ours, theirs = target.location.name, Location("file", "", stored.name)
    others = {theirs.digests_key, theirs.manifest_key, f"{stored.name}.html", SCAN_PROPERTIES}
    descriptors = layout.descriptor()
    found = False
    for member in stored.keys(""):
        name = PurePosixPath(member).name
        key = ours + member[len(stored.name) :] if member.startswith(stored.name) else member
        if key in descriptors or layout.owns(key):
            found = True
        elif not (member in others or name in STRAY or member.startswith(f"{target.location.associated_folder()}/")):
            raise OutputError(f"{path}: holds '{member}', and is not overwritten; move it away")
    try:
        same = all(
            same_kind(text, stored.get(stored.name + key.removeprefix(ours))) for key, text in descriptors.items()
        )
    except (KeyError, InputError):
        same = False
    if not (found and same):
        raise OutputError(f"{path}: holds no descriptor of this layout, and is not overwritten; move it away")


def _beginning(path: Path, limit: int) -> bytes:
    """Return a file's first ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise OutputError(f"{path}: cannot be read, and is not overwritten ({error.strerror})") from error


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path}: exists; give --overwrite to replace the pyramid, or another output")
