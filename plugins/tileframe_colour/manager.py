"""Decides what becomes of the colours of an open slide, and converts them on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

import numpy as np
from PIL import ImageCms

from tileframe import (
    Box,
    ColourMode,
    ColourRecord,
    Intent,
    Managed,
    Rgb,
    Samples,
    Source,
    Sparse,
    View,
)
from tileframe.pixels import Pixels
from tileframe_colour.conversions import ColourTable, Convert, GreyTable
from tileframe_colour.names import name_of
from tileframe_colour.profiles import (
    Profile,
    Unusable,
    converted,
    default_profile,
    for_pixels,
    is_srgb,
    opened,
)
from tileframe_colour.srgb import SRGB

TABLE_FROM = 1 << 24
"""Pixels. A table converts as many colours at most, and mostly a small part of them."""
IN_WORDS = {
    Intent.PERCEPTUAL: "perceptual with black point compensation",
    Intent.RELATIVE: "relative colorimetric with black point compensation",
    Intent.SATURATION: "saturation with black point compensation",
    Intent.ABSOLUTE: "absolute colorimetric",
}


class IccManager:
    """Converts by LittleCMS, with black point compensation, to the one sRGB profile."""

    def managed(self, source: Source, mode: ColourMode, intent: Intent) -> Managed:
        """Return ``source``, or a view over it, that gives RGB8 as ``mode`` wants."""
        facts = source.facts
        record = ColourRecord(mode, intent, "")
        found, notes = None, []
        if facts.icc is not None:
            digest = sha256(facts.icc).hexdigest()
            record = replace(record, sha256=digest)
            try:
                icc = opened(facts.icc)
                name = name_of(icc, digest)
                record = replace(record, profile=name)
                profile = for_pixels(icc, facts.samples, name)
                found = Found(profile, profile.to_srgb(intent))
            except Unusable as error:
                name = f"'{record.profile}'" if record.profile else f"of {len(facts.icc)} bytes"
                record = replace(record, profile=record.profile or name, reason=f"the profile is left alone: {error}")
                notes.append(f"the colour profile {name} was left alone: {error}")
        if facts.samples in (Samples.CMYK, Samples.LAB):
            return _without_rgb(source, record, found, notes)
        if found is None:
            return Managed(source, record, notes=tuple(notes))
        return _of_rgb(source, record, found)


@dataclass(frozen=True)
class Found:
    """A profile that can be used, and the conversion from it to sRGB."""

    profile: Profile
    transform: ImageCms.ImageCmsTransform

    def is_srgb(self) -> bool:
        """Say whether conversion would change nothing that can be seen."""
        return is_srgb(self.transform, self.profile.samples)


class Converted(View):
    """A source whose pixels are converted to sRGB. Associated images are as they were."""

    def __init__(self, source: Source, convert: Convert) -> None:
        facts = source.facts
        background = facts.background
        if facts.samples in (Samples.RGB, Samples.GREY):
            # It is in the pixels that are converted, wherever the slide is transparent.
            red, green, blue = convert(np.array([[background]], np.uint8))[0, 0].tolist()
            background = Rgb(red, green, blue)
        super().__init__(source, replace(facts, icc=None, samples=Samples.RGB, background=background))
        self._convert = convert

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` as sRGB."""
        return self._convert(self.source.read(box, native_level=native_level))  # an array of our own

    def holds(self, box: Box) -> bool:
        """Say whether the slide may hold something there: where it does not, the background is converted."""
        return not isinstance(self.source, Sparse) or self.source.holds(box)


def _without_rgb(source: Source, record: ColourRecord, found: Found | None, notes: list[str]) -> Managed:
    """Convert CMYK or Lab, whatever was asked for: tiles are RGB."""
    if found is None:
        profile = default_profile(source.facts.samples)
        found = Found(profile, profile.to_srgb(record.intent))
    record = _converted(replace(record, profile=found.profile.name))
    if record.asked is not ColourMode.SRGB:
        notes = [*notes, f"{source.facts.samples.value} pixels are converted to sRGB in any case, for tiles are RGB"]
    return Managed(Converted(source, partial(converted, found.transform)), record, SRGB, (*notes, _said(record.reason)))


def _of_rgb(source: Source, record: ColourRecord, found: Found) -> Managed:
    name, mode = f"'{found.profile.name}'", record.asked
    notes: tuple[str, ...] = ()
    if found.is_srgb():
        embedded = source.facts.icc if mode is ColourMode.EMBED and found.profile.samples is Samples.RGB else None
        return Managed(source, replace(record, reason=f"{name} is sRGB, and nothing is converted"), embedded)
    if mode is ColourMode.KEEP:
        record = replace(record, reason=f"the numbers are those of {name}, which the tiles do not carry")
        return Managed(source, record, notes=(_said(record.reason),))
    if mode is ColourMode.EMBED:
        if found.profile.samples is Samples.RGB:
            record = replace(record, reason=f"the numbers are those of {name}, which the tiles carry")
            return Managed(source, record, source.facts.icc, (_said(record.reason),))
        notes = (f"the tiles are RGB and cannot carry {name}, so that they are converted to sRGB",)
    record = _converted(record)
    return Managed(Converted(source, _conversion(source, found)), record, SRGB, (*notes, _said(record.reason)))


def _conversion(source: Source, found: Found) -> Convert:
    """Return the fastest way; all give the same bytes."""
    convert = partial(converted, found.transform)
    if found.profile.samples is Samples.GREY:
        return GreyTable(convert(np.arange(256, dtype=np.uint8)[None]))
    return convert if source.facts.size.area < TABLE_FROM else ColourTable(convert)


def _converted(record: ColourRecord) -> ColourRecord:
    how = IN_WORDS[record.intent]
    return replace(record, reason=f"converted to sRGB from '{record.profile}', {how}", converted=True)


def _said(reason: str) -> str:
    return f"colours: {reason}"
