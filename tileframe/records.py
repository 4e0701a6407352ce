"""The records of a run: typed, frozen, and to and from JSON by `tileframe.serialize`."""

from __future__ import annotations

import enum
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from tileframe.errors import OptionError
from tileframe.facts import WHITE, AbsentTiles, BlankRule, ColourMode, Encoding, Equality, Intent, Rgb, ScaleBy
from tileframe.frozen import dataclass
from tileframe.geometry import MAX_TILE_SIZE, Box, Pyramid, Size
from tileframe.locations import Location
from tileframe.slides import RemoteSlide, Slide

if TYPE_CHECKING:
    from concurrent.futures import Executor
OptionValue: TypeAlias = bool | int | float | str | None
Options: TypeAlias = Mapping[str, OptionValue]
NATIVE: Literal["native"] = "native"
"""The tile size of the slide itself."""
THREADS, AUTO = "threads", "auto"
"""The executor that is taken unless another one is asked for, and what leaves it to the executors themselves."""
PLAN_SCHEMA, MANIFEST_SCHEMA = "tileframe-plan/1", "tileframe-manifest/2"


class Passthrough(enum.Enum):
    """Whether base tiles are to be the slide's own compressed data."""

    NEVER = "never"
    """Every tile is encoded."""
    AUTO = "auto"
    """Where it can be done."""
    ALWAYS = "always"
    """It is an error where it cannot be done."""


class OnError(enum.Enum):
    """What becomes of a part of the slide that cannot be read."""

    FAIL = "fail"
    """The run ends."""
    FILL = "fill"
    """The background is shown there, and the manifest says where."""


@dataclass(frozen=True)
class Spec:
    """What the user asked for, as names and values; nothing has been looked at yet."""

    slide: Slide
    """A path, or a slide that is no file of this machine."""
    location: Location
    """Where the pyramid is to be."""
    reader: str | None = None
    """None takes the best one that can."""
    reader_options: Options = field(default_factory=dict)
    """By name, as ``--reader-option`` gives them."""
    backend: str | None = None
    """None takes the fastest one that can."""
    layout: str = "dzi"
    """By name, as ``--layout`` gives it."""
    layout_options: Options = field(default_factory=dict)
    """By name, as ``--layout-option`` gives them."""
    format: str = "jpeg"
    """Of the tiles, by name, as ``--format`` gives it."""
    format_options: Options = field(default_factory=dict)
    """By name, as ``--format-option`` gives them; ``quality`` among them."""
    store_options: Options = field(default_factory=dict)
    """By name, as ``--store-option`` gives them."""
    tile_size: int | Literal["native"] | None = None
    """None takes the layout's own default, or, with pass-through, the slide's own tile size."""
    overlap: int | None = None
    """None takes the layout's own default, or, with pass-through, 0."""
    passthrough: Passthrough = Passthrough.NEVER
    """Whether base tiles are to be the slide's own compressed data."""
    region: Box | None = None
    """The part to tile, in base pixels of the slide; None takes all, or what ``limit_bounds`` leaves."""
    limit_bounds: bool = True
    """Crop to the part that was scanned, where the slide says which it is."""
    background: Rgb | None = None
    """Shown where the slide is transparent; None takes the slide's own, else white."""
    color: ColourMode = ColourMode.SRGB
    """What becomes of the colours of a slide that has a colour profile."""
    intent: Intent = Intent.RELATIVE
    """How colours are converted that sRGB does not have."""
    mpp: float | None = None
    """Micrometres per base pixel, instead of what the slide says."""
    associated: tuple[str, ...] = ()
    """Names of the associated images that are exported, or ``all``."""
    skip_blank: int | None = None
    """By how much samples of a tile that is left out may differ from the background; None keeps every tile."""
    on_error: OnError = OnError.FAIL
    """What becomes of a part of the slide that cannot be read."""
    workers: int = 1
    """The most threads or processes that may be busy, 1 or more."""
    executor: str | Executor | None = None
    """Who makes the blocks: by name, or one that lives on; None takes threads, ``auto`` what suits the job."""
    executor_options: Options = field(default_factory=dict)
    """By name, as ``--executor-option`` gives them."""
    overwrite: bool = False
    """Whether a pyramid that is there already may be replaced."""
    resume: bool | None = None
    """Whether to go on with what an unfinished run has left, or to begin anew; None: it is an error if there is one."""
    keep: bool = True
    """Keep what is finished when the run ends too early."""

    def __post_init__(self) -> None:
        if self.skip_blank is not None:
            BlankRule(self.skip_blank, self.background or WHITE)
        if self.mpp is not None and not 0 < self.mpp < math.inf:
            raise OptionError(f"mpp is the micrometres per pixel, above 0, not {self.mpp}")
        if self.workers < 1:
            raise OptionError(f"the number of workers must be 1 or more, not {self.workers}")
        if not (self.tile_size in (None, NATIVE) or isinstance(self.tile_size, int)):
            raise OptionError(f"the tile size must be a number of pixels or '{NATIVE}', not '{self.tile_size}'")
        # How large the slide's own tiles are, and what the layout prefers, is known later.
        tile_size = self.tile_size if isinstance(self.tile_size, int) else MAX_TILE_SIZE
        Pyramid(Size(1, 1), tile_size, self.overlap or 0)
        if self.region is not None and (min(self.region.x, self.region.y) < 0 or not self.region.has_area):
            raise OptionError(f"the region is X,Y,WIDTH,HEIGHT, from 0,0 on and at least 1x1, not {self.region}")

    @property
    def executor_name(self) -> str:
        """What a plan calls the executor: its name, or that of its class; threads as long as it is left open."""
        name = self.executor if isinstance(self.executor, str | None) else type(self.executor).__name__
        return name if name and name != AUTO else THREADS


