"""IIIF Image API 3.0 at level 2, and the Presentation API 3.0 manifest of one picture."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, cos, floor, radians, sin
from typing import Any

from PIL import Image

from tileframe import Box, Size
from tileframe_serve.levels import Levels, longest

CONTEXT = "http://iiif.io/api/image/3/context.json"
PRESENTATION = "http://iiif.io/api/presentation/3/context.json"
PROTOCOL = "http://iiif.io/api/image"
FORMATS = {"jpg": ("JPEG", "image/jpeg"), "png": ("PNG", "image/png"), "webp": ("WEBP", "image/webp")}
QUALITIES = ("default", "color", "gray", "bitonal")
MOST_AREA = 1 << 23
"""Pixels of an answer before it is turned, at most: info.json says it. Turned, it has four times as many at most."""
LONGEST = {"jpg": 65_500, "png": MOST_AREA, "webp": 16_383}
"""Pixels a side that the formats have, at most."""
NUMBER = r"([0-9]{1,10}(?:\.[0-9]{1,10})?)"


class BadRequest(Exception):
    """The address asks for what the API does not have, or not of this picture: 400."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What one address of the Image API asks for."""

    region: Box
    """Of the base."""
    size: Size
    """Before it is turned."""
    mirrored: bool
    degrees: float
    quality: str
    format: str


def parse(parts: Sequence[str], base: Size) -> Picture:
    """Return what ``region/size/rotation/quality.format`` asks for; `BadRequest` for what cannot be."""
    region = _region(parts[0], base)
    turned = re.fullmatch(f"(!?){NUMBER}", parts[2])
    if turned is None or not 0 <= float(turned[2]) <= 360:
        raise BadRequest(f"a rotation is from 0 to 360, with or without a ! before it, not '{parts[2]}'")
    quality, dot, ending = parts[3].rpartition(".")
    if not dot or quality not in QUALITIES:
        raise BadRequest(f"the quality is one of {', '.join(QUALITIES)}, not '{quality}'")
    if ending not in FORMATS:
        raise BadRequest(f"the format is one of {', '.join(FORMATS)}, not '{ending}'")
    size = _size(parts[1], region, LONGEST[ending])
    turned_size = _turned_size(size, float(turned[2]))
    if turned_size.area > 4 * MOST_AREA:  # what is long and narrow grows a thousandfold
        raise BadRequest(f"{size}, turned by {turned[2]}, is {turned_size}; it has up to {4 * MOST_AREA:,} pixels")
    if longest(turned_size) > LONGEST[ending]:
        raise BadRequest(f"the answer is {turned_size}; {ending} has up to {LONGEST[ending]:,} pixels a side")
    return Picture(region, size, bool(turned[1]), float(turned[2]), quality, ending)


def render(levels: Levels, picture: Picture) -> bytes:
    """Return the picture: a box of a level where it is just that, else made of the coarsest that is fine enough."""
    region, size = picture.region, picture.size
    scale = min(Fraction(region.width, size.width), Fraction(region.height, size.height))
    level = next(one for one in range(levels.base_level + 1) if levels.downsample(one) <= max(scale, Fraction(1)))
    while region.size.area // levels.downsample(level) ** 2 > 4 * MOST_AREA:  # much wider than high, say
        level -= 1
    # The last tiles of a level span a little less of the base than their pixels do.
    for one in (max(0, level - 1), level):
        box = _box(levels, one, region)
        if box.size == size and _is_box_of(levels, one, region):
            return encoded(_turned(Image.fromarray(levels.region(one, box)), picture), picture.quality, picture.format)
    down, box = levels.downsample(level), _box(levels, level, region)
    part = (region.x / down - box.x, region.y / down - box.y,
            min(region.right / down - box.x, box.width), min(region.bottom / down - box.y, box.height))  # fmt: skip
    how = Image.Resampling.BOX if size.width <= box.width else Image.Resampling.BICUBIC
    image = Image.fromarray(levels.region(level, box)).resize((size.width, size.height), how, box=part)
    return encoded(_turned(image, picture), picture.quality, picture.format)


