"""Tells the files of a pyramid from those of strangers, by their names and their beginnings."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

from tileframe import CheckError, InputError, Layout, Location, StoredFiles, Target
from tileframe.ledger import parse_digests
from tileframe_storage.szi import SCAN_PROPERTIES

STRAY = frozenset({"vips-properties.xml", ".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that dzsave and file managers add to the folders of a pyramid."""
PICTURES = frozenset({".jpeg", ".jpg", ".png", ".webp", ".avif", ".jxl", ""})
"""Suffixes of associated images."""
MANIFEST_SCHEMA = "tileframe-manifest/"
# In bytes, as far as such files are looked at.
DESCRIPTOR_LIMIT, MANIFEST_LIMIT, LINE_LIMIT = 1 << 20, 1 << 24, 1 << 16


def files_of(target: Target) -> list[str]:
    """Return the names, in the target's folder, of all that a pyramid of loose files may consist of."""
    location, layout = target.location, target.layout
    beside = [location.digests_key, location.manifest_key, location.associated_folder()]
    keys = [*layout.descriptor(), layout.folder, *beside]
    return list(dict.fromkeys(top(key) for key in keys))


def top(key: str) -> str:
    """Return the first part of ``key``: a file or a folder beside the descriptor."""
    return key.partition("/")[0]


def is_of_the_tiles(key: str, layout: Layout) -> bool:
    """Say whether ``key``, below the folder of the tiles, is a file of any pyramid of that layout, or a stray one."""
    return key.rpartition("/")[2] in STRAY or key in layout.descriptor() or layout.owns(key)


def is_list_of_digests(beginning: bytes, layout: Layout) -> bool:
    """Say whether a file that begins so is the list of the digests of a pyramid in the layout's folder."""
    try:
        key, _ = next(parse_digests([beginning[:LINE_LIMIT].partition(b"\n")[0]]))
    except CheckError:
        return False
    return key.startswith(f"{layout.folder}/")


def is_manifest(data: bytes) -> bool:
    """Say whether ``data`` is the record of a run."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and str(record.get("schema", "")).startswith(MANIFEST_SCHEMA)


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


def strange_in(stored: StoredFiles, target: Target) -> str | None:
    """Say what an archive holds that no pyramid of the target's layout does, or lacks; None for nothing.

    It may have been renamed: its files bear the name of the folder in it.
    """
    layout = target.layout
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
            return f"holds '{member}'"
    try:
        same = all(
            same_kind(text, stored.get(stored.name + key.removeprefix(ours))) for key, text in descriptors.items()
        )
    except (KeyError, InputError):
        same = False
    return None if found and same else "holds no descriptor of this layout"
