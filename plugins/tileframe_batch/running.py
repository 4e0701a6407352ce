"""Run several slides: small ones side by side, large ones one after the other; what happens to each is an event."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

import tileframe
from tileframe import InputError, Location, Manifest, OutputError, Plan, Spec, TileAddress, TileframeError
from tileframe.machine import available_cores, available_memory
from tileframe.manifest import versions
from tileframe.registry import load
from tileframe.serialize import to_builtins
from tileframe_batch.events import Ended, Event, Failed, Made, Passed, Planned, Progressed, Started
from tileframe_batch.finding import found
from tileframe_batch.folders import kept_folders
from tileframe_batch.naming import Named, named, output_of
from tileframe_batch.threads import side_by_side

SMALL = 32_000_000
"""Pixels of the largest slides that are run side by side. On two cores, slides of 1 MP take 0.6 of the time that
they take one after the other, of 4 MP 0.8, of 16 MP 0.9; at 48 MP there is no difference."""
ROOM = 16 * SMALL
"""Bytes that such a run may take: 16 bits of red, green, blue and alpha, held whole and once more to be turned."""
DISK = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Errors of the disk of which every other slide would die, too."""

FOLLOWS = frozenset({"encoding", "method", "notes", "region"})
"""Parts of a plan that follow from the slide and the other parts, and tell nobody why a pyramid is another one."""


def run_many(
    slides: Sequence[str | Path],
    output: str | Path,
    *,
    like: Spec | None = None,
    force: bool = False,
    registry: Any = None,
    on_event: Callable[[Event], None] | None = None,
) -> list[Ended]:
    """Make the pyramids of ``slides``, files, folders and patterns, in ``output``; return what became of each.

    ``output`` ends in a slash, or in ``/.szi`` for archives. ``like`` has what is asked for all of them; its slide and
    location do not count, and its ``workers`` bound all runs together. A slide whose pyramid is as it would be made is
    passed over, unless ``force``. What is wrong with one slide stops no other, and is in its event; after a full disk
    none is begun. `InputError` or `OptionError`, before any work, for what names no slide or no such place.

    ``on_event`` is called by this thread. Several slides may be under way, so that their events are mixed, each slide's
    own in order; they end, here and in the list, in the order in which they are done. What it raises ends it all.
    """
    registry = registry or load()
    like = like or Spec(Path(), Location("file", "", ""), workers=available_cores())
    to_do = planned([str(one) for one in slides], os.fspath(output), like, registry)
    return run_named(to_do, like, registry, force=force, say=on_event or (lambda event: None))


