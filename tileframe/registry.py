"""Load plugins, each on its own, into a `Registry`: a value that is passed down, never a global."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, field, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pluggy

from tileframe import hooks
from tileframe.discovery import GROUP, LIMIT, Installed, chosen, shown
from tileframe.errors import OptionError, PluginError, one_line
from tileframe.frozen import dataclass
from tileframe.locations import SCHEME, Location, Served, parse_location, refuse_secrets
from tileframe.options import NoOptions

if TYPE_CHECKING:
    import click

    from tileframe.pyramids import Viewer
    from tileframe.records import Spec
    from tileframe.slides import Slide

P = TypeVar("P", bound=hooks.Plugin[Any])

RECORDS: dict[str, type[hooks.Plugin[Any]]] = {
    "reader": hooks.ReaderPlugin, "origin": hooks.OriginPlugin, "colour": hooks.ColourPlugin,
    "writer": hooks.WriterPlugin, "layout": hooks.LayoutPlugin, "store": hooks.StorePlugin,
    "backend": hooks.BackendPlugin, "check": hooks.CheckPlugin, "executor": hooks.ExecutorPlugin,
    "viewer": hooks.ViewerPlugin,
}  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """One offer, and the plugin that made it."""

    kind: str
    """``reader``, ``writer``, ``layout``, ..."""
    plugin: hooks.Plugin[Any]
    """The record that the hook returned."""
    owner: str
    """The name of the plugin, as its entry point has it."""
    package: str
    """The distribution that it is installed by; empty for one that was given to `load`."""
    version: str
    """Of that package."""


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded."""

    owner: str
    """The name of the plugin, as its entry point has it."""
    reason: str
    """Why, in one line."""
    package: str = ""
    """The distribution that it is installed by; empty where that is not known."""
    version: str = ""
    """Of that package."""
    error: BaseException | None = field(default=None, compare=False, repr=False)
    """What it failed with; None if it was not tried."""

    @classmethod
    def by(cls, error: BaseException, name: str, found: Installed | None) -> Broken:
        """Return the record of the plugin ``name`` that failed with ``error``; ``found`` if it is installed."""
        package, version = (found.package, found.version) if found else ("", "")
        return cls(name, one_line(error), package, version, error)

    def __str__(self) -> str:
        return f"{shown(self.owner, self.package, self.version)} is broken: {self.reason}"


@dataclass(frozen=True)
class _All(Generic[P]):
    """A property of the registry: all plugins of one kind, by name."""

    record: type[P]

    def __get__(self, registry: Registry, owner: object) -> list[P]:
        return _of_kind(registry, self.record)


@dataclass(frozen=True)
class _One(Generic[P]):
    """A method of the registry: return the plugin of one kind that has a name; else `OptionError`, with those known."""

    record: type[P]
    noun: str

    def __get__(self, registry: Registry, owner: object) -> Callable[[str], P]:
        return partial(self._named, registry)

    def _named(self, registry: Registry, name: str) -> P:
        known = {plugin.name: plugin for plugin in _of_kind(registry, self.record)}
        if name in known:
            return known[name]
        for broken in registry.broken:
            if broken.owner == name:
                raise PluginError(str(broken)) from broken.error
        # One of them may be what was meant, for what they offer is not known.
        others = f"; broken: {', '.join(broken.owner for broken in registry.broken)}" if registry.broken else ""
        raise OptionError(f"no {self.noun} named '{name}' (have: {', '.join(known) or 'none'}{others})")


def _of_kind(registry: Registry, record: type[P]) -> list[P]:
    offered = [offer.plugin for offer in registry.offers]
    return sorted((plugin for plugin in offered if isinstance(plugin, record)), key=lambda plugin: plugin.name)


