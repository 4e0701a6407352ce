"""Run several slides, one after the other; what happens to each is an event."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import tileframe
from tileframe import InputError, Location, Plan, Report, Spec, TileframeError
from tileframe.machine import available_cores
from tileframe.manifest import versions
from tileframe.registry import load
from tileframe.serialize import to_json
from tileframe_batch.finding import found
from tileframe_batch.naming import Named, named, output_of


@dataclass(frozen=True, slots=True)
class Started:
    """The next slide is looked at."""

    slide: Path
    location: Location
    number: int
    """From 1."""
    count: int
    """Of all slides."""


@dataclass(frozen=True, slots=True)
class Planned:
    """It is decided how its pyramid is made; that begins now."""

    slide: Path
    plan: Plan


@dataclass(frozen=True, slots=True)
class Progressed:
    """So much of it is done, over all levels."""

    slide: Path
    tiles: int
    pixels: int


@dataclass(frozen=True, slots=True)
class Made:
    """Its pyramid is made."""

    slide: Path
    location: Location
    report: Report


@dataclass(frozen=True, slots=True)
class Passed:
    """Its pyramid is there, of the same slide, plan and versions: nothing was done."""

    slide: Path
    location: Location


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no pyramid of it, or none that is new; the others go on."""

    slide: Path
    location: Location
    error: TileframeError


Event: TypeAlias = Started | Planned | Progressed | Made | Passed | Failed
Ended: TypeAlias = Made | Passed | Failed


DISK = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Errors of the disk of which every other slide would die, too."""


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
    location do not count. A slide whose pyramid is as it would be made is passed over, unless ``force``. What is wrong
    with one slide stops no other, and is in its event; after a full disk none is begun. `InputError` or `OptionError`,
    before any work, for what names no slide or no such place. What ``on_event`` raises ends it.
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
    for number, one in enumerate(to_do, 1):
        say(Started(one.slide, one.location, number, len(to_do)))
        event = _ended(replace(like, slide=one.slide, location=one.location), force, registry, say, refuse)
        ended.append(event)
        say(event)
        if isinstance(event, Failed) and _is_of_the_disk(event.error):
            break
    return ended


def planned(slides: Sequence[str], output: str | None, like: Spec, registry: Any) -> list[Named]:
    """Return every slide, and where its pyramid goes."""
    into = output_of(output, like.layout, registry)
    return named(found(slides, registry, except_in=Path(into.folder) if into.scheme == "file" else None), into)


def is_made(spec: Spec, registry: Any) -> bool:
    """Say whether the pyramid of ``spec`` is there: of the same slide, plan and versions, and with nothing filled."""
    try:
        with tileframe.open_pyramid(spec.location, registry=registry) as pyramid:
            manifest = pyramid.manifest
    except TileframeError:
        return False
    if manifest is None or manifest.tiles.filled:
        return False
    plan = tileframe.plan(spec, registry)
    return to_json(manifest.plan) == to_json(plan.published()) and manifest.made.versions == versions(plan, registry)


def _ended(
    spec: Spec, force: bool, registry: Any, say: Callable[[Event], None], refuse: Callable[[Location], None]
) -> Ended:
    try:
        if spec.slide.is_dir():
            raise InputError(f"{spec.slide}: no slide is there")
        refuse(spec.location)
        if not force and is_made(spec, registry):
            return Passed(spec.slide, spec.location)
        report = tileframe.execute(
            spec,
            registry,
            lambda tiles, pixels: say(Progressed(spec.slide, tiles, pixels)),
            on_plan=lambda plan: say(Planned(spec.slide, plan)),
        )
        return Made(spec.slide, spec.location, report)
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


def _is_of_the_disk(error: BaseException | None) -> bool:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # one may be its own cause
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in DISK:
            return True
        error = error.__cause__
    return False
