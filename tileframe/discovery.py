"""Which plugins are installed, which of them an error came from, and whether they fit this version of tileframe."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path

from tileframe.distributions import distributions, loaded
from tileframe.errors import OptionError, PluginError
from tileframe.frozen import dataclass

GROUP = "tileframe"
"""The group of the entry points, and the distribution that the bundled plugins come in."""
LIMIT = "TILEFRAME_PLUGINS"
"""The environment variable that limits which are loaded."""
COMMANDS = "commands"
"""The bundled plugin with ``run`` and its sisters, which is loaded in any case."""
# Texts, for most starts need none of them compiled.
OURS = rf"(?i){GROUP}(?![\w.-])"
REMOTE_FRAME = r'(?m)^\s*File "(.+)", line \d+'


@dataclass(frozen=True)
class Installed:
    """A plugin that is installed: its entry point, and the distribution that it comes in."""

    name: str
    """By which it is listed and limited; its offers have names of their own."""
    place: str
    """``module``, or ``module:object``."""
    package: str
    version: str
    requires: tuple[str, ...]
    """What its distribution requires of tileframe, as in ``tileframe>=0.1,<0.2``."""

    @property
    def module(self) -> str:
        """The module that it is, or is an object of."""
        return self.place.partition(":")[0]

    def load(self) -> object:
        """Import it."""
        return loaded(self.place)

    def refuses(self) -> str | None:
        """Say why it cannot be used: its distribution requires another version of tileframe; None if it can."""
        for text in self.requires:
            versions, _, marker = text[len(GROUP) :].partition(";")
            versions = versions.rpartition("]")[2].strip(" ()")  # after its extras; older tools put it in brackets
            # Both are imported here, for most starts do without; packaging.requirements would take 20 ms.
            if marker:
                from packaging.markers import Marker

                if not Marker(marker).evaluate({"extra": ""}):
                    continue
            from packaging.specifiers import SpecifierSet

            if "@" not in versions and not SpecifierSet(versions).contains(own_version(), prereleases=True):
                return f"it needs {GROUP}{versions}, and this is {own_version()}"
        return None


@cache
def own_version() -> str:
    """Return the version of tileframe."""
    return distributions()[GROUP].version


def shown(name: str, package: str, release: str) -> str:
    """Return how messages name a plugin: with the distribution that it comes in, if it does."""
    return f"the plugin '{name}' ({package} {release})" if package else f"the plugin '{name}'"


def installed() -> list[Installed]:
    """Return all plugins that are installed, by name."""
    found = []
    for distribution in distributions().values():
        if places := distribution.entry_points(GROUP):
            package = "".join(distribution.headers("Name")) or distribution.name
            needs = () if package == GROUP else distribution.headers("Requires-Dist")
            facts = package, distribution.version, tuple(need for need in needs if re.match(OURS, need))
            found += [Installed(name, place, *facts) for name, place in places.items()]
    return sorted(found, key=lambda plugin: (plugin.name, plugin.package))


def chosen() -> list[Installed]:
    """Return those that are to be loaded: all, or those that ``TILEFRAME_PLUGINS`` names, and the bundled commands.

    `OptionError` if it names one that is not installed, `PluginError` for two of one name.
    """
    found = installed()
    wanted = {name.strip() for name in os.environ.get(LIMIT, "").split(",")} - {""}
    known = {plugin.name for plugin in found}
    if unknown := sorted(wanted - known):
        raise OptionError(f"{LIMIT} names '{unknown[0]}', which is not installed (have: {', '.join(sorted(known))})")
    loading = [plugin for plugin in found if not wanted or plugin.name in {*wanted, COMMANDS}]
    for one, other in pairwise(loading):
        if one.name == other.name:
            packages = f"'{one.package}' and '{other.package}'"
            raise PluginError(f"two packages have a plugin named '{one.name}': {packages}; uninstall one")
    return loading


def culprit(error: BaseException) -> Installed | None:
    """Return the plugin in whose code ``error`` was raised; None if that is tileframe's own, or a bundled plugin's.

    The innermost frame of any plugin decides. The core, and libraries, were called by it.
    """
    plugins = installed()
    for module in _modules(error):
        shared = [(_shared_names(module, plugin.module), plugin) for plugin in plugins]
        most, plugin = max(shared, key=lambda pair: pair[0], default=(0, None))
        if plugin is not None and most:
            return None if plugin.package == GROUP else plugin
    return None


def _modules(error: BaseException | None) -> Iterator[str]:
    """Yield the modules of the frames through which ``error`` came, innermost first; then those of its cause."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # one may be its own cause
        seen.add(id(error))
        # What was raised in another process has its traceback as text: in a note, or, as of Python's pool, a cause.
        remote = [*getattr(error, "__notes__", ())]
        if type(error.__cause__).__name__.endswith("RemoteTraceback"):
            remote.append(str(error.__cause__))
        yield from (_module_at(Path(path)) for path in reversed(re.findall(REMOTE_FRAME, "\n".join(remote))))
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        yield from (str(frame.f_globals.get("__name__", "")) for frame in reversed(frames))
        error = error.__cause__


def _module_at(path: Path) -> str:
    """Return the module in the file at ``path``, by the folder of `sys.path` that it is in; empty if it is in none."""
    folders = [Path(folder) for folder in sys.path if folder and path.is_relative_to(folder)]
    if not folders:
        return ""
    return ".".join(path.relative_to(max(folders, key=lambda folder: len(folder.parts))).with_suffix("").parts)


def _shared_names(module: str, other: str) -> int:
    """Return how many names two modules' paths share: a plugin may have all its code beside its hooks."""
    return sum(takewhile(bool, map(str.__eq__, module.split("."), other.split("."))))