def _box(levels: Levels, level: int, region: Box) -> Box:
    """Return the pixels of ``level`` that show anything of ``region``, at least one."""
    down, whole = levels.downsample(level), levels.level_size(level)
    x, y = region.x // down, region.y // down
    right, bottom = min(whole.width, ceil(region.right / down)), min(whole.height, ceil(region.bottom / down))
    return Box(x, y, max(1, right - x), max(1, bottom - y))


def _is_box_of(levels: Levels, level: int, region: Box) -> bool:
    """Say whether ``region`` begins and ends with pixels of ``level``, or with the picture."""
    down, base = levels.downsample(level), levels.base
    ends = (region.right % down == 0 or region.right == base.width) and (
        region.bottom % down == 0 or region.bottom == base.height
    )
    return ends and region.x % down == 0 and region.y % down == 0


def encoded(image: Image.Image, quality: str, format: str) -> bytes:
    """Return ``image`` as a file."""
    if quality == "gray":
        image = image.convert("L")
    elif quality == "bitonal":
        image = image.convert("1")
    if format == "webp" and image.mode in ("1", "L"):
        image = image.convert("RGB")
    file = io.BytesIO()
    how: dict[str, Any] = {"compress_level": 3} if format == "png" else {"quality": 85}
    image.save(file, FORMATS[format][0], **how)
    return file.getvalue()


def info(address: str, levels: Levels, tile_size: int) -> dict[str, Any]:
    """Return ``info.json`` of the picture whose requests begin with ``address``."""
    side = max(64, min(tile_size, 1024))
    steps = [step for step in range(levels.base_level + 1) if step == 0 or side << step - 1 < longest(levels.base)]
    return {
        "@context": CONTEXT, "id": address, "type": "ImageService3", "protocol": PROTOCOL, "profile": "level2",
        "width": levels.base.width, "height": levels.base.height, "maxArea": MOST_AREA,
        "sizes": _sizes(levels), "tiles": [{"width": side, "scaleFactors": [1 << step for step in steps]}],
        "extraQualities": list(QUALITIES[1:]), "extraFormats": ["webp"],
        "extraFeatures": ["mirroring", "rotationArbitrary", "sizeUpscaling"],
    }  # fmt: skip