@dataclass(frozen=True)
class Registry:
    """Everything that the loaded plugins offer."""

    offers: tuple[Offer, ...]
    """What all plugins offer."""
    broken: tuple[Broken, ...]
    """The plugins that could not be loaded."""
    manager: pluggy.PluginManager
    """pluggy's, which calls the hooks."""
    installed: Mapping[str, Installed]
    """The plugins of the entry points, by name, the broken ones too."""

    readers = _All(hooks.ReaderPlugin)
    """All readers, by name."""
    origins = _All(hooks.OriginPlugin)
    """All origins of slides that are elsewhere, by name."""
    colours = _All(hooks.ColourPlugin)
    """All managers of colours, by name."""
    layouts = _All(hooks.LayoutPlugin)
    """All layouts, by name."""
    stores = _All(hooks.StorePlugin)
    """All stores, by name."""
    checks = _All(hooks.CheckPlugin)
    """All checks, by name."""
    executors = _All(hooks.ExecutorPlugin)
    """All executors, by name."""
    viewers = _All(hooks.ViewerPlugin)
    """All viewers, by name."""
    reader = _One(hooks.ReaderPlugin, "reader")
    """Returns the reader of a name; `OptionError` for an unknown one, with those there are."""
    writer = _One(hooks.WriterPlugin, "format")
    """Returns the tile format of a name; `OptionError` for an unknown one, with those there are."""
    layout = _One(hooks.LayoutPlugin, "layout")
    """Returns the layout of a name; `OptionError` for an unknown one, with those there are."""
    store = _One(hooks.StorePlugin, "store")
    """Returns the store of a name; `OptionError` for an unknown one, with those there are."""
    backend = _One(hooks.BackendPlugin, "backend")
    """Returns the backend of a name; `OptionError` for an unknown one, with those there are."""
    check = _One(hooks.CheckPlugin, "check")
    """Returns the check of a name; `OptionError` for an unknown one, with those there are."""
    executor = _One(hooks.ExecutorPlugin, "executor")
    """Returns the executor of a name; `OptionError` for an unknown one, with those there are."""
    viewer = _One(hooks.ViewerPlugin, "viewer")
    """Returns the viewer of a name; `OptionError` for an unknown one, with those there are."""

    @property
    def backends(self) -> list[hooks.BackendPlugin]:
        """All backends, the fastest first."""
        return sorted(_of_kind(self, hooks.BackendPlugin), key=lambda offer: (-offer.speed, offer.name))

    def slide(self, slide: str | Slide) -> Slide:
        """Return the slide that the user wrote: a path, or, for a URL whose scheme a plugin serves, what is there.

        `PluginError` if two plugins serve it, `OptionError` for one with a password in it.
        """
        match = SCHEME.fullmatch(slide) if isinstance(slide, str) else None
        serving = [offer for offer in self.origins if match and match[1].lower() in offer.schemes]
        if len(serving) > 1 and match:
            names = " and ".join(f"'{offer.name}'" for offer in serving)
            raise PluginError(f"two plugins read slides from {match[1]}://: {names}; name one in {LIMIT}")
        if serving and match:
            if match[1].lower() not in ("http", "https"):  # only such an address may be signed
                refuse_secrets(match[1], match[2])
            return serving[0].create(slide)
        return Path(slide) if isinstance(slide, str) else slide

    def location(self, text: str, *, default_name: str = "", layout: str | None = None) -> Location:
        """Return the location that the user wrote, for a pyramid of ``layout`` or, where that is None, of any.

        `OptionError` for a scheme or an archive that no store serves, and for the descriptor of another layout.
        """
        served = Served(
            schemes={scheme for store in self.stores for scheme in store.schemes},
            containers={name for store in self.stores for name in store.containers} - {""},
            descriptors={offer.name: offer.descriptor for offer in self.layouts if offer.descriptor},
        )
        return parse_location(text, served, default_name=default_name, layout=layout)

    def store_for(self, location: Location) -> hooks.StorePlugin:
        """Return the store that serves ``location``; `PluginError` if two do, `OptionError` if none does."""
        scheme, container = location.scheme, location.container.lower()
        serving = [store for store in self.stores if scheme in store.schemes and container in store.containers]
        if len(serving) == 1:
            return serving[0]
        if not serving:
            known = ", ".join(sorted({f"{scheme}://" for store in self.stores for scheme in store.schemes}))
            kind = f".{location.container} archives at" if location.container else "loose files at"
            raise OptionError(f"{location}: no store keeps {kind} {location.scheme}:// (have: {known or 'none'})")
        names = " and ".join(f"'{store.name}'" for store in serving)
        raise PluginError(f"{location}: two stores serve it: {names}; name those to load in TILEFRAME_PLUGINS")

    def viewer_for(self, layouts: Iterable[str], formats: Iterable[str], name: str | None = None) -> hooks.ViewerPlugin:
        """Return the viewer ``name``, or the first by name, that shows pyramids of these layouts and tile formats.

        `OptionError` if none does, with what it could show; `PluginError` if there is none.
        """
        offers = self.viewers if name is None else [self.viewer(name)]
        if not offers:
            raise PluginError("no viewer is installed; a page needs a plugin that offers one")
        for what, wanted in {"layout": set(layouts), "tile format": set(formats)}.items():
            shown_by = [offer.layouts if what == "layout" else offer.formats for offer in offers]
            able = [offer for offer, known in zip(offers, shown_by, strict=True) if not known or wanted <= set(known)]
            if not able:
                known = sorted({one for names in shown_by for one in names})
                other = ", ".join(sorted(wanted - set(known)) or sorted(wanted))
                who = "viewer" if name is None else f"viewer {name}"
                raise OptionError(f"no {who} shows the {what} {other} (it may be: {', '.join(known)})")
            offers = able
        return offers[0]

    def viewer_of(self, spec: Spec, name: str) -> Viewer:
        """Return the viewer ``name``, or the first if that is empty, that shows what ``spec`` asks for; else raise."""
        offer = self.writer(spec.format)
        encoding = offer.create(options=offer.resolved(spec.format_options, "format")).encoding
        return self.viewer_for([spec.layout], [encoding.format], name or None).create()

    def isolated(self) -> Registry:
        """Return this registry with readers that work in processes of their own; `PluginError` if none offers that."""
        wrap = next((offer.isolated for offer in _of_kind(self, hooks.ExecutorPlugin) if offer.isolated), None)
        if wrap is None:
            raise PluginError("no executor is installed that reads slides in other processes")
        offers = ((o, wrap(o.plugin) if isinstance(o.plugin, hooks.ReaderPlugin) else o.plugin) for o in self.offers)
        return replace(self, offers=tuple(replace(offer, plugin=plugin) for offer, plugin in offers))

    def add_commands(self, cli: click.Group) -> tuple[Broken, ...]:
        """Let plugins add their subcommands to ``cli``; return those that failed. A name taken twice is an error."""
        import click

        broken: list[Broken] = []
        for implementation in self.manager.hook.tileframe_add_commands.get_hookimpls():
            own, name = click.Group(), implementation.plugin_name
            try:
                implementation.function(own)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a plugin may fail in any way, and must not stop the others
                broken.append(Broken.by(error, name, self.installed.get(name)))
                continue
            for command_name, command in own.commands.items():
                if command_name in cli.commands:
                    raise PluginError(f"the plugin '{name}' adds a second command '{command_name}'")
                cli.add_command(command)
        return tuple(broken)


