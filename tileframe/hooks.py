"""The hooks that a plugin may implement, and the records that it offers through them.

A plugin is a module (or any object) named by an entry point in the group ``tileframe``. Its hooks are
called once per command, never per tile. They *offer*: cheap records, whose ``make`` is called only when
the user picks the name. Importing the module must not import an image library; do that in ``make``.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import repeat
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args, get_origin, get_type_hints

import pluggy

from tileframe.distributions import loaded
from tileframe.errors import PluginError
from tileframe.frozen import dataclass
from tileframe.options import NoOptions, resolve

if TYPE_CHECKING:  # what else this names is loaded when it is used
    from concurrent.futures import Executor
    from pathlib import Path

    import click

    from tileframe.geometry import Pyramid
    from tileframe.job import Backend, Job
    from tileframe.locations import Location
    from tileframe.protocols import ColourManager, Layout, Reader, Store, StoredFiles, Writer
    from tileframe.pyramids import Check, Viewer
    from tileframe.records import Options, Spec
    from tileframe.slides import RemoteSlide

PROJECT = "tileframe"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

T = TypeVar("T", covariant=True)


@dataclass(frozen=True)
class Plugin(Generic[T]):
    """One offer of a plugin. ``make`` is called only when the user picks ``name``."""

    name: str
    """A lower-case word."""
    summary: str
    """For a line of help."""
    make: Callable[..., T]
    """With options of its own, it is given their record last."""

    interface: ClassVar[str] = "builtins:object"
    """What ``make`` has to return, as a protocol: its module and its name."""

    def create(self, *arguments: Any, options: Any = None) -> T:
        """Return the thing: ``make(*arguments)``, and, if it declares options, with their record or its defaults.

        `PluginError` if ``make`` takes other arguments, or returns something else.
        """
        record = getattr(self, "options", NoOptions)
        given = arguments if record is NoOptions else (*arguments, options or record())
        made: T = self.called(self.make, *given)
        try:
            refuse_lacking(made, loaded(self.interface), f"the {self.noun} '{self.name}' is broken: make returns")
        except PluginError:
            if hasattr(made, "shutdown"):
                made.shutdown(wait=False)  # else the threads of an executor would keep this process
            raise
        return made

    def called(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what one of its functions returns; `PluginError` if that takes other arguments."""
        try:
            return function(*arguments)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise
            raise PluginError(f"the {self.noun} '{self.name}' is broken: {error}") from error  # it was not even begun

    @property
    def noun(self) -> str:
        """What it offers, in messages: ``reader``, ``writer``, ..."""
        return self.interface.partition(":")[2].lower()

    def resolved(self, given: Options, kind: str) -> Any:
        """Return the record of its options with the values ``given``; `OptionError` for what is wrong with them."""
        return resolve(getattr(self, "options", NoOptions), given, f"{kind} {self.name}")


def refuse_lacking(made: object, interface: type, what: str) -> None:
    """Raise `PluginError` if ``made``, which a plugin returned, lacks a method or a property of ``interface``.

    Methods must be such that they can be called as those of the interface are.
    """
    # Of the class, where Python looks for __call__, and where a property need have no value yet.
    has = {name for kind in type(made).__mro__ for name in vars(kind)}
    for name, wanted in vars(interface).items():
        needed = name in ("__call__", "__enter__", "__exit__") or not name.startswith("_")
        if needed and name not in has and (name.startswith("_") or not hasattr(made, name)):
            raise PluginError(f"{what} {made!r}, which has no '{name}'")
        if needed and inspect.isfunction(wanted) and (reason := _uncallable(getattr(made, name, None), wanted)):
            raise PluginError(f"{what} {made!r}, whose '{name}' cannot be called as it will be: {reason}")


# Of the same few records and methods, in every run.
_hints, _signature = lru_cache(1024)(get_type_hints), lru_cache(1024)(inspect.signature)


def refuse_mistyped(record: object, kind: type, what: str) -> None:
    """Raise `PluginError` if ``record``, which a plugin gave, is no ``kind``, or a field of it, or in it, no such."""
    if fault := _mistyped(record, kind, what):
        raise PluginError(fault)


def _mistyped(value: Any, hint: Any, name: str) -> str | None:
    """Say which part of ``value``, called ``name``, is not of the type ``hint``; None if all is."""
    inside, kind, right = get_args(hint), get_origin(hint) or hint, hint is float and isinstance(value, int)
    if kind is tuple and isinstance(value, tuple | list):
        hints = inside[:1] * len(value) if inside[-1] is ... else inside
        right = len(value) == len(hints) and not any(map(_mistyped, value, hints, repeat(name)))
    elif isinstance(hint, UnionType):
        right = not all(_mistyped(value, one, name) for one in inside)
    elif isinstance(value, kind):
        parts = _hints(hint) if hasattr(hint, "__match_args__") else {}  # of a record
        faults = (_mistyped(getattr(value, part), one, f"{name}.{part}") for part, one in parts.items())
        return next(filter(None, faults), None)
    return None if right else f"{name} must be {hint if inside else kind.__name__}, not {value!r}"