def run_named(
    to_do: Sequence[Named],
    like: Spec,
    registry: Any,
    *,
    force: bool,
    say: Callable[[Event], None],
    refuse: Callable[[Location], None] = lambda location: None,
) -> list[Ended]:
    """Do it for slides that have their places; ``refuse`` raises a `TileframeError` for one that is not to be used."""
    ended: list[Ended] = []
    later: list[Named] = []
    numbers = {one.location: number for number, one in enumerate(to_do, 1)}
    at_once, is_full = abreast(like, len(to_do)), Flag()

    def make(one: Named, tell: Callable[[Event], None], workers: int, largest: int | None) -> Ended | None:
        spec = replace(like, slide=one.slide, location=one.location, workers=workers)
        result = _ended(spec, force, registry, tell, refuse, largest)
        if isinstance(result, Failed) and is_of_the_disk(result.error):
            is_full.set()
        return result

    def begin(one: Named, tell: Callable[[Event], None]) -> Ended | Named:
        if is_full.is_set():
            return one
        tell(Started(one.slide, one.location, numbers[one.location], len(to_do)))
        return make(one, tell, like.workers // at_once, SMALL if at_once > 1 else None) or one

    def end(result: Ended | Named) -> None:
        if isinstance(result, Named):
            later.append(result)
        else:
            ended.append(result)
            say(result)

    with kept_folders([one.location for one in to_do]):
        if at_once > 1:
            side_by_side(begin, to_do, at_once=at_once, say=say, end=end)
        else:
            for one in to_do:
                end(begin(one, say))
        for one in later:
            if not is_full.is_set() and (result := make(one, say, like.workers, None)):
                end(result)
    return ended


def abreast(like: Spec, count: int) -> int:
    """Return how many of ``count`` slides are run at once, as long as they are small.

    One, where an executor is asked for: it has workers of its own, which every run would start anew.
    """
    if like.executor_name != "threads":
        return 1
    return max(1, min(like.workers, count, available_memory() // ROOM))


def planned(slides: Sequence[str], output: str | None, like: Spec, registry: Any) -> list[Named]:
    """Return every slide, and where its pyramid goes."""
    into = output_of(output, like.layout, registry)
    return named(found(slides, registry, except_in=Path(into.folder) if into.scheme == "file" else None), into)


def up_to_date(spec: Spec, registry: Any) -> str | None:
    """Return the target, for people, of a pyramid that is there and as asked; None for none, or one without tiles.

    `OutputError` if another is there, and may not be replaced.
    """
    try:
        with tileframe.open_pyramid(spec.location, registry=registry) as pyramid:
            manifest = pyramid.manifest
            pyramid.decode(TileAddress(pyramid.layout.levels.start, 0, 0))  # `tileframe verify` looks at all of them
    except (TileframeError, KeyError):
        return None
    unlike = [] if manifest is None else _differences(manifest, spec, registry)
    if unlike and not spec.overwrite:
        raise OutputError(
            f"{spec.location}: exists, and was made otherwise ({', '.join(unlike)}); "
            "give --overwrite to replace the pyramid, or another output"
        )
    return None if manifest is None or unlike else pyramid.target


def _differences(manifest: Manifest, spec: Spec, registry: Any) -> list[str]:
    """Return in what a pyramid is not as ``spec`` asks: parts of the plan, the slide and the versions among them.

    Some tiles that were filled are one, too. Which backend has made it is none where that is left open, and the
    pixels are the same.
    """
    plan = tileframe.plan(spec, registry)
    there, wanted = to_builtins(manifest.plan), to_builtins(plan.published())
    left_open = {"backend", "method"} if spec.backend is None and manifest.plan.promises is plan.promises else ()
    changed = [name for name in wanted if wanted[name] != there.get(name) and name not in left_open]
    unlike = [name.replace("_", " ") for name in changed]
    unlike = [name for name in unlike if name not in FOLLOWS] or unlike
    others = {"versions": manifest.made.versions != versions(plan, registry), "filled tiles": manifest.tiles.filled}
    return [*unlike, *(name for name, is_other in others.items() if is_other)]


class _IsLarge(Exception):
    """Raised when a slide is planned, to end a run that is not to be one of several."""


def _ended(
    spec: Spec,
    force: bool,
    registry: Any,
    say: Callable[[Event], None],
    refuse: Callable[[Location], None],
    largest: int | None = None,
) -> Ended | None:
    """Run one slide; None, with nothing done, if it has more pixels than ``largest``."""

    def announce(plan: Plan) -> None:
        if largest is not None and plan.pyramid.base.area > largest:
            raise _IsLarge
        say(Planned(spec.slide, plan))

    try:
        if isinstance(spec.slide, Path) and os.path.isdir(spec.slide):
            try:
                os.scandir(spec.slide).close()
            except OSError as error:
                raise InputError(f"{spec.slide}: cannot be read ({error.strerror})") from error
            raise InputError(f"{spec.slide}: no slide is there")
        refuse(spec.location)
        if not force and (target := up_to_date(spec, registry)):
            return Passed(spec.slide, spec.location, target)
        report = tileframe.execute(
            spec, registry, lambda tiles, pixels: say(Progressed(spec.slide, tiles, pixels)), on_plan=announce
        )
        return Made(spec.slide, spec.location, report)
    except _IsLarge:
        return None
    except TileframeError as error:
        return Failed(spec.slide, spec.location, error)
    except MemoryError as error:
        return Failed(spec.slide, spec.location, _caused(InputError, f"{spec.slide}: needs more memory", error))
    except Exception as error:  # of a plugin, or ours: it must not stop the others
        said = f"{spec.slide}: {error!r}; a bug, of tileframe or a plugin: run this slide alone to see whose"
        return Failed(spec.slide, spec.location, _caused(TileframeError, said, error))


def _caused(kind: type[TileframeError], said: str, cause: BaseException) -> TileframeError:
    error = kind(said)
    error.__cause__ = cause
    return error


def is_of_the_disk(error: BaseException | None) -> bool:
    """Say whether ``error`` is of the disk, and every other slide would die of it, too."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # one may be its own cause
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in DISK:
            return True
        error = error.__cause__
    return False
