"""ICC profiles, made from their specification, and what LittleCMS makes of pixels with them through Pillow."""

from __future__ import annotations

import io
import struct
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from tests.pyramids import assembled, tiles
from tileframe import ColourRecord, Pixels, open_pyramid
from tileframe_colour.srgb import SRGB

INTENTS = ("perceptual", "relative", "saturation", "absolute")
"""In the order of their numbers in ICC."""
D50 = (0.9642, 1.0, 0.8249)
# The primaries of Adobe RGB (1998) and of ProPhoto, as seen under D50.
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82490))


def fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def xyz(numbers: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*numbers)


def gamma(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256))


def profile(kind: bytes, space: bytes, connection: bytes, name: str, tags: dict[bytes, bytes]) -> bytes:
    text = name.encode() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": described, b"wtpt": xyz(D50), **tags}
    start, table, content = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    size = start + len(content)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, kind, space, connection)
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + fixed(*D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def matrix(
    name: str = "Made RGB", exponent: float = 2.2, primaries: tuple[tuple[float, float, float], ...] = ADOBE
) -> bytes:
    colours = zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, primaries), strict=True)
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(exponent))
    return profile(b"mntr", b"RGB ", b"XYZ ", name, {**dict(colours), **curves})


def lut(kind: bytes = b"scnr", space: bytes = b"RGB ", samples: int = 3, name: str = "Made LUT") -> bytes:
    """A table of a few colours in Lab, between which is interpolated."""
    grid = 5
    nodes = np.stack(np.meshgrid(*[np.linspace(0, 1, grid)] * samples, indexing="ij"), -1).reshape(-1, samples)
    light = nodes[:, :3] if samples == 3 else (1 - nodes[:, :3]) * (1 - nodes[:, 3:])
    lab = np.stack([light.mean(1) ** 0.9 * 255, 128 + 90 * (light[:, 0] - light[:, 1]),
                    128 + 90 * (light[:, 1] - light[:, 2])], -1)  # fmt: skip
    curve = bytes(range(256))
    head = b"mft1\0\0\0\0" + bytes([samples, 3, grid, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table = head + curve * samples + lab.round().astype(np.uint8).tobytes() + curve * 3
    return profile(kind, space, b"Lab ", name, {b"A2B0": table})


def grey(exponent: float = 1.4) -> bytes:
    return profile(b"mntr", b"GRAY", b"XYZ ", "Made grey", {b"kTRC": gamma(exponent)})


def cmyk() -> bytes:
    return lut(b"prtr", b"CMYK", 4, "Made CMYK")


@cache  # for a second profile may bear another second
def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@cache
def transform(data: bytes, mode: str, intent: str = "relative") -> ImageCms.ImageCmsTransform:
    source, target = (ImageCms.ImageCmsProfile(io.BytesIO(one)) for one in (data, SRGB))
    black_points = ImageCms.Flags.BLACKPOINTCOMPENSATION
    return ImageCms.buildTransform(source, target, mode, "RGB", ImageCms.Intent(INTENTS.index(intent)), black_points)


def by_littlecms(image: Image.Image | Pixels, data: bytes, intent: str = "relative") -> Pixels:
    """What Pillow makes of a picture with the profile ``data``, in sRGB."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    return np.asarray(transform(data, image.mode, intent).apply(image))


def base(target: str) -> np.ndarray:
    with open_pyramid(target) as pyramid:
        level = pyramid.pyramid.base_level
    return assembled(Path(target), level)


def colour(target: str) -> ColourRecord:
    with open_pyramid(target) as pyramid:
        assert pyramid.manifest is not None
        return pyramid.manifest.plan.colour


def profiles_of(target: str) -> set[bytes | None]:
    """What Pillow finds in every tile."""
    found = set()
    for path in tiles(Path(target)).values():
        with Image.open(path) as image:
            found.add(image.info.get("icc_profile"))
    return found
