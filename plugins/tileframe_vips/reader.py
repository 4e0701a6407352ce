"""The reader `vips`: JPEG and PNG, decoded by libvips row by row."""

from __future__ import annotations

import logging
import zlib
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyvips
from numpy.typing import NDArray

from tileframe import WHITE, Access, BaseSource, Box, InputError, Rgb, Samples, Size, SlideFacts, UnsupportedInput
from tileframe.pixels import Alpha, Pixels, to_rgb8
from tileframe.png import PNG_SIGNATURE, png_is_complete

HEADS = {
    "jpeg": (b"\xff\xd8\xff",),
    "png": (PNG_SIGNATURE,),
}
# "truncated" catches a cut JPEG, but lets through a PNG whose palette is damaged.
FAIL_ON = {"jpeg": "truncated", "png": "error"}
# Bytes fetched at a time: small pieces stay in the processor's cache, and libvips holds less of the picture.
# For 30000 pixels of width, 3.3 s and 90 MB by 2 rows, 3.7 s and 220 MB by 16, 480 MB by 256.
AT_ONCE = 200_000
LARGEST_PROFILE = 1 << 24
# Without a handler, what it logs of a damaged file goes to stderr, beside our own one message.
logging.getLogger("pyvips").addHandler(logging.NullHandler())


class VipsReader:
    """Opens pictures whose rows libvips gives in order; leaves colour conversion and slides to other readers."""

    def open(self, path: Path, *, background: Rgb | None = None) -> VipsSource:
        """Open ``path``; `UnsupportedInput` for kinds that libvips is not proved to read by the contract."""
        with path.open("rb") as file:
            kind = _kind(file.read(8))
            if kind == "png" and not png_is_complete(file):
                raise InputError(f"{path}: the PNG is cut short; its end chunk is missing")
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            raise UnsupportedInput("libvips opens no path that is not UTF-8") from error
        try:
            image = open_image(path, kind)
        except pyvips.Error as error:
            raise InputError(f"{path}: libvips cannot open it ({reason(error)})") from error
        _refuse_unproved(image)
        return VipsSource(path, kind, image, background or WHITE)


@runtime_checkable
class LibvipsReads(Protocol):
    """Optional ability of a `Source`: to be read by libvips itself. A view over a source does not have it."""

    def libvips_may_read(self) -> str | None:
        """Say why libvips must not read the file itself; None where that gives the contract's pixels."""

    def reopened(self) -> pyvips.Image:
        """Return the picture as libvips reads it, from the top again."""


