"""Where a pyramid is, or will be, parsed once from what the user wrote; and the names of all that belongs to it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from tileframe.errors import OptionError
from tileframe.frozen import dataclass

# Of archives: a folder that bears such a name is not what anybody asked for.
ARCHIVES = frozenset(
    {"7z", "ar", "arj", "br", "bz2", "cab", "cpio", "dz", "gz", "iso", "jar", "lz", "lz4", "lzma", "rar", "sit"}
    | {"szi", "tar", "tbz2", "tgz", "txz", "xz", "z", "zip", "zst"}
)
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)  # two letters at least: C:\ is a drive
ONE_SLASH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")  # what a `Path` makes of an address


@dataclass(frozen=True)
class Location:
    """A place for one pyramid: ``out/slide.dzi``, ``slide.szi``, ``s3://bucket/folder/slide.dzi``."""

    scheme: str
    """``file``, ``s3``, ..."""
    folder: str
    """A path, or what stands between ``://`` and the name."""
    name: str
    """Of the pyramid: ``slide``."""
    container: str = ""
    """The suffix of the archive that holds it, as the user wrote it: ``szi``, ``ZIP``; empty for loose files."""

    @property
    def path(self) -> Path:
        """The archive, or, for loose files, what all their names begin with: ``out/slide``; of the scheme ``file``."""
        return Path(self.folder, f"{self.name}.{self.container}" if self.container else self.name)

    @property
    def manifest_key(self) -> str:
        """The key of the record of the run."""
        return f"{self.name}.tileframe.json"

    @property
    def digests_key(self) -> str:
        """The key of the list of the tiles' digests, as `sha256sum` writes it."""
        return f"{self.name}.sha256"

    def associated_folder(self, name: str | None = None) -> str:
        """Return the folder of the associated images, for the pyramid ``name`` if that is another; as SZI names it."""
        return "associated_images" if self.container else f"{self.name if name is None else name}_associated"

    @property
    def page(self) -> Path:
        """Where the page to look at the pyramid in belongs; of the scheme ``file``."""
        return Path(self.folder, f"{self.name}.html")

    def shown(self, key: str) -> str:
        """Return for people where ``key`` is: the archive it is in, or its own path or address."""
        return str(self) if self.container else self._joined(key)

    def __str__(self) -> str:
        return self._joined(f"{self.name}.{self.container}" if self.container else self.name)

    def _joined(self, last: str) -> str:
        if self.scheme == "file":
            return str(Path(self.folder, last))
        return f"{self.scheme}://{self.folder}/{last}" if self.folder else f"{self.scheme}://{last}"


@dataclass(frozen=True)
class Served:
    """What locations there can be, by what is installed."""

    schemes: Collection[str]
    containers: Collection[str]
    """The suffixes of the archives that some store serves."""
    descriptors: Mapping[str, str]
    """The descriptor of each layout that has one, as ``{name}.dzi``."""


def parse_location(text: str, served: Served, *, default_name: str = "", layout: str | None = None) -> Location:
    """Return the location that ``text`` names: a name, a descriptor, an archive, or a folder with a slash.

    The descriptor is that of ``layout``, or of any layout where that is None. `OptionError` for a scheme or an archive
    that nobody serves, for the descriptor of another layout, and where there is no name.
    """
    scheme, rest = "file", text
    if match := SCHEME.fullmatch(text):
        scheme, rest = match[1].lower(), match[2]
        refuse_secrets(scheme, rest)
    elif (match := ONE_SLASH.match(text)) and match[1].lower() in served.schemes:
        refuse_secrets(match[1].lower(), text[match.end() :])
        right = f"{match[1]}://{text[match.end() :]}, as text"
        raise OptionError(f"{text}: is a local folder by its name, and by its looks an address; give {right}")
    if scheme not in served.schemes:
        known = ", ".join(sorted(served.schemes))
        raise OptionError(f"{text}: no store serves '{scheme}://' (have: {known})")
    if not text or "\0" in text:
        raise OptionError(f"{text!r} is no name of an output; give FOLDER/NAME")
    folder, last = _split(scheme, rest)
    if last in ("", ".", ".."):
        return Location(scheme, rest if scheme == "file" else folder, default_name)
    found = _location(scheme, folder, last, served, layout, text)
    return found if found.name else replace(found, name=default_name)


def refuse_secrets(scheme: str, rest: str) -> None:
    """Raise `OptionError`, without a word of it, if an address holds a user, a password or a signature."""
    if "@" in rest.partition("/")[0] or re.search(r"[?&](sig|X-Amz-[A-Za-z]+|X-Goog-[A-Za-z]+)=", rest, re.IGNORECASE):
        right = "give them to the environment, as the vendor's own tools want it"
        raise OptionError(f"{scheme}://...: has a user, a password or a signature in it; {right}")


def _location(scheme: str, folder: str, last: str, served: Served, layout: str | None, text: str) -> Location:
    """Return the location of the file ``last``; its name is empty where ``last`` is a suffix alone."""
    # Its own first: two layouts may have the same.
    for other, descriptor in sorted(served.descriptors.items(), key=lambda item: item[0] != layout):
        named = _described(scheme, folder, last, descriptor)
        if named is not None and layout not in (None, other):
            right = f"give {Location(scheme, *named)}" if named[1] else "give FOLDER/NAME"
            raise OptionError(f"{text}: is a descriptor of the layout {other}, not of {layout}; {right}")
        if named is not None and (layout is not None or "/" not in descriptor):
            return _checked(Location(scheme, *named), text)
    match = re.fullmatch(r"(.*?)\.((?:tar\.)?[^.]*)", last, re.DOTALL | re.IGNORECASE)
    if match is None:
        return Location(scheme, folder, last)
    if match[2].lower() in served.containers:
        return _checked(Location(scheme, folder, match[1], match[2]), text)
    if match[2].lower().rpartition(".")[2] in ARCHIVES:
        known = ", ".join(f".{name}" for name in sorted(served.containers)) or "none"
        raise OptionError(f"{text}: no store serves .{match[2].lower()} archives (have: {known})")
    return Location(scheme, folder, last)


def _described(scheme: str, folder: str, last: str, descriptor: str) -> tuple[str, str] | None:
    """Return folder and name of the pyramid whose ``descriptor`` the file ``last`` is; None if it is none."""
    ending = descriptor.removeprefix("{name}")
    if not ending.startswith("/"):
        return (folder, last[: -len(ending)]) if last.lower().endswith(ending.lower()) else None
    above, name = _split(scheme, folder)
    return (above, name) if last == ending[1:] and name not in ("", ".", "..") else None


def _split(scheme: str, path: str) -> tuple[str, str]:
    """Return the folder of ``path``, and its last part, which is empty behind a slash."""
    head, last = os.path.split(path) if scheme == "file" else path.rpartition("/")[::2]
    return (str(Path(head)) if scheme == "file" else head), last


def _checked(location: Location, text: str) -> Location:
    if location.name in (".", ".."):
        raise OptionError(f"{text}: '{location.name}' is no name of a pyramid; give FOLDER/NAME")
    return location
