"""The records that cross module borders: frozen, and without any pixel."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tileframe.errors import OptionError
from tileframe.geometry import MAX_TILE_SIZE, Box, Pyramid, Size


class Rgb(NamedTuple):
    """A colour, 0 to 255 each."""

    red: int
    green: int
    blue: int

    @classmethod
    def parse(cls, text: str) -> Rgb:
        """Return the colour written as ``#rrggbb``, with or without the ``#``; `OptionError` otherwise."""
        match = re.fullmatch(r"#?([0-9a-fA-F]{6})", text)
        if match is None:
            raise OptionError(f"a colour is written #rrggbb, as in #ffffff, not '{text}'")
        return cls(*bytes.fromhex(match[1]))

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


WHITE = Rgb(255, 255, 255)


class Access(enum.Enum):
    """How the pixels of a source can be had."""

    ROWS = "rows"
    """Full-width boxes, from the top down, each row once, by one thread."""
    REGIONS = "regions"
    """Any box, any number of times, from any number of threads."""


class Equality(enum.IntEnum):
    """How equal two pyramids are; each strength includes the ones before it."""

    LAYOUT = 1
    """Descriptor, keys, and every tile's width and height."""
    BASE = 2
    """And the decoded tiles of the base."""
    PIXELS = 3
    """And the decoded tiles of every level."""


class Fit(enum.IntEnum):
    """How well a reader suits a file, judged by its name and first bytes."""

    NONE = 0
    POSSIBLE = 1
    GOOD = 2
    NATIVE = 3


class Severity(enum.IntEnum):
    """How much a finding matters."""

    NOTE = 1
    """Worth knowing, and no fault."""
    WARNING = 2
    """Unlikely in a sound pyramid, by a threshold that the message names."""
    ERROR = 3
    """A fault."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a check has to say of one file of a pyramid."""

    key: str
    """The file, relative to the descriptor's folder, with forward slashes."""
    check: str
    """The name of the check."""
    severity: Severity
    message: str
    """What is wrong with it, and what was expected."""

    def __str__(self) -> str:
        return f"{self.key}: {self.message} ({self.check})"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the pixels of a tile become bytes, for writers and for backends with an encoder of their own."""

    format: str
    """The kind of bytes: ``jpeg``, ``png``, ..."""
    suffix: str
    """Of a tile's file name, without a dot."""
    lossless: bool
    quality: int | None = None
    """1 to 100; None where the format has none."""
    subsampling: str | None = None
    """``420`` or ``444``; None where the format has none."""


@dataclass(frozen=True, slots=True)
class NativeLevel:
    """A level that the slide itself stores."""

    size: Size
    downsample: float
    """Base pixels per pixel of this level, 1.0 for the base."""


@dataclass(frozen=True, slots=True)
class IccProfile:
    """The colour profile found in a slide, and whether its pixels were converted with it."""

    description: str
    applied: bool


@dataclass(frozen=True, slots=True)
class SlideFacts:
    """What is known of an open slide."""

    format: str
    """The vendor's or the file format's name, in lower case: ``aperio``, ``jpeg``, ..."""
    size: Size
    """Of the base, in pixels."""
    access: Access
    mpp: tuple[float, float] | None = None
    """Micrometres per base pixel, across and down."""
    objective_power: float | None = None
    bounds: Box | None = None
    """The scanned part, in base pixels, where the slide says so."""
    background: Rgb = WHITE
    icc: IccProfile | None = None
    native_levels: tuple[NativeLevel, ...] = ()
    """Full resolution first; empty stands for the base alone."""
    tile_size: Size | None = None
    """Of the tiles in which the slide stores its base; None where it has none, or does not say."""
    associated: tuple[str, ...] = ()
    """Names of the label, macro and thumbnail images."""
    notes: tuple[str, ...] = ()
    """What a user should know, as sentences."""


