"""The reader `imageslide`: ordinary images through Pillow, decoded once and held in memory."""

from __future__ import annotations

import io
import logging
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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
    OptionError,
    Rgb,
    Size,
    SlideFacts,
    TileframeError,
    UnsupportedInput,
)
from tileframe.pixels import Pixels
from tileframe.work import WhileUsed
from tileframe_damage.jpeg import JPEG_START, jpeg_damage, with_end
from tileframe_damage.png import PNG_SIGNATURE, chunks_damage, pixels_damage, png_chunk
from tileframe_openslide.colour import BYTES_PER_PIXEL, Conversion, conversion
from tileframe_openslide.in_memory import ORIENTATION, refuse_if_too_large, turned
from tileframe_openslide.options import ImageOptions
from tileframe_openslide.signatures import kind_of

# Without a handler, what Pillow logs of a damaged file goes to stderr, beside our own one message.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Bytes by which a file is recognised that Pillow does not know.
HEAD = 4096

_limit = threading.Lock()


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_SILENT = WhileUsed(_no_warnings)


class ImageReader:
    """Opens what Pillow knows, but for TIFFs."""

    def __init__(self, options: ImageOptions) -> None:
        self._options = options

    def open(self, path: Path, *, background: Rgb | None = None) -> ImageSource:
        """Decode the picture of ``path``; `InputError` if it is damaged or too large for the memory."""
        background = background or WHITE
        try:
            with _SILENT:
                image, frames = _decode(path, self._options.page)
                convert, samples = conversion(image, background)
        except (TileframeError, MemoryError):
            raise
        except Exception as error:  # Pillow's forty parsers raise anything on damaged files, from KeyError on
            if (kind := _strict_kind(_head(path))) and "nsupported" not in str(error):
                raise InputError(f"{path}: the {kind} is damaged; it cannot be decoded") from error
            # Of a KeyError and its like, the words are about Python and not about the file.
            said = error if isinstance(error, (OSError, SyntaxError, ValueError)) else "it is damaged"
            raise InputError(f"{path}: Pillow cannot decode it ({said})") from error
        facts = SlideFacts(
            format=(image.format or "").lower(),
            size=Size(*image.size),
            access=Access.REGIONS,
            background=background,
            samples=samples,
            icc=image.info.get("icc_profile") or None,
            notes=_notes(frames, self._options.page),
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


def _decode(path: Path, page: int | None) -> tuple[Image.Image, int]:
    """Return the first picture, or number ``page``, upright, and how many the file holds."""
    # Opened here, so that it is closed here: Pillow keeps the files of animations open.
    with path.open("rb") as file:
        head = file.read(HEAD)
        if damage := _damage(file, head):
            raise InputError(f"{path}: {damage}")
        file.seek(0)
        jpeg = with_end(file.read()) if head.startswith(JPEG_START) else None
        try:
            image = _open_any_size(file if jpeg is None else io.BytesIO(jpeg))
        except UnidentifiedImageError:
            if kind := _strict_kind(head):
                raise InputError(f"{path}: the {kind} is damaged; it cannot be decoded") from None
            what = kind_of(head)
            raise UnsupportedInput(f"is {what}" if what else "is in no format that Pillow knows") from None
        if isinstance(image, StubImageFile):  # Pillow knows the name of the format, and no more
            raise UnsupportedInput(f"is {kind_of(head) or f'in the format {image.format}, which Pillow cannot read'}")
        if image.format == "TIFF":
            raise UnsupportedInput("is a TIFF, which the reader tiff opens")
        refuse_if_too_large(path, image.size, BYTES_PER_PIXEL.get(image.mode, 4))
        # Of a Photoshop document, the first is all its layers together.
        frames = 1 if image.format == "PSD" else getattr(image, "n_frames", 1)
        if page is not None:
            if page >= frames:
                raise OptionError(f"page is from 0 to {frames - 1} in this file, not {page}")
            image.seek(page)
        image.load()
        orientation = _orientation(image) or _imagemagicks_orientation(file, head)
    upright = turned(image, orientation)
    upright.format = image.format
    return upright, frames


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _strict_kind(head: bytes) -> str | None:
    """Return the name of a kind of which every reader says the same: JPEG or PNG; None for others."""
    if head.startswith(JPEG_START):
        return "JPEG"
    return "PNG" if head.startswith(PNG_SIGNATURE) else None


def _damage(file: BinaryIO, head: bytes) -> str | None:
    """Say what is wrong with a PNG or JPEG that Pillow may pass over; None if nothing is."""
    if head.startswith(PNG_SIGNATURE):
        return chunks_damage(file) or pixels_damage(file)
    if not head.startswith(JPEG_START):
        return None
    file.seek(0)
    return jpeg_damage(file.read())


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
        return 0  # damaged: there is no orientation to be had, and the pixels are sound
    return int(exif.get(ORIENTATION, 0))


def _imagemagicks_orientation(file: BinaryIO, head: bytes) -> int:
    """Return what ImageMagick's own chunk of a PNG says, as EXIF would; 0 without one."""
    content = png_chunk(file, b"orNT") if head.startswith(PNG_SIGNATURE) else None
    return content[0] if content else 0


def _notes(frames: int, page: int | None) -> tuple[str, ...]:
    if page is not None or frames < 2:
        return ()
    return (f"the first of {frames} pictures in the file was taken; --page N takes another",)
