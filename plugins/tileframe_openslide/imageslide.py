"""The reader `imageslide`: ordinary images through Pillow, decoded once and held in memory."""

from __future__ import annotations

import logging
import struct
import threading
import warnings
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile, StubImageFile

from tileframe import (
    WHITE,
    Access,
    BaseSource,
    Box,
    InputError,
    Rgb,
    Size,
    SlideFacts,
    TileframeError,
    UnsupportedInput,
)
from tileframe.pixels import Pixels
from tileframe.png import PNG_SIGNATURE, png_damaged_chunk, png_is_complete
from tileframe_openslide.colour import BYTES_PER_PIXEL, Conversion, conversion
from tileframe_openslide.in_memory import ORIENTATION, refuse_if_too_large, turned
from tileframe_openslide.signatures import kind_of

# Without a handler, what Pillow logs of a damaged file goes to stderr, beside our own one message.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Bytes by which a file is recognised that Pillow does not know.
HEAD = 4096

_limit = threading.Lock()


class ImageReader:
    """Opens what Pillow knows, but for TIFFs."""

    def open(self, path: Path, *, background: Rgb | None = None) -> ImageSource:
        """Decode the (first) picture of ``path``; `InputError` if it is damaged or too large for the memory."""
        background = background or WHITE
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image, frames = _decode(path)
                convert, samples = conversion(image, background)
        except (TileframeError, MemoryError):
            raise
        except Exception as error:  # Pillow's forty parsers raise anything on damaged files, from KeyError on
            # A KeyError says no more than its key.
            said = error if isinstance(error, (OSError, SyntaxError, ValueError)) else repr(error)
            raise InputError(f"{path}: Pillow cannot decode it ({said})") from error
        facts = SlideFacts(
            format=(image.format or "").lower(),
            size=Size(*image.size),
            access=Access.REGIONS,
            background=background,
            samples=samples,
            icc=image.info.get("icc_profile") or None,
            notes=(f"the first of {frames} pictures in the file was taken",) if frames > 1 else (),
        )
        return ImageSource(path, image, convert, facts)


class ImageSource(BaseSource):
    """A decoded picture; any box, from any thread."""

    def __init__(self, path: Path, image: Image.Image, convert: Conversion, facts: SlideFacts) -> None:
        super().__init__(facts)
        self._path = path
        self._image: Image.Image | None = image
        self._convert = convert

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` as RGB8, or as CMYK or Lab; there is no native level but the base, 0."""
        if self._image is None:
            raise InputError(f"{self._path}: was closed")
        return self._convert(self._image.crop((box.x, box.y, box.right, box.bottom)))

    def close(self) -> None:
        """Release the memory."""
        self._image = None


def _decode(path: Path) -> tuple[Image.Image, int]:
    """Return the first picture, upright, and how many the file holds."""
    # Opened here, so that it is closed here: Pillow keeps the files of animations open.
    with path.open("rb") as file:
        head = file.read(HEAD)
        if head.startswith(PNG_SIGNATURE) and not png_is_complete(file):
            raise InputError(f"{path}: the PNG is cut short; its end chunk is missing")
        if head.startswith(PNG_SIGNATURE) and (chunk := png_damaged_chunk(file)):
            raise InputError(f"{path}: the PNG is damaged; its chunk {chunk} does not have its checksum")
        file.seek(0)
        try:
            image = _open_any_size(file)
        except UnidentifiedImageError:
            if head.startswith((PNG_SIGNATURE, b"\xff\xd8\xff")):
                raise InputError(f"{path}: Pillow cannot decode it (its header is damaged)") from None
            kind = kind_of(head)
            raise UnsupportedInput(f"is {kind}" if kind else "is in no format that Pillow knows") from None
        if isinstance(image, StubImageFile):  # Pillow knows the name of the format, and no more
            raise UnsupportedInput(f"is {kind_of(head) or f'in the format {image.format}, which Pillow cannot read'}")
        if image.format == "TIFF":
            raise UnsupportedInput("is a TIFF, which the reader tiff opens")
        refuse_if_too_large(path, image.size, BYTES_PER_PIXEL.get(image.mode, 4))
        frames = getattr(image, "n_frames", 1)
        image.load()
    upright = turned(image, _orientation(image))
    upright.format = image.format
    return upright, frames


def _open_any_size(file: BinaryIO) -> ImageFile:
    """Read the header without Pillow's limit on pixels, which gigapixel pictures exceed by design.

    Decoding keeps the limit, for what icon files hold in themselves and do not announce.
    """
    with _limit:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file)
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation (not XMP's, which browsers and libvips ignore too)."""
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
    except (SyntaxError, ValueError, struct.error):
        return 1  # damaged: there is no orientation to be had, and the pixels are sound
    return int(exif.get(ORIENTATION, 1))