class Passthrough(enum.Enum):
    """Whether base tiles are to be the slide's own compressed data."""

    NEVER = "never"
    AUTO = "auto"
    """Where it can be done."""
    ALWAYS = "always"
    """It is an error where it cannot be done."""


TILE_SIZE, OVERLAP = 254, 1
"""Where the user asks for none, and nothing is passed through."""
NATIVE: Literal["native"] = "native"
"""The tile size of the slide itself."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What the user asked for, as names and values: it can be pickled, stored, and sent to another process."""

    slide: Path
    target: Path
    """``FOLDER/NAME.dzi``."""
    reader: str | None = None
    """None takes the best one that can."""
    backend: str | None = None
    """None takes the fastest one that can."""
    format: str = "jpeg"
    quality: int | None = None
    """1 to 100; None takes the format's own default."""
    tile_size: int | Literal["native"] | None = None
    """None takes 254, or, with pass-through, the slide's own."""
    overlap: int | None = None
    """None takes 1, or, with pass-through, 0."""
    passthrough: Passthrough = Passthrough.NEVER
    limit_bounds: bool = True
    """Crop to the part that was scanned, where the slide says which it is."""
    background: Rgb | None = None
    """Shown where the slide is transparent; None takes the slide's own, else white."""
    workers: int = 1
    executor: str | None = None
    """Where blocks are made; None takes threads of this process."""
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise OptionError(f"the number of workers must be 1 or more, not {self.workers}")
        if isinstance(self.tile_size, int):
            tile_size = self.tile_size
        elif self.tile_size in (None, NATIVE):
            # How large the slide's own tiles are is known when it is open.
            tile_size = MAX_TILE_SIZE if self.tile_size == NATIVE else TILE_SIZE
        else:
            raise OptionError(f"the tile size must be a number of pixels or '{NATIVE}', not '{self.tile_size}'")
        may_pass = self.passthrough is not Passthrough.NEVER
        overlap = (0 if may_pass else OVERLAP) if self.overlap is None else self.overlap
        Pyramid(Size(1, 1), tile_size, overlap)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, in figures."""

    target: Path
    """The descriptor that was written."""
    size: Size
    """Of the base level, in pixels."""
    levels: int
    tiles: int
    tile_bytes: int
    """The sum of all tiles, in bytes."""
    passed_through: int
    """How many base tiles are the slide's own compressed data."""
    megapixels: float
    """Of all levels."""
    seconds: float
    cpu_seconds: float
    peak_memory: int
    """Of this process since it started, in bytes."""
    reader: str
    backend: str
    way: str
    """How the backend went about it, and why."""
    promises: Equality
    """How equal the result is to any other backend's of the same promise."""
    passed_over: tuple[str, ...]
    """Why better-ranked readers and backends were not taken."""
    notes: tuple[str, ...]
    """What the user should know about the pixels, as sentences."""


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """How one level of two pyramids differs."""

    level: int
    tiles: int
    differing: int
    """Tiles that do not decode to the same pixels."""
    unreadable: int
    """Tiles that are missing, damaged or of another size in one of the two; no figure below counts them."""
    largest: int
    """The largest difference of a sample, 0 to 255."""
    mean: float
    """The mean absolute difference of all samples."""
    psnr: float | None
    """In dB over all samples; None where all are equal."""
    worst: str | None
    """The key, below the level folders, of the tile with the largest mean difference; None where all are equal."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How equal two pyramids are."""

    strength: Equality | None
    """The strongest equality that holds; None if not even the layouts are the same."""
    layout: tuple[str, ...]
    """What differs in descriptors, keys and sizes, or is damaged, as sentences; no more than 20."""
    levels: tuple[LevelDifference, ...]
    """The base last; empty where the geometries differ."""

    @property
    def tiles(self) -> int:
        """Tiles of all levels."""
        return sum(level.tiles for level in self.levels)

    @property
    def identical(self) -> int:
        """Tiles of all levels that decode to the same pixels."""
        return self.tiles - sum(level.differing + level.unreadable for level in self.levels)
