"""What is served: the slides, pictures and finished pyramids that the given paths name, and nothing else.

Clients name them by an id of the catalogue. No path that a client writes reaches the file system.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tileframe
from tileframe import InputError, TileframeError
from tileframe_batch.finding import DATA_FOLDERS, LISTS, OF_PYRAMIDS, found, listed


@dataclass(frozen=True, slots=True)
class Entry:
    """A slide or a finished pyramid that is served."""

    id: str
    """In addresses: letters, digits and hyphens."""
    name: str
    """For people: the path below the folder that was given, with forward slashes."""
    target: str
    """Path or location."""
    is_pyramid: bool
    root: str | None = None
    """The folder, without links, that nothing served of it may leave; None for what was named itself."""
    was_there: bool = False
    """Whether there was such a file or folder on this machine when it was found."""

    def holds(self, path: str | Path) -> bool:
        """Say whether ``path`` is, links followed, where it may be."""
        return self.root is None or is_within(path, self.root)

    @property
    def is_gone(self) -> bool:
        """Whether it has been removed since it was found."""
        return self.was_there and not os.path.lexists(self.target)

    def state(self) -> tuple[int, ...] | None:
        """Return what tells that its file was replaced or changed; None where there is none on this machine."""
        try:
            found = os.stat(self.target)
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


class Catalogue:
    """The entries, by id."""

    def __init__(self, paths: Sequence[str], registry: Any) -> None:
        self._paths, self._registry = paths, registry
        self.entries: dict[str, Entry] = {}
        self.search()

    def search(self) -> None:
        """Look at the paths again; `InputError` for one that is not there, or if there is nothing at all."""
        entries = [entry for path in self._paths for entry in self._of(path)]
        if not entries:
            raise InputError(f"{self._paths[0]}: no slide and no pyramid is there")
        self.entries = {entry.id: entry for entry in sorted(entries, key=lambda entry: entry.name.casefold())}

    def refuse_missing(self) -> None:
        """Ask for what was named and is on no disk here; `InputError` for one that is not there."""
        for one in self.entries.values():
            if one.was_there or one.root is not None:
                continue
            try:
                if one.is_pyramid:
                    tileframe.open_pyramid(one.target, registry=self._registry).close()
                else:
                    self._registry.slide(one.target).state()
            except InputError:
                raise
            except TileframeError:  # it is there, and damaged: that is told to whoever asks for it
                continue

    def _of(self, text: str) -> Iterator[Entry]:
        path = Path(text)
        if path.is_dir() and not _is_folder_of_pyramid(path):
            root = os.path.realpath(path)
            pyramids = [one for one in _pyramids(path, self._registry) if is_within(one, root)]
            yield from (_entry(one, path, root, is_pyramid=True) for one in pyramids)
            yield from (_entry(one, path, root, is_pyramid=False) for one in self._slides(path) if _stays(one, root))
        elif tileframe.is_pyramid(text, self._registry):
            yield _entry(path, None, None, is_pyramid=True, target=text)
        elif not isinstance(slide := self._registry.slide(text), Path):
            yield _entry(Path(slide.name), None, None, is_pyramid=False, target=text)
        elif path.is_file():
            yield _entry(path, None, None, is_pyramid=False)
        else:
            raise InputError(f"{text}: no such file or folder")

    def _slides(self, folder: Path) -> Iterator[Path]:
        try:
            some = found([str(folder)], self._registry)
        except InputError:  # there is none
            return
        for one in some:
            # The index of several slides keeps pictures of its pyramids.
            if isinstance(one.path, Path) and one.below.name != "index_files" and one.path.exists():
                yield one.path


def is_within(path: str | Path, root: str) -> bool:
    """Say whether ``path``, links followed, is below the folder ``root``, which has none in it."""
    real = os.path.realpath(path)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _stays(slide: Path, root: str) -> bool:
    """Say whether a slide and the files beside it that its reader would open with it are below ``root``."""
    suffix, parts = slide.suffix.lower(), [slide]
    if suffix in DATA_FOLDERS:  # of which a link could lead anywhere
        parts.append(slide.with_name(DATA_FOLDERS[suffix].format(slide.stem)))
    elif suffix in LISTS:
        parts += listed(slide)
    return all(is_within(part, root) for part in parts)


def _entry(path: Path, folder: Path | None, root: str | None, *, is_pyramid: bool, target: str = "") -> Entry:
    name = path.name if folder is None else path.relative_to(folder).as_posix()
    real = target if "://" in target else os.path.realpath(path)
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:10]
    words = re.sub(r"[^a-z0-9]+", "-", path.stem.casefold())[:40].strip("-")
    target = target or str(path)
    return Entry(f"{words}-{digest}" if words else digest, name, target, is_pyramid, root, os.path.lexists(target))


def _is_folder_of_pyramid(folder: Path) -> bool:
    above, name = os.path.split(os.path.abspath(folder))
    signs = [os.path.join(above, f"{name}.tileframe.json"), *(os.path.join(folder, sign) for sign in OF_PYRAMIDS)]
    return any(os.path.isfile(sign) for sign in signs)  # none in a folder that may not be entered: a `Path` would raise


def _pyramids(folder: Path, registry: Any) -> Iterator[Path]:
    """Yield descriptors, archives and folders of finished pyramids below ``folder``."""
    containers = {name for store in registry.stores for name in store.containers} - {""}
    for above, folders, files in os.walk(folder):
        here = Path(above)
        stems = {name[: -len(".dzi")] for name in files if name.lower().endswith(".dzi")}
        own = {f"{stem}{ending}" for stem in stems for ending in ("_files", "_associated")}
        kept = sorted(name for name in folders if not name.startswith(".") and name not in own)
        folders[:] = [name for name in kept if not _is_folder_of_pyramid(here / name)]
        yield from (here / name for name in kept if name not in folders and name not in stems)
        for name in sorted(files):
            ending = name.lower().rpartition(".")[2]
            if name.startswith("."):
                continue
            if ending == "dzi" or (ending in containers and _is_archive_of_pyramid(here / name, registry)):
                yield here / name


def _is_archive_of_pyramid(path: Path, registry: Any) -> bool:
    """Say whether there is a pyramid in the archive, or one that is damaged; a zip file may hold anything."""
    if path.suffix.lower() == ".szi":
        return True
    try:
        tileframe.open_pyramid(path, registry=registry).close()
    except InputError:
        return False
    except TileframeError:
        return True
    return True
