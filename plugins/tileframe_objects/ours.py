"""What may be replaced or removed in a bucket: the objects of a pyramid of the same layout, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tileframe import OutputError, Target
from tileframe_objects.bucket import Bucket
from tileframe_storage.kinds import (
    DESCRIPTOR_LIMIT,
    LINE_LIMIT,
    MANIFEST_LIMIT,
    PICTURES,
    is_list_of_digests,
    is_manifest,
    is_of_the_tiles,
    same_kind,
)


def heads(target: Target) -> list[str]:
    """Return the keys by which a pyramid is seen and known, in the order in which they are to go."""
    location = target.location
    return [*reversed(list(target.layout.descriptor())), location.manifest_key, location.digests_key]


def first_head(target: Target) -> str:
    """Return the key of the object without which there is no pyramid: the descriptor, or else the manifest."""
    return heads(target)[0]


def tiles_and_pictures(bucket: Bucket, target: Target) -> Iterator[str]:
    """Yield every other key that is, or may be, of the pyramid at the target; strangers' are among them."""
    seen = set(heads(target))
    for folder in (target.layout.folder, target.location.associated_folder()):
        for key in bucket.keys(folder):
            if key not in seen:
                yield key


def is_ours(key: str, target: Target) -> bool:
    """Say whether an object below one of a pyramid's folders can be one of its files."""
    folder = target.location.associated_folder()
    if key.startswith(f"{folder}/"):
        name = key[len(folder) + 1 :]
        dot = name.rfind(".")
        return "/" not in name and (name[dot:].lower() if dot > 0 else "") in PICTURES
    return is_of_the_tiles(key, target.layout)


def refuse(bucket: Bucket, target: Target, *, begun: bool) -> None:
    """Raise `OutputError` if an object that a run will write is there and is not to be overwritten, or not ours.

    Where the run has ``begun``, tiles are there, for they are its own.
    """
    for key in heads(target):
        if bucket.size(key) is not None:
            _refuse_existing(bucket, target, key)
            if what := strange(bucket, target, key):
                raise OutputError(f"{bucket.shown(key)}: is no {what}, and is not overwritten; move it away")
    for key in tiles_and_pictures(bucket, target):
        if not begun:
            _refuse_existing(bucket, target, key)
        if not is_ours(key, target):
            folder, _, name = key.partition("/")
            raise OutputError(f"{bucket.shown(folder)}: holds '{name}', and is not overwritten; move that away")


def _refuse_existing(bucket: Bucket, target: Target, key: str) -> None:
    if not target.overwrite:
        raise OutputError(f"{bucket.shown(key)}: exists; give --overwrite to replace the pyramid, or another output")


def strange(bucket: Bucket, target: Target, key: str) -> str | None:
    """Say what an object, by whose key a pyramid would be seen or known, is not; None for one of a pyramid's."""
    layout, location = target.layout, target.location
    try:
        if key == location.digests_key:
            known = is_list_of_digests(bucket.get(key, LINE_LIMIT), layout)
            return None if known else "list of this pyramid's digests"
        if key == location.manifest_key:
            return None if is_manifest(bucket.get(key, MANIFEST_LIMIT)) else "record of a run"
        known = same_kind(layout.descriptor()[key], bucket.get(key, DESCRIPTOR_LIMIT))
        return None if known else "descriptor of this layout"
    except KeyError:
        return None  # it has just gone


def remove(bucket: Bucket, target: Target, *, but: Callable[[str], bool] = lambda key: False) -> None:
    """Remove all that can be of a pyramid of the target's layout, the descriptor first."""
    for key in heads(target):
        if bucket.size(key) is not None and strange(bucket, target, key) is None and not but(key):
            bucket.delete([key])
    keys = tiles_and_pictures(bucket, target)
    bucket.delete(key for key in keys if is_ours(key, target) and not but(key))
