"""The reader `openslide`: whole-slide images."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openslide
from openslide import OpenSlideError
from PIL import Image

from tileframe import (
    WHITE,
    Access,
    BaseSource,
    Box,
    InputError,
    NativeLevel,
    OptionError,
    Rgb,
    Size,
    SlideFacts,
    UnsupportedInput,
)
from tileframe.pixels import Alpha, Pixels, to_rgb8


class OpenSlideReader:
    """Opens the slide formats that OpenSlide knows; leaves plain TIFFs to others."""

    def open(self, path: Path, *, background: Rgb | None = None) -> OpenSlideSource:
        """Open the slide whose main file is ``path``."""
        vendor = openslide.OpenSlide.detect_format(path)
        if vendor is None:
            raise UnsupportedInput("is in no format that OpenSlide knows")
        if vendor == "generic-tiff":
            # OpenSlide takes the first page, whatever it is, and converts what is not 8-bit RGB by rules of its own.
            raise UnsupportedInput("is a TIFF of no slide format, which the reader tiff opens")
        try:
            return OpenSlideSource(path, openslide.OpenSlide(path), background)
        except OpenSlideError as error:
            lacking = _lacking(path)
            why = f"its files {', '.join(lacking)} are not beside it" if lacking else f"{error}"
            raise InputError(f"{path}: OpenSlide cannot open it ({why})") from error


class OpenSlideSource(BaseSource):
    """An open slide; any box, from any thread."""

    def __init__(self, path: Path, slide: openslide.OpenSlide, background: Rgb | None) -> None:
        super().__init__(_facts(slide, background))
        self._path = path
        self._slide: openslide.OpenSlide | None = slide
        self._renewing = threading.Lock()

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` of ``native_level`` as RGB8; transparent parts show the background."""
        slide = self._open_slide()
        downsample = self.facts.native_levels[native_level].downsample
        location = (round(box.x * downsample), round(box.y * downsample))
        try:
            region = slide.read_region(location, native_level, (box.width, box.height))
        except OpenSlideError:
            region = self._read_anew(slide, location, native_level, box.size)
        return self._rgb8(region)

    def _read_anew(self, failed: openslide.OpenSlide, location: tuple[int, int], level: int, size: Size) -> Image.Image:
        """Read from a slide that is open for this alone: once it has failed, OpenSlide fails at every other place."""
        try:
            with self._renewing:
                if self._slide is failed:
                    self._slide = openslide.OpenSlide(self._path)
            with openslide.OpenSlide(self._path) as slide:
                return slide.read_region(location, level, (size.width, size.height))
        except OpenSlideError as error:
            raise InputError(f"{self._path}: cannot be read at ({location[0]}, {location[1]}): {error}") from error

    def associated(self, name: str) -> Pixels:
        """Return the label, macro or thumbnail image ``name``."""
        if name not in self.facts.associated:
            return super().associated(name)
        try:
            return self._rgb8(self._open_slide().associated_images[name])
        except OpenSlideError as error:
            raise InputError(f"{self._path}: its image '{name}' cannot be read ({error})") from error

    def close(self) -> None:
        """Close the file."""
        if self._slide is not None:
            self._slide.close()
            self._slide = None

    def _open_slide(self) -> openslide.OpenSlide:
        if self._slide is None:
            raise InputError(f"{self._path}: was closed")
        return self._slide

    def _rgb8(self, region: Image.Image) -> Pixels:
        if region.getchannel("A").getextrema() == (255, 255):
            # The usual case, by Pillow's code: four times as fast.
            return np.array(region.convert("RGB"))
        return to_rgb8(np.asarray(region), alpha=Alpha.STRAIGHT, background=self.facts.background)


def _lacking(path: Path) -> list[str]:
    """Return the files that a slide of Hamamatsu's .vms or .vmu names and that are not beside it."""
    if path.suffix.lower() not in (".vms", ".vmu"):
        return []
    lines = (line.partition("=") for line in path.read_text("latin-1").splitlines())
    named = [value.strip() for name, _, value in lines if name.startswith(("ImageFile", "MapFile", "MacroImage"))]
    return [name for name in named if name and not (path.parent / name).is_file()]


def _facts(slide: openslide.OpenSlide, background: Rgb | None) -> SlideFacts:
    properties = slide.properties
    mpp_x = _number(properties, openslide.PROPERTY_NAME_MPP_X)
    mpp_y = _number(properties, openslide.PROPERTY_NAME_MPP_Y)
    return SlideFacts(
        format=properties[openslide.PROPERTY_NAME_VENDOR],
        size=Size(*slide.dimensions),
        access=Access.REGIONS,
        mpp=None if mpp_x is None or mpp_y is None else (mpp_x, mpp_y),
        objective_power=_number(properties, openslide.PROPERTY_NAME_OBJECTIVE_POWER),
        bounds=_bounds(properties),
        background=background or _background(properties),
        icc=_profile(slide),
        native_levels=tuple(
            NativeLevel(Size(*size), downsample)
            for size, downsample in zip(slide.level_dimensions, slide.level_downsamples, strict=True)
        ),
        tile_size=_tile_size(properties),
        associated=tuple(sorted(slide.associated_images)),
    )


def _profile(slide: openslide.OpenSlide) -> bytes | None:
    """Return the slide's colour profile as it is stored; None without one."""
    # `color_profile` is LittleCMS's and may be written anew. Outside of the slide nothing is decoded.
    found: bytes | None = slide.read_region((-2, -2), slide.level_count - 1, (1, 1)).info.get("icc_profile")
    return found or None


def _number(properties: Mapping[str, str], name: str) -> float | None:
    try:
        return float(properties[name])
    except (KeyError, ValueError):
        return None


def _bounds(properties: Mapping[str, str]) -> Box | None:
    names = (
        openslide.PROPERTY_NAME_BOUNDS_X,
        openslide.PROPERTY_NAME_BOUNDS_Y,
        openslide.PROPERTY_NAME_BOUNDS_WIDTH,
        openslide.PROPERTY_NAME_BOUNDS_HEIGHT,
    )
    try:
        return Box(*(int(properties[name]) for name in names))
    except (KeyError, ValueError):
        return None


def _tile_size(properties: Mapping[str, str]) -> Size | None:
    try:
        return Size(*(int(properties[f"openslide.level[0].tile-{side}"]) for side in ("width", "height")))
    except (KeyError, ValueError):
        return None


def _background(properties: Mapping[str, str]) -> Rgb:
    try:
        return Rgb.parse(properties[openslide.PROPERTY_NAME_BACKGROUND_COLOR])
    except (KeyError, OptionError):
        return WHITE