def _uncallable(method: Any, wanted: Callable[..., object]) -> str | None:
    """Say why ``method`` cannot be called with what ``wanted``, a method of a protocol, takes; None if it can."""
    # What an object's method is made of, looked at in every run; it takes the object first, as ``wanted`` does.
    function = getattr(method, "__func__", None)
    takes = list(_signature(wanted).parameters.values())[function is None :]
    named = {one.name: one for one in takes if one.kind is one.KEYWORD_ONLY}
    try:
        with suppress(ValueError):  # of C: it does not tell
            found = _signature(function) if inspect.isfunction(function) else inspect.signature(function or method)
            found.bind(*(one for one in takes if one.kind < one.KEYWORD_ONLY), **named)
    except TypeError as error:
        return str(error)
    return None


class Fit(enum.IntEnum):
    """How well a reader suits a file, judged by its name and first bytes."""

    NONE = 0
    """It is no file for this reader, which is not asked to open it."""
    POSSIBLE = 1
    """It may open the file: a try, after all that fit better."""
    GOOD = 2
    """It opens the file as well as other readers do."""
    NATIVE = 3
    """It is made for the file's own format."""


@dataclass(frozen=True)
class ReaderPlugin(Plugin["Reader"]):
    """A way to open slides; ``make()`` returns the reader."""

    interface = "tileframe.protocols:Reader"
    guess: Callable[[Path, bytes], Fit]
    """Judges a file by its path, of what is elsewhere its name, and its first 4096 bytes. Opens nothing heavy."""
    options: type = NoOptions
    """A frozen dataclass of what can be chosen, its fields made by `tileframe.option`."""
    reads_ranges: bool = False
    """Whether `Reader.open` takes a `RemoteSlide` as well as a path; others are given the path of a copy."""

    def fit(self, path: Path, head: bytes) -> Fit:
        """Return what ``guess`` says of a file; `PluginError` for what is no `Fit`."""
        fit = self.called(self.guess, path, head)
        if not isinstance(fit, Fit):
            raise PluginError(f"the reader '{self.name}' is broken: guess returns {fit!r}, and no Fit")
        return fit


@dataclass(frozen=True)
class OriginPlugin(Plugin["RemoteSlide"]):
    """Where slides can be that are no files of this machine; ``make(url)`` returns one, and asks nobody yet."""

    interface = "tileframe.slides:RemoteSlide"
    schemes: tuple[str, ...] = ()
    """Of the URLs that it serves."""

    noun = "origin"


@dataclass(frozen=True)
class ColourPlugin(Plugin["ColourManager"]):
    """What manages colours; ``make()`` returns the manager."""

    interface = "tileframe.protocols:ColourManager"


@dataclass(frozen=True)
class WriterPlugin(Plugin["Writer"]):
    """A tile format; ``make()`` returns the writer."""

    interface = "tileframe.protocols:Writer"
    options: type = NoOptions
    """A frozen dataclass of what can be chosen, its fields made by `tileframe.option`."""


@dataclass(frozen=True)
class LayoutPlugin(Plugin["Layout"]):
    """A layout; ``make(name, suffix, pyramid)`` returns it for the pyramid ``name`` with tiles ending in ``suffix``."""

    interface = "tileframe.protocols:Layout"
    descriptor: str = ""
    """The key of the file by which a pyramid is named and found, as ``{name}.dzi``; empty for one without."""
    read: Callable[[bytes], tuple[Pyramid, str]] | None = None
    """Returns the pyramid that a descriptor describes and the suffix of its tiles; `CheckError` if it is none."""
    tile_size: int = 254
    """Where the user asks for none."""
    overlap: int = 1
    """Where the user asks for none; 0 also says that the layout can have none."""
    options: type = NoOptions
    """A frozen dataclass of what can be chosen, its fields made by `tileframe.option`."""


@dataclass(frozen=True)
class StorePlugin(Plugin["Store"]):
    """A place for pyramids; ``make(target)`` returns the store for a new one at the `tileframe.Target`."""

    interface = "tileframe.protocols:Store"
    open: Callable[[Location], StoredFiles]
    """Opens the finished pyramid there; `InputError` if there is nothing that can be read."""
    schemes: tuple[str, ...] = ("file",)
    """The schemes of the locations that it serves."""
    containers: tuple[str, ...] = ("",)
    """The suffixes of the archives that it serves; empty for loose files."""
    layouts: tuple[str, ...] = ()
    """The layouts that it can hold; empty for any."""
    options: type = NoOptions
    """A frozen dataclass of what can be chosen, its fields made by `tileframe.option`."""

    def opened(self, location: Location) -> StoredFiles:
        """Return what ``open`` does; `PluginError` for what has not all that files need."""
        from tileframe.protocols import StoredFiles

        files: StoredFiles = self.called(self.open, location)
        refuse_lacking(files, StoredFiles, f"the store '{self.name}' is broken: open returns")
        return files


@dataclass(frozen=True)
class CheckPlugin(Plugin["Check"]):
    """A check for ``tileframe verify``; ``make()`` returns it."""

    interface = "tileframe.pyramids:Check"