@dataclass(frozen=True)
class SourceRecord:
    """What may be told of a slide: nothing of a person, a day, a place or a device."""

    name: str
    """Of the file, without its folder."""
    bytes: int
    """The length of the file."""
    fingerprint: str
    """``sampled-sha256:`` and a digest of the file's length and of 64 pieces of it."""
    format: str
    """The vendor's or the file format's name, in lower case: ``aperio``, ``jpeg``, ..."""
    size: Size
    """Of the base of the slide, in pixels."""
    mpp: tuple[float, float] | None
    """Micrometres per base pixel, across and down."""
    objective_power: float | None
    """Magnification of the objective, 20.0 for 20x; None where the slide does not say."""
    background: Rgb
    """What is shown where the slide is transparent or holds nothing."""
    mpp_by: ScaleBy = ScaleBy.SLIDE
    """Who says the micrometres per pixel."""

    def __post_init__(self) -> None:
        if not all(0 <= sample <= 255 for sample in self.background):
            raise OptionError(f"a colour is three numbers from 0 to 255, not {self.background!r}")


@dataclass(frozen=True)
class ColourRecord:
    """What was decided about the colours of a slide."""

    asked: ColourMode
    """What was asked for: conversion, or none."""
    intent: Intent
    """How colours are converted that sRGB does not have."""
    reason: str
    """Why they are converted or not, as a sentence."""
    profile: str | None = None
    """What the slide's colour profile calls itself; None without one."""
    sha256: str | None = None
    """Of that profile."""
    converted: bool = False
    """To sRGB."""
    embedded: str | None = None
    """The SHA-256 of the profile in every tile; None where they carry none."""


