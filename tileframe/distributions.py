"""The distributions that are installed, and what their metadata say.

`importlib.metadata` tells the same, and takes 50 ms of each start: it loads the parser of e-mails, and more.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import reduce
from importlib import import_module
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import importlib.metadata


class Distribution(NamedTuple):
    """One distribution; ``read`` returns the text of a file of its metadata, empty where there is none."""

    name: str
    """As names of files spell it."""
    read: Callable[[str], str]

    def headers(self, key: str) -> list[str]:
        """Return the values of all headers ``key``, as ``Requires-Dist``."""
        head = (self.read("METADATA") or self.read("PKG-INFO")).partition("\n\n")[0]
        return [line.partition(":")[2].strip() for line in head.split("\n") if line.startswith(f"{key}:")]

    @property
    def version(self) -> str:
        """Of its release."""
        return "".join(self.headers("Version"))

    def entry_points(self, group: str) -> dict[str, str]:
        """Return what is named by each entry point of ``group``, ``module`` or ``module:object``, by its name."""
        section = f"\n{self.read('entry_points.txt')}\n[".partition(f"\n[{group}]")[2].partition("\n[")[0]
        found = re.findall(r"^\s*([^#;=\s][^=\n]*?)[ \t]*=[ \t]*([\w.: \t]+)", section, re.MULTILINE)
        return {name: "".join(place.split()) for name, place in found}


def loaded(place: str) -> Any:
    """Import ``module:object`` or ``module``, as an entry point names it, and return that; `pkgutil` loads more."""
    module, _, name = place.partition(":")
    return reduce(getattr, filter(None, name.split(".")), import_module(module))


def distributions() -> dict[str, Distribution]:
    """Return all that are installed, by their `normal` names; of two of one name, the first on the path."""
    found: dict[str, Distribution] = {}
    # In a zip file or an egg, or known to another finder than Python's own.
    finders = (finder for finder in sys.meta_path if hasattr(finder, "find_distributions"))
    # The finder of the package importlib_metadata looks where Python's own does.
    others = any(one is not PathFinder and type(one).__module__ != "importlib_metadata" for one in finders)
    others |= any(str(place).endswith(".egg") or os.path.isfile(place) for place in sys.path)
    for one in _elsewhere() if others else _in_folders():
        found.setdefault(normal(one.name), one)
    return found


def normal(name: str) -> str:
    """Return the name of a distribution as all spellings of it have it: in lower case, with hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _in_folders() -> Iterator[Distribution]:
    for place in sys.path:
        with suppress(OSError):  # no folder, or one that cannot be read
            for name in os.listdir(place or "."):
                # With a tilde, it is what pip could not remove of one that it has replaced.
                if name.endswith((".dist-info", ".egg-info")) and not name.startswith("~"):
                    yield Distribution(re.split(r"-(?=\d)|\.egg-info", name)[0], _reader(f"{place or '.'}/{name}"))


def _reader(folder: str) -> Callable[[str], str]:
    def read(name: str) -> str:
        try:
            with open(f"{folder}/{name}", "rb", buffering=0) as file:  # a third of the time that a text takes
                return file.read().decode("utf-8", "replace").replace("\r\n", "\n")
        except OSError:
            return ""

    return read


def _elsewhere() -> Iterator[Distribution]:
    import importlib.metadata

    for one in importlib.metadata.distributions():
        found = Distribution("", _text_of(one))
        for name in found.headers("Name")[:1]:  # a folder of metadata that is left empty has none
            yield Distribution(name, found.read)


def _text_of(distribution: importlib.metadata.Distribution) -> Callable[[str], str]:
    def read(name: str) -> str:
        try:
            return distribution.read_text(name) or ""
        except UnicodeError:
            return ""

    return read