@dataclass(frozen=True)
class Choice:
    """Whether an executor is taken where the user leaves it open, and why."""

    is_taken: bool
    """Whether this executor does the work; threads do it if not."""
    reason: str
    """In a few words, for the plan and the report."""


@dataclass(frozen=True)
class ExecutorPlugin(Plugin["Executor"]):
    """A pool that does a backend's work; ``make(workers)`` returns a `concurrent.futures.Executor` for one run."""

    interface = "concurrent.futures:Executor"
    isolated: Callable[[ReaderPlugin], ReaderPlugin] | None = None
    """Returns a reader like the given one that opens and reads each slide in other processes, for ``--isolate``."""
    suits: Callable[[Job, Any], Choice | None] | None = None
    """Says of a job, by the `Registry`, whether it is better than threads, for ``--executor auto``; None: no word."""
    options: type = NoOptions
    """A frozen dataclass of what can be chosen, its fields made by `tileframe.option`."""


@dataclass(frozen=True)
class ViewerPlugin(Plugin["Viewer"]):
    """A page to look at pyramids in; ``make()`` returns what writes it."""

    interface = "tileframe.pyramids:Viewer"
    layouts: tuple[str, ...] = ()
    """The layouts that it can show; empty for any."""
    formats: tuple[str, ...] = ()
    """The tile formats that it can show, as `Encoding` names them; empty for any."""


@dataclass(frozen=True)
class BackendPlugin(Plugin["Backend"]):
    """An engine; ``make()`` returns the backend."""

    interface = "tileframe.job:Backend"
    speed: int
    """How fast it is beside the others; ``auto`` tries the largest first. The plain Deep Zoom way is 10."""
    passes_through: bool = False
    """Whether its base tiles are `Job.own_tile` where there is one; others are not taken for pass-through."""
    uses_executors: bool = False
    """Whether it works by `Job.in_order`; others are not taken where another executor than threads is asked for."""
    resumes: bool = False
    """Whether it works by `Job.unit`, so that a later run can go on; others begin anew."""
    quick: Callable[[Job], bool] | None = None
    """Says whether a job is so small that its start counts, and its own is short: ``auto`` then tries it first."""


@hookspec
def tileframe_readers() -> Sequence[ReaderPlugin]:  # type: ignore[empty-body]
    """Offer ways to open slides.

    Readers are ranked by what their ``guess`` says of a file, then by name. A reader that raises
    `UnsupportedInput` when it opens the file leaves it to the next one.
    """


@hookspec
def tileframe_origins() -> Sequence[OriginPlugin]:  # type: ignore[empty-body]
    """Offer to read slides that are no files of this machine, chosen by the scheme of their URL."""


@hookspec
def tileframe_colours() -> Sequence[ColourPlugin]:  # type: ignore[empty-body]
    """Offer to manage the colours of slides that hold a colour profile; there can be one offer in all."""


@hookspec
def tileframe_writers() -> Sequence[WriterPlugin]:  # type: ignore[empty-body]
    """Offer tile formats, chosen by ``--format NAME``."""


@hookspec
def tileframe_layouts() -> Sequence[LayoutPlugin]:  # type: ignore[empty-body]
    """Offer layouts, chosen by ``--layout NAME``; a finished pyramid's is found by its descriptor."""


@hookspec
def tileframe_stores() -> Sequence[StorePlugin]:  # type: ignore[empty-body]
    """Offer places for pyramids, chosen by the scheme and the archive's suffix of ``-o LOCATION``."""


@hookspec
def tileframe_backends() -> Sequence[BackendPlugin]:  # type: ignore[empty-body]
    """Offer engines, chosen by ``--backend NAME``; ``auto`` takes the one of the largest ``speed`` that can do it.

    Those that are ``quick`` for the job come before the others.
    """


@hookspec
def tileframe_executors() -> Sequence[ExecutorPlugin]:  # type: ignore[empty-body]
    """Offer pools that do a backend's work, chosen by ``--executor NAME``; without it, threads of this process do."""


@hookspec
def tileframe_checks() -> Sequence[CheckPlugin]:  # type: ignore[empty-body]
    """Offer checks; ``tileframe verify`` runs all of them, or those chosen by ``--check NAME``, by name."""


@hookspec
def tileframe_viewers() -> Sequence[ViewerPlugin]:  # type: ignore[empty-body]
    """Offer pages to look at pyramids in, chosen by ``--viewer=NAME``; else the first by name that shows the layout."""


@hookspec(firstresult=True)
def tileframe_run_many(slides: Sequence[str], output: str | None, spec: Spec, registry: Any) -> int | None:
    """Make the pyramids of several slides, of folders and of patterns, as ``tileframe run`` was given them.

    ``spec`` has what was asked for all of them, and neither slide nor location; ``output`` is the text after ``-o``;
    ``registry`` is the `Registry`.
    The other options are in ``click.get_current_context().params``. Returns the exit code; None leaves it to another
    plugin. The first that returns one is taken; without any, several slides are refused.
    """


@hookspec
def tileframe_add_commands(cli: click.Group) -> None:
    """Add subcommands with ``cli.add_command``; a name that is taken already is an error.

    In a command, ``click.get_current_context().obj`` is the `Registry`.
    """