class _Manager(pluggy.PluginManager):
    """Looks closer at those names of a module alone that are marked: pluggy takes 10 µs for each."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        is_none = isinstance(plugin, ModuleType) and not hasattr(vars(plugin).get(name), f"{hooks.PROJECT}_impl")
        return None if is_none else super().parse_hookimpl_opts(plugin, name)


def load(plugins: Sequence[object] = (), *, installed: bool = True) -> Registry:
    """Return what ``plugins`` and, if ``installed``, the entry points of the group ``tileframe`` offer.

    ``TILEFRAME_PLUGINS=a,b`` limits the entry points to those names. One that cannot be loaded, or is made for another
    version of tileframe, is recorded, not fatal; a misspelled hook, or one name offered twice, is a `PluginError`.
    """
    manager = _Manager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    offers: list[Offer] = []
    broken: list[Broken] = []
    # The bundled ones first: of two commands of one name, the other package's is the second.
    entries = sorted(chosen() if installed else (), key=lambda plugin: plugin.package != GROUP)
    found = {plugin.name: plugin for plugin in entries}
    for name, entry in found.items():
        try:
            if reason := entry.refuses():
                broken.append(Broken(name, reason, entry.package, entry.version))
            else:
                offers += _register(manager, entry.load(), name, entry)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may fail in any way, and must not stop the others
            broken.append(Broken.by(error, name, entry))
    for plugin in plugins:
        name = str(manager.get_canonical_name(plugin))
        try:
            offers += _register(manager, plugin, name, None)
        except Exception as error:
            raise PluginError(str(Broken.by(error, name, None))) from error
    _refuse_unknown_hooks(manager)
    _refuse_clashes(offers)
    return Registry(tuple(offers), tuple(broken), manager, found)


def _register(manager: pluggy.PluginManager, plugin: object, name: str, found: Installed | None) -> list[Offer]:
    """Register one plugin and return its offers; if anything is wrong with it, it is not registered."""
    manager.register(plugin, name)
    try:
        if found is None and not manager.get_hookcallers(plugin):  # an installed one may have none on some systems
            raise TypeError(f"{plugin!r} has no hook: it is to be a module, or an object, with some below @hookimpl")
        package, version = (found.package, found.version) if found else ("", "")
        return [Offer(kind, offer, name, package, version) for kind, offer in _offered(manager, plugin)]
    except BaseException:
        manager.unregister(plugin)
        raise


def _offered(manager: pluggy.PluginManager, plugin: object) -> Iterator[tuple[str, hooks.Plugin[Any]]]:
    for kind, record in RECORDS.items():
        hook = f"tileframe_{kind}s"
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            if implementation.plugin is plugin:
                for offer in implementation.function():
                    if not isinstance(offer, record):
                        raise TypeError(f"{hook} offers {offer!r}, which is no {record.__name__}")
                    _refuse_odd_options(f"the {offer.noun} '{offer.name}'", getattr(offer, "options", NoOptions))
                    yield kind, offer


def _refuse_odd_options(owner: str, options: object) -> None:
    if not (isinstance(options, type) and is_dataclass(options)):
        raise TypeError(f"the options of {owner} are {options!r}, and no dataclass")
    if lacking := [option.name for option in fields(options) if option.default is MISSING]:
        raise TypeError(f"the option '{lacking[0]}' of {owner} has no default: tileframe.option gives it one")


def _refuse_unknown_hooks(manager: pluggy.PluginManager) -> None:
    for owner, plugin in manager.list_name_plugin():
        for caller in manager.get_hookcallers(plugin) or ():
            if not caller.has_spec():
                known = ", ".join(sorted(hook for hook in vars(hooks) if hook.startswith("tileframe_")))
                raise PluginError(f"the plugin '{owner}' implements an unknown hook '{caller.name}' (have: {known})")


def _refuse_clashes(offers: Sequence[Offer]) -> None:
    first: dict[tuple[str, str], Offer] = {}
    for offer in offers:
        other = first.setdefault((offer.kind, offer.plugin.name), offer)
        if other is not offer:
            raise PluginError(
                f"two plugins offer a {offer.kind} named '{offer.plugin.name}': '{other.owner}' and '{offer.owner}'; "
                f"uninstall one, or name those to load in {LIMIT}"
            )
