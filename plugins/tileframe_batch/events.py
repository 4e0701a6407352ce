"""What `run_many` tells while it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tileframe import Location, Plan, Report, Slide, TileframeError


@dataclass(frozen=True, slots=True)
class Started:
    """A slide is looked at."""

    slide: Slide
    location: Location
    number: int
    """From 1, in the order of the list."""
    count: int
    """Of all slides."""


@dataclass(frozen=True, slots=True)
class Planned:
    """It is decided how its pyramid is made; that begins now."""

    slide: Slide
    plan: Plan


@dataclass(frozen=True, slots=True)
class Progressed:
    """So much of it is done, of all levels; `Planned.plan` has how much that is."""

    slide: Slide
    tiles: int
    pixels: int


@dataclass(frozen=True, slots=True)
class Made:
    """Its pyramid is made."""

    slide: Slide
    location: Location
    report: Report


@dataclass(frozen=True, slots=True)
class Passed:
    """Its pyramid is there, of the same slide, plan and versions: nothing was done."""

    slide: Slide
    location: Location
    target: str
    """For people: its descriptor, its archive or its folder."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no pyramid of it, or none that is new; the others go on."""

    slide: Slide
    location: Location
    error: TileframeError


Event: TypeAlias = Started | Planned | Progressed | Made | Passed | Failed
Ended: TypeAlias = Made | Passed | Failed