class VipsSource(BaseSource):
    """An open picture: rows from the top down, once."""

    def __init__(self, path: Path, kind: str, image: pyvips.Image, background: Rgb) -> None:
        self._path = path
        self._image: pyvips.Image | None = image
        self._region: pyvips.Region | None = None
        self._held = orientation(image) != 1
        self._bands, self._format = image.bands, image.format
        self._alpha = Alpha.STRAIGHT if image.hasalpha() else Alpha.NONE
        turned = orientation(image) >= 5
        facts = SlideFacts(
            format=kind,
            size=Size(image.height, image.width) if turned else Size(image.width, image.height),
            access=Access.ROWS,
            background=background,
            samples=Samples.GREY if image.bands <= 2 else Samples.RGB,
            icc=_png_profile(path) if kind == "png" else _profile(image),
            notes=_notes(image),
        )
        super().__init__(facts)

    def reopened(self) -> pyvips.Image:
        """Return the picture as libvips reads it, from the top again."""
        return open_image(self._path, self.facts.format)

    def libvips_may_read(self) -> str | None:
        """Say why libvips must not read the file itself; None for the kinds that are proved equal: RGB8 and grey8."""
        if self._held:
            return "it is to be rotated"
        if self._format != "uchar":
            return "it has 16 bits a sample"
        if self._alpha is not Alpha.NONE:
            return "it has alpha"
        return None

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return the next rows as RGB8."""
        rows = max(1, AT_ONCE // (3 * box.width))
        if box.height <= rows:
            return self._rgb8(self._fetch(box))
        pixels = np.empty((box.height, box.width, 3), np.uint8)
        for y in range(0, box.height, rows):
            part = pixels[y : y + rows]
            part[:] = self._rgb8(self._fetch(Box(box.x, box.y + y, box.width, len(part))))
        return pixels

    def _fetch(self, box: Box) -> NDArray[Any]:
        """Return the next rows as libvips has them, in memory that libvips leaves to us."""
        region = self._opened_region()
        try:
            fetched = region.fetch(box.x, box.y, box.width, box.height)
        except pyvips.Error as error:
            raise InputError(f"{self._path}: cannot be read at row {box.y} ({reason(error)})") from error
        samples = np.frombuffer(fetched, np.uint8 if self._format == "uchar" else np.uint16)
        return samples.reshape(box.height, box.width, self._bands)

    def _rgb8(self, samples: NDArray[Any]) -> Pixels:
        if self._bands == 3 and self._format == "uchar":
            return samples  # as they are: of large rows, each copy costs as much as halving them
        return to_rgb8(samples, alpha=self._alpha, background=self.facts.background)

    def close(self) -> None:
        """Let go of the file."""
        self._image = self._region = None

    def _opened_region(self) -> pyvips.Region:
        if self._image is None:
            raise InputError(f"{self._path}: was closed")
        if self._region is None:
            try:
                # Held and turned only now, by the thread that reads: libvips loses a Ctrl-C in the main one.
                upright = self._image.copy_memory().autorot() if self._held else self._image
                self._region = pyvips.Region.new(upright)
            except pyvips.Error as error:
                raise InputError(f"{self._path}: cannot be read ({reason(error)})") from error
        return self._region


def open_image(path: Path, kind: str) -> pyvips.Image:
    """Open ``path`` for one pass from the top: damage is an error, and a replaced file is read anew."""
    # By name: for a JPEG with a gain map (Ultra HDR), libvips itself would choose another loader.
    load = getattr(pyvips.Image, f"{kind}load")
    image: pyvips.Image = load(str(path), access="sequential", fail_on=FAIL_ON[kind], revalidate=True)
    return image


def orientation(image: pyvips.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none."""
    return int(image.get("orientation")) if "orientation" in image.get_fields() else 1


def reason(error: pyvips.Error) -> str:
    """Return what libvips said, on one line and once."""
    lines = dict.fromkeys(line.strip() for line in str(error.detail).splitlines() if line.strip())
    return "; ".join(line for line in lines if not line.startswith("unable to ")) or "it is damaged"


def _kind(head: bytes) -> str:
    """Return the loader's name for a file that begins with ``head``."""
    for kind, heads in HEADS.items():
        if head.startswith(heads):
            return kind
    raise UnsupportedInput("is neither JPEG nor PNG")


def _refuse_unproved(image: pyvips.Image) -> None:
    if image.format not in ("uchar", "ushort"):
        raise UnsupportedInput(f"{image.format} samples have no defined full range")
    if image.interpretation not in ("srgb", "b-w", "rgb16", "grey16", "rgb"):
        raise UnsupportedInput(
            f"{image.interpretation} pixels need colour conversion, which this reader leaves to others"
        )


def _profile(image: pyvips.Image) -> bytes | None:
    return image.get("icc-profile-data") or None if "icc-profile-data" in image.get_fields() else None


def _png_profile(path: Path) -> bytes | None:
    """Return the colour profile of a PNG as it is: libpng drops those that it does not like, without a word."""
    with path.open("rb") as file:
        file.seek(len(PNG_SIGNATURE))
        while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
            length = int.from_bytes(head[:4], "big")
            if head[4:] == b"iCCP":
                # A name that ends in a zero byte, and another one for deflate.
                _, _, packed = file.read(length).partition(b"\0")
                try:
                    return zlib.decompressobj().decompress(packed[1:], LARGEST_PROFILE) or None
                except zlib.error:
                    return None
            file.seek(length + 4, 1)
    return None


def _notes(image: pyvips.Image) -> tuple[str, ...]:
    notes = []
    if orientation(image) != 1:
        notes.append("the picture is rotated by its EXIF orientation, so the whole of it was held in memory")
    if "jpeg-multiscan" in image.get_fields() and image.get("jpeg-multiscan"):
        notes.append("the JPEG is progressive, so the whole of it was held in memory")
    is_png = image.get("vips-loader") == "pngload"
    if is_png and "interlaced" in image.get_fields() and image.get("interlaced"):
        notes.append("the PNG is interlaced, so the whole of it was held in memory")
    if "n-pages" in image.get_fields() and (pages := image.get("n-pages")) > 1:
        notes.append(f"the first of {pages} pictures in the file was taken")
    return tuple(notes)
