"""Load plugins, each on its own, into a `Registry`: a value that is passed down, never a global."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from tileframe import hookspecs
from tileframe.errors import OptionError, PluginError
from tileframe.offers import BackendPlugin, Plugin, ReaderPlugin, StorePlugin, WriterPlugin

if TYPE_CHECKING:
    import click

P = TypeVar("P", bound=Plugin[Any])

HOOK_OF = {kind: f"tileframe_{kind}s" for kind in ("reader", "writer", "store", "backend")}


@dataclass(frozen=True)
class Offer:
    """One offer, and the plugin that made it."""

    kind: str
    plugin: Plugin[Any]
    owner: str
    package: str
    version: str


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded."""

    owner: str
    reason: str


@dataclass(frozen=True)
class Registry:
    """Everything that the loaded plugins offer."""

    offers: tuple[Offer, ...]
    broken: tuple[Broken, ...]
    manager: pluggy.PluginManager

    @property
    def readers(self) -> list[ReaderPlugin]:
        """All readers, by name."""
        return self._all("reader", ReaderPlugin)

    @property
    def backends(self) -> list[BackendPlugin]:
        """All backends, the fastest first."""
        return sorted(self._all("backend", BackendPlugin), key=lambda offer: (-offer.speed, offer.name))

    def reader(self, name: str) -> ReaderPlugin:
        """Return the reader called ``name``; `OptionError`, listing the known ones, if there is none."""
        return self._one("reader", ReaderPlugin, name)

    def writer(self, name: str) -> WriterPlugin:
        """Return the tile format called ``name``; `OptionError`, listing the known ones, if there is none."""
        return self._one("writer", WriterPlugin, name, noun="format")

    def store(self, name: str) -> StorePlugin:
        """Return the store called ``name``; `OptionError`, listing the known ones, if there is none."""
        return self._one("store", StorePlugin, name)

    def backend(self, name: str) -> BackendPlugin:
        """Return the backend called ``name``; `OptionError`, listing the known ones, if there is none."""
        return self._one("backend", BackendPlugin, name)

    def add_commands(self, cli: click.Group) -> None:
        """Let plugins add their subcommands to ``cli``."""
        self.manager.hook.tileframe_add_commands(cli=cli)

    def _all(self, kind: str, record: type[P]) -> list[P]:
        offered = [offer.plugin for offer in self.offers if offer.kind == kind]
        return sorted((plugin for plugin in offered if isinstance(plugin, record)), key=lambda plugin: plugin.name)

    def _one(self, kind: str, record: type[P], name: str, *, noun: str | None = None) -> P:
        known = {plugin.name: plugin for plugin in self._all(kind, record)}
        if name in known:
            return known[name]
        for broken in self.broken:
            if broken.owner == name:
                raise PluginError(f"the plugin '{name}' is broken: {broken.reason}")
        raise OptionError(f"no {noun or kind} named '{name}' (have: {', '.join(known) or 'none'})")


def load(plugins: Sequence[object] = (), *, installed: bool = True) -> Registry:
    """Return what ``plugins`` and, if ``installed``, the entry points of the group ``tileframe`` offer.

    ``TILEFRAME_PLUGINS=a,b`` limits the entry points to those names. An entry point that cannot be loaded
    is recorded, not fatal; a misspelled hook, or one name offered twice, is a `PluginError`.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    broken: list[Broken] = []
    origins: dict[str, tuple[str, str]] = {}
    for entry in _entry_points() if installed else ():
        try:
            manager.register(entry.load(), entry.name)
        except Exception as error:  # a plugin may fail in any way, and must not stop the others
            broken.append(Broken(entry.name, _one_line(error)))
        else:
            origins[entry.name] = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
    for plugin in plugins:
        manager.register(plugin)
    _refuse_unknown_hooks(manager)
    offers = tuple(_offers(manager, origins, broken))
    _refuse_clashes(offers)
    return Registry(offers, tuple(broken), manager)


def _entry_points() -> list[EntryPoint]:
    found = sorted(entry_points(group=hookspecs.PROJECT), key=lambda entry: entry.name)
    wanted = os.environ.get("TILEFRAME_PLUGINS")
    if wanted is None:
        return found
    names = {name.strip() for name in wanted.split(",")}
    return [entry for entry in found if entry.name in names]


def _offers(
    manager: pluggy.PluginManager, origins: dict[str, tuple[str, str]], broken: list[Broken]
) -> Iterator[Offer]:
    for kind, hook in HOOK_OF.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            owner = implementation.plugin_name
            try:
                plugins = list(implementation.function())
            except Exception as error:  # as above: recorded and shown by `tileframe plugins`
                broken.append(Broken(owner, _one_line(error)))
                continue
            package, version = origins.get(owner, ("", ""))
            yield from (Offer(kind, plugin, owner, package, version) for plugin in plugins)


def _refuse_unknown_hooks(manager: pluggy.PluginManager) -> None:
    for name, plugin in manager.list_name_plugin():
        for caller in manager.get_hookcallers(plugin) or () if plugin else ():
            if not caller.has_spec():
                known = ", ".join(sorted(hook for hook in vars(hookspecs) if hook.startswith("tileframe_")))
                raise PluginError(f"the plugin '{name}' implements an unknown hook '{caller.name}' (have: {known})")


def _refuse_clashes(offers: Sequence[Offer]) -> None:
    first: dict[tuple[str, str], Offer] = {}
    for offer in offers:
        other = first.setdefault((offer.kind, offer.plugin.name), offer)
        if other is not offer:
            raise PluginError(
                f"two plugins offer a {offer.kind} named '{offer.plugin.name}': '{other.owner}' and '{offer.owner}'; "
                "uninstall one, or name those to load in TILEFRAME_PLUGINS"
            )


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
