"""What is known of a slide, a tile format, a promise and blank tiles: frozen values, without any pixel."""

from __future__ import annotations

import enum
import re
from dataclasses import field
from functools import total_ordering
from typing import Any, NamedTuple

from tileframe.errors import OptionError
from tileframe.frozen import dataclass
from tileframe.geometry import Box, Size


class Rgb(NamedTuple):
    """A colour, 0 to 255 each."""

    red: int
    """From 0 to 255."""
    green: int
    """From 0 to 255."""
    blue: int
    """From 0 to 255."""

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
"""The background of a slide that names none."""


@total_ordering
class Ordered(enum.Enum):
    """An enum whose members compare in the order of their definition; in JSON they are their words."""

    def __lt__(self, other: Any) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        members = list(type(self))
        return members.index(self) < members.index(other)

    def __str__(self) -> str:
        return str(self.value)


class Access(enum.Enum):
    """How the pixels of a source can be had."""

    ROWS = "rows"
    """Full-width boxes, from the top down, each row once, by one thread."""
    REGIONS = "regions"
    """Any box, any number of times, from any number of threads."""


class Equality(Ordered):
    """How equal two pyramids are; each strength includes the ones before it."""

    LAYOUT = "layout"
    """Levels, tiles, and every tile's width and height."""
    BASE = "base"
    """And the decoded tiles of the base."""
    PIXELS = "pixels"
    """And the decoded tiles of every level."""


@dataclass(frozen=True)
class Encoding:
    """How the pixels of a tile become bytes, for writers and for backends with an encoder of their own."""

    format: str
    """The kind of bytes: ``jpeg``, ``png``, ..."""
    suffix: str
    """Of a tile's file name, without a dot."""
    lossless: bool
    """Whether decoding gives back the very pixels that were encoded."""
    quality: int | None = None
    """1 to 100; None where the format has none."""
    subsampling: str | None = None
    """``420`` or ``444``; None where the format has none."""


@dataclass(frozen=True)
class NativeLevel:
    """A level that the slide itself stores."""

    size: Size
    """Of this level, in its own pixels."""
    downsample: float
    """Base pixels per pixel of this level, 1.0 for the base."""
    scale: tuple[float, float] | None = None
    """The same across and down, exactly; None where it follows from the sizes of this level and the base."""
    origin: tuple[float, float] = (0.0, 0.0)
    """Where the base's corner lies, in pixels of this level: that of a view may lie inside a pixel."""

    def scales(self, base: Size) -> tuple[float, float]:
        """Return how many pixels of the base, which is ``base`` large, one pixel spans, across and down.

        Whole numbers, where the level has the size that rounding a quotient by them gives, up or down: OpenSlide's
        own figure is the mean of both sides' quotients, and off by pixels at the end of a long thin slide.
        """
        if self.scale is not None:
            return self.scale
        whole = round(self.downsample)
        sides = ((base.width, self.size.width), (base.height, self.size.height))
        if whole >= 1 and all(full // whole <= side <= -(-full // whole) for full, side in sides):
            return float(whole), float(whole)
        return base.width / self.size.width, base.height / self.size.height


class Samples(enum.Enum):
    """What the samples of a pixel are, before any colour management."""

    RGB = "RGB"
    """Three samples a pixel."""
    GREY = "grey"
    """Repeated three times: a source gives RGB."""
    CMYK = "CMYK"
    """Four samples a pixel, 0 for no ink."""
    LAB = "Lab"
    """Three samples a pixel, as LittleCMS has them in 8 bits: a and b are signed."""


class ColourMode(enum.Enum):
    """What becomes of the colours of a slide that has a colour profile."""

    SRGB = "srgb"
    """They are converted to sRGB, unless they are that already."""
    KEEP = "keep"
    """They stay the numbers that they are, and tiles carry no profile."""
    EMBED = "embed"
    """They stay the numbers that they are, and every tile carries the profile."""


class Intent(enum.Enum):
    """How colours are converted that the other colour space does not have: the rendering intents of ICC."""

    PERCEPTUAL = "perceptual"
    """All colours are moved closer together, so that the differences between them stay visible."""
    RELATIVE = "relative"
    """Colours that both have stay as they are, relative to white; others become the nearest one."""
    SATURATION = "saturation"
    """Colours stay as saturated as they can."""
    ABSOLUTE = "absolute"
    """As relative, without adapting white: paper that is yellowish stays so."""


class ScaleBy(enum.Enum):
    """Who says how many micrometres a pixel is."""

    SLIDE = "slide"
    """The slide, in its own tags."""
    USER = "user"
    """The user, by ``--mpp``."""


@dataclass(frozen=True)
class SlideFacts:
    """What is known of an open slide."""

    format: str
    """The vendor's or the file format's name, in lower case: ``aperio``, ``jpeg``, ..."""
    size: Size
    """Of the base, in pixels."""
    access: Access
    """Whether any box can be read, or rows from the top down alone."""
    mpp: tuple[float, float] | None = None
    """Micrometres per base pixel, across and down."""
    objective_power: float | None = None
    """Magnification of the objective, 20.0 for 20x; None where the slide does not say."""
    bounds: Box | None = None
    """The scanned part, in base pixels, where the slide says so."""
    background: Rgb = WHITE
    """What is shown where the slide is transparent or holds nothing."""
    samples: Samples = Samples.RGB
    """What the samples are before any colour management."""
    icc: bytes | None = field(default=None, repr=False)
    """The colour profile as the slide holds it, not looked at; None without one."""
    native_levels: tuple[NativeLevel, ...] = ()
    """Full resolution first; empty stands for the base alone."""
    tile_size: Size | None = None
    """Of the tiles in which the slide stores its base; None where it has none, or does not say."""
    associated: tuple[str, ...] = ()
    """Names of the label, macro and thumbnail images."""
    notes: tuple[str, ...] = ()
    """What a user should know, as sentences."""


@dataclass(frozen=True)
class BlankRule:
    """Which tiles are absent: those of which no sample is further than ``tolerance`` from the background."""

    tolerance: int
    """From 0 to 255."""
    background: Rgb
    """As the tiles show it: where colours are converted, after that."""

    def __post_init__(self) -> None:
        if type(self.tolerance) is not int or not 0 <= self.tolerance <= 255:
            raise OptionError(f"skip_blank is a tolerance from 0 to 255, not {self.tolerance!r}")
        if not all(0 <= sample <= 255 for sample in self.background):
            raise OptionError(f"a colour is three numbers from 0 to 255, not {self.background!r}")


@dataclass(frozen=True)
class AbsentTiles:
    """The absent tiles of one level."""

    level: int
    """The pyramid's, 0 for 1x1."""
    runs: str
    """Along its tiles, row by row: how many are there, how many are absent, how many are there, ..."""