@dataclass(frozen=True)
class Execution:
    """Where and how the work runs; it changes no byte of the result."""

    slide: str
    """The path of the slide, or its address."""
    workers: int
    """The most threads or processes that may be busy."""
    executor: str
    """The name of who makes the blocks."""
    executor_options: Options
    """As they were given."""
    overwrite: bool
    """Whether a pyramid that is there already may be replaced."""
    resume: bool | None = None
    """Whether to go on with what an unfinished run has left there."""
    passed_over: tuple[str, ...] = ()
    """Why better-ranked readers and backends were not taken."""
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Unlike that of any other run: what a worker keeps open for one run must not serve the next."""
    remote: RemoteSlide | None = None
    """The slide, where it is no file of this machine."""
    because: str = ""
    """Why this executor, where the user has left it open and there is something to say."""

    @property
    def made_by(self) -> str:
        """The executor, for people, and why it was taken."""
        return f"{self.executor} ({self.because})" if self.because else self.executor

    @property
    def in_threads(self) -> bool:
        """Whether threads of this process do the work, as in every backend unless an executor is asked for."""
        return self.executor == THREADS


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was decided for a run: complete, so that a worker, a check or a later run needs nothing else."""

    schema: str = PLAN_SCHEMA
    """The version of this record."""
    source: SourceRecord
    """The slide, as far as it may be told of."""
    location: Location
    """Where the pyramid will be."""
    reader: str
    """The name of the reader that opens the slide."""
    reader_options: Options
    """All of them, with their values."""
    region: Box
    """The part that is tiled, in base pixels of the slide."""
    backend: str
    """The name of the backend that makes the tiles."""
    method: str
    """How the backend goes about it, and why that way."""
    promises: Equality
    """How equal the result is to any other backend's of the same promise."""
    pyramid: Pyramid
    """The geometry: base size, tile size and overlap."""
    layout: str
    """The name of the layout."""
    layout_options: Options
    """All of them, with their values."""
    format: str
    """The name of the tile format."""
    format_options: Options
    """All of them, with their values."""
    encoding: Encoding
    """What the tile format does with these options."""
    store: str
    """The name of the store."""
    store_options: Options
    """All of them, with their values."""
    passthrough: bool
    """Whether base tiles are the slide's own compressed data."""
    colour: ColourRecord
    """What was decided about the colours."""
    associated: tuple[str, ...] = ()
    """Names of the associated images that are exported."""
    skip_blank: BlankRule | None = None
    """Which tiles are left out; None where all are there."""
    on_error: OnError = OnError.FAIL
    """What becomes of a part of the slide that cannot be read."""
    notes: tuple[str, ...] = ()
    """What the user should know about the pixels, as sentences."""
    execution: Execution | None = None
    """None in a manifest."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]+", self.encoding.suffix):
            raise OptionError(f"the suffix of tiles must be letters and digits, not {self.encoding.suffix!r}")

    @property
    def live(self) -> Execution:
        """Where and how the work runs; `OptionError` for a plan out of a manifest, which cannot be run."""
        if self.execution is None:
            raise OptionError("the plan is that of a finished run: it does not say where its slide is")
        return self.execution

    def published(self) -> Plan:
        """Return the plan as a manifest holds it: without folders, and without what changes no byte."""
        return replace(self, location=replace(self.location, folder=""), execution=None)


@dataclass(frozen=True)
class Made:
    """When a pyramid was made, how long that took, and by which versions."""

    finished: str
    """UTC, ISO 8601."""
    seconds: float
    """From the start of the run to its end."""
    versions: Mapping[str, str]
    """Of each package that had a part in it."""


@dataclass(frozen=True)
class TilesRecord:
    """The tiles of a finished pyramid, in figures."""

    count: int
    """Tiles of all levels that the layout keeps, absent ones included."""
    bytes: int
    """The sum of all tiles, in bytes."""
    passed_through: int
    """How many base tiles are the slide's own compressed data."""
    digests: str
    """The name of the list of digests."""
    digests_sha256: str
    """The SHA-256 of that list, in hexadecimal digits."""
    filled: int = 0
    """How many tiles, of all levels, show background where the slide could not be read."""
    filled_keys: tuple[str, ...] = ()
    """Those tiles, of the base first, and no more than 1,000 of them."""
    absent: int = 0
    """How many tiles, of ``count``, are left out because they are blank."""
    absent_tiles: tuple[AbsentTiles, ...] = ()
    """Those tiles, level by level from the top."""


@dataclass(frozen=True)
class AssociatedRecord:
    """An associated image of the slide, exported beside the pyramid."""

    name: str
    """As the slide has it: ``label``, ``macro``, ``thumbnail``."""
    file: str
    """In the folder of associated images."""
    size: Size
    """In pixels."""
    bytes: int
    """The length of the file."""
    sha256: str
    """Of the file, in hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The record of the run that made a pyramid, kept beside it."""

    schema: str = MANIFEST_SCHEMA
    """The version of this record."""
    made: Made
    """When, in what time, and by which versions."""
    plan: Plan
    """What was decided for the run, without folders."""
    tiles: TilesRecord
    """The tiles in figures."""
    associated: tuple[AssociatedRecord, ...] = ()
    """Only where they were asked for."""


@dataclass(frozen=True)
class Report:
    """What a run did, in figures."""

    schema: str = field(default="tileframe-report/1", kw_only=True)
    """The version of this record; first, for a file that begins with it is a report, and may be replaced by one."""
    target: str
    """What was written: the descriptor, the archive, or the folder."""
    size: Size
    """Of the base level, in pixels."""
    levels: int
    """How many levels the pyramid keeps."""
    tiles: int
    """How many tiles they have, absent ones included."""
    tile_bytes: int
    """The sum of all tiles, in bytes."""
    passed_through: int
    """How many base tiles are the slide's own compressed data."""
    resumed: int
    """How many tiles an earlier run had made."""
    filled: int
    """How many tiles show background where the slide could not be read."""
    absent: int
    """How many tiles, of ``tiles``, are left out because they are blank."""
    megapixels: float
    """Of all levels."""
    seconds: float
    """From the start of the run to its end."""
    cpu_seconds: float
    """Of this process and of those that it started, as far as the system tells; not of other machines."""
    peak_memory: int
    """Of this process since it started, and of those that an executor started here, in bytes."""
    reader: str
    """The name of the reader that opened the slide."""
    backend: str
    """The name of the backend that made the tiles."""
    method: str
    """How the backend went about it, and why."""
    executor: str
    """Who made the blocks, and why, where that was left open."""
    promises: Equality
    """How equal the result is to any other backend's of the same promise."""
    passed_over: tuple[str, ...]
    """Why better-ranked readers and backends were not taken."""
    notes: tuple[str, ...]
    """What the user should know about the pixels, as sentences."""
