"""Which slides are meant by files, folders and patterns."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileframe import Fit, InputError, OptionError, Slide
from tileframe_batch.dicom import series_of

HEAD = 4096
"""Bytes of a file that a reader's ``guess`` is given."""
# Folders of a slide's data beside its main file: of 3DHISTECH, and of Olympus.
DATA_FOLDERS = {".mrxs": "{}", ".vsi": "_{}_"}
# Slides whose main file lists the others, as a Windows ini file: Hamamatsu.
LISTS = (".vms", ".vmu")
LARGEST_LIST = 1 << 20
# Endings by which a file is meant to be a slide, whatever is in it: that it cannot be read is to be told.
SUFFIXES = frozenset(
    {".svs", ".ndpi", ".scn", ".mrxs", ".vms", ".vmu", ".svslide", ".bif", ".dcm", ".czi", ".tif", ".tiff"}
    | {".jpg", ".jpeg", ".png"}
)
# Copies that are not finished, or not meant, as programs call them.
NO_SLIDES = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".bak", ".old", "~")
# Files by which the folder of a pyramid is known, of zoomify, iiif and our own.
OF_PYRAMIDS = ("ImageProperties.xml", "info.json")
OF_NAMES = ("_files", "_associated", "")


@dataclass(frozen=True, slots=True)
class Found:
    """A slide, and where it was found."""

    path: Slide
    below: Path
    """The folder that it is in, from the one that was given on; empty for a file that was given."""


def found(arguments: Sequence[str], registry: Any, *, except_in: Path | None = None) -> list[Found]:
    """Return the slides that ``arguments`` name, each once, in their order; folders and patterns sorted by name.

    In folders, slides are the files that a reader knows by their beginning, or that are called as slides are; of what
    consists of several files, one. Hidden ones, unfinished copies, finished pyramids and ``except_in`` are passed over.
    What names no slide is one that cannot be read. `InputError` if there is no slide at all.
    """
    slides: dict[str, Found] = {}
    empty: list[str] = []
    for argument in arguments:
        path = registry.slide(argument)
        if not isinstance(path, Path):
            slides.setdefault(argument, Found(path, Path()))
            continue
        if os.path.isdir(path):
            some = list(_in_folder(path, registry, except_in))
        elif os.path.exists(path) or "://" in argument or not any(sign in argument for sign in "*?["):
            some = [Found(path, Path())]
        else:
            matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]
            some = _without_parts([Found(match, Path()) for match in matches if os.path.isfile(match)])
            some += [one for match in matches if os.path.isdir(match) for one in _in_folder(match, registry, except_in)]
        if not some:
            empty.append(argument)
        for one in some:
            slides.setdefault(os.path.realpath(f"{one.path}"), one)
    if not slides:
        raise InputError(f"{empty[0]}: no slide is there")
    return [*slides.values(), *(Found(Path(argument), Path()) for argument in empty)]


def _in_folder(folder: Path, registry: Any, except_in: Path | None) -> Iterator[Found]:
    kept = None if except_in is None else os.path.realpath(except_in)
    unread: list[OSError] = []
    for above, folders, files in os.walk(folder, onerror=unread.append):
        here = Path(above)
        data = {DATA_FOLDERS[path.suffix.lower()].format(path.stem) for path in map(Path, files)
                if path.suffix.lower() in DATA_FOLDERS}  # fmt: skip
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in data and not _is_pyramid(here, name)
            and (kept is None or os.path.realpath(here / name) != kept)
        )  # fmt: skip
        below = here.relative_to(folder)
        if kept is not None and os.path.realpath(here) == kept and below == Path():
            raise OptionError(f"{folder}: is the folder of the output, too; give another one")
        likely = [Found(here / name, below) for name in sorted(files)
                  if not name.startswith(".") and _is_known(here / name, registry)]  # fmt: skip
        yield from _without_parts(likely)
    for error in unread:  # as a slide, of which it will be said that it cannot be read
        path = Path(error.filename)
        yield Found(path, path.parent.relative_to(folder) if path != folder else Path())


def _is_pyramid(folder: Path, name: str) -> bool:
    """Say whether the folder ``name`` is one of a finished pyramid."""
    if any(os.path.isfile(folder / name / sign) for sign in OF_PYRAMIDS):
        return True
    stems = [name.removesuffix(ending) for ending in OF_NAMES if name.endswith(ending)]
    return any(os.path.isfile(folder / f"{stem}{ending}") for stem in stems for ending in (".dzi", ".tileframe.json"))


def _is_known(path: Path, registry: Any) -> bool:
    """Say whether the file is called as slides are, or a reader knows it; what anybody might try is no slide yet."""
    if path.name.lower().endswith(NO_SLIDES) or path.name.startswith("~$"):
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return True  # it will be said why it cannot be read
    return bool(head) and any(offer.fit(path, head) >= Fit.GOOD for offer in registry.readers)


def _without_parts(slides: Sequence[Found]) -> list[Found]:
    """Leave out files that are parts of another slide among them."""
    parts: set[Path] = set()
    series: dict[tuple[Path, str], list[Path]] = {}
    for path in (one.path for one in slides if isinstance(one.path, Path)):
        if path.suffix.lower() in LISTS:
            parts |= set(listed(path))
        elif (uid := series_of(path)) is not None:
            series.setdefault((path.parent, uid), []).append(path)
    for files in series.values():
        # The largest holds the base; whichever is opened, OpenSlide finds the others.
        files.remove(max(files, key=lambda path: (path.stat().st_size, path.name)))
        parts |= set(files)
    return [one for one in slides if one.path not in parts]


def listed(path: Path) -> Iterator[Path]:
    """Yield the files that the list ``path`` of a slide names; a value that is no name of a file is a path, too."""
    if not os.path.isfile(path):  # a pipe would be waited for
        return
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_LIST).decode("utf-8", "replace")
    except OSError:
        return
    for value in re.findall(r"^[^=\r\n]+=([^\r\n\0]+)", text, re.MULTILINE):
        yield path.parent / value.strip()