def manifest(
    address: str, image: str, thumbnail: str, name: str, size: Size, facts: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Return the Presentation manifest at ``address`` of the picture that the Image API has at ``image``."""

    def said(text: str) -> dict[str, list[str]]:
        return {"none": [text]}

    service = [{"id": image, "type": "ImageService3", "profile": "level2"}]
    sides = {"height": size.height, "width": size.width}
    body = {"id": f"{image}/full/max/0/default.jpg", "type": "Image", "format": "image/jpeg", **sides,
            "service": service}  # fmt: skip
    canvas = f"{address}/canvas"
    annotation = {"id": f"{address}/picture", "type": "Annotation", "motivation": "painting", "body": body,
                  "target": canvas}  # fmt: skip
    return {
        "@context": PRESENTATION, "id": address, "type": "Manifest", "label": said(name),
        "metadata": [{"label": {"en": [label]}, "value": said(value)} for label, value in facts],
        "thumbnail": [{"id": thumbnail, "type": "Image", "format": "image/jpeg"}],
        "items": [{"id": canvas, "type": "Canvas", "label": said(name), **sides,
                   "items": [{"id": f"{address}/page", "type": "AnnotationPage", "items": [annotation]}]}],
    }  # fmt: skip


def sized(picture: Picture, size: Size) -> Picture:
    """Return the same picture in another size."""
    return replace(picture, size=size)


def fitting(size: Size, side: int) -> Size:
    """Return ``size`` made smaller, if need be, to fit a square."""
    scale = max(Fraction(1), Fraction(longest(size), side))
    return Size(max(1, round(size.width / scale)), max(1, round(size.height / scale)))


def _region(text: str, base: Size) -> Box:
    whole = Box(0, 0, base.width, base.height)
    if text == "full":
        return whole
    if text == "square":
        side = min(base.width, base.height)
        return Box((base.width - side) // 2, (base.height - side) // 2, side, side)
    if match := re.fullmatch("pct:" + ",".join([NUMBER] * 4), text):
        x, y, width, height = (Fraction(number) / 100 for number in match.groups())
        left, top = floor(x * base.width + Fraction(1, 2)), floor(y * base.height + Fraction(1, 2))
        region = Box(left, top, round(width * base.width), round(height * base.height))
    elif match := re.fullmatch(",".join(["([0-9]{1,10})"] * 4), text):
        region = Box(*map(int, match.groups()))
    else:
        raise BadRequest(f"a region is full, square, x,y,w,h or pct:x,y,w,h, not '{text}'")
    region = region.clipped(whole)
    if not region.has_area:
        raise BadRequest(f"the region {text} has no pixel of the picture, which is {base}")
    return region


def _size(text: str, region: Box, most_side: int) -> Size:
    width, height, larger = region.width, region.height, text.startswith("^")
    asked = text.removeprefix("^")
    if asked == "max":
        most = Fraction(MOST_AREA, width * height)
        scale = min(float(most) ** 0.5, most_side / longest(region.size))
        if scale >= 1:  # larger than it is only if asked for by numbers
            return region.size
        return Size(max(1, floor(width * scale)), max(1, floor(height * scale)))
    if match := re.fullmatch(f"pct:{NUMBER}", asked):
        share = Fraction(match[1]) / 100
        size = Size(round(width * share), round(height * share))
    elif (match := re.fullmatch("(!?)([0-9]{0,10}),([0-9]{0,10})", asked)) and (match[2] or match[3]):
        if match[1]:
            if not (match[2] and match[3]):
                raise BadRequest(f"a size that is to be fitted is !w,h, not '{text}'")
            share = min(Fraction(int(match[2]), width), Fraction(int(match[3]), height))
            # Not that it is given as large as it is: IIIF's validator wants what is too large refused here as well.
            size = Size(max(1, round(width * share)), max(1, round(height * share))) if share else Size(0, 0)
        elif match[2] and match[3]:
            size = Size(int(match[2]), int(match[3]))
        elif match[2]:
            size = Size(int(match[2]), max(1, round(Fraction(height * int(match[2]), width))))
        else:
            size = Size(max(1, round(Fraction(width * int(match[3]), height))), int(match[3]))
    else:
        raise BadRequest(f"a size is max, w,h, w, or ,h or !w,h or pct:n, with ^ to enlarge, not '{text}'")
    if min(size.width, size.height) < 1 or size.area > MOST_AREA:
        raise BadRequest(f"the size {text} is {size}; it has from 1 to {MOST_AREA:,} pixels")
    if not larger and (size.width > width or size.height > height):
        raise BadRequest(f"the size {text} is larger than the region, {region.size}; ^{asked} enlarges it")
    return size


def _turned_size(size: Size, degrees: float) -> Size:
    """Return the size of what holds a picture of ``size`` that is turned."""
    if degrees % 90 == 0:
        return size if degrees % 180 == 0 else Size(size.height, size.width)
    across, down = abs(cos(radians(degrees))), abs(sin(radians(degrees)))
    return Size(ceil(size.width * across + size.height * down), ceil(size.width * down + size.height * across))


def _turned(image: Image.Image, picture: Picture) -> Image.Image:
    if picture.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if picture.degrees % 360 == 0:
        return image
    # What lies beside a picture that is turned by no right angle is white: JPEG has nothing transparent.
    return image.rotate(-picture.degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))


def _sizes(levels: Levels) -> list[dict[str, int]]:
    sizes = [levels.level_size(level) for level in range(levels.base_level + 1)]
    return [{"width": size.width, "height": size.height} for size in sizes if 64 <= longest(size) <= 4096]
