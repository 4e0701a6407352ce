"""The reader `vips`: JPEG, PNG and plain TIFF, decoded by libvips row by row."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Self

import numpy as np
import pyvips
import tifffile
from PIL import ImageCms

from tileframe import WHITE, Access, Box, IccProfile, InputError, Rgb, Size, SlideFacts, UnsupportedInput
from tileframe.endings import PNG_SIGNATURE, png_is_complete
from tileframe.pixels import Alpha, Pixels, to_rgb8

FORMATS = {"jpegload": "jpeg", "pngload": "png", "tiffload": "tiff"}
# Fetched at a time: small pieces stay in the processor's cache, 4.9 s for 658 MP against 6.2 s by 256 rows.
ROWS = 16
TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Those whose damage libvips tells; it is silent on damaged JPEG data in a TIFF.
SOUND_COMPRESSIONS = frozenset(
    {
        tifffile.COMPRESSION.NONE,
        tifffile.COMPRESSION.LZW,
        tifffile.COMPRESSION.ADOBE_DEFLATE,
        tifffile.COMPRESSION.DEFLATE,
    }
)
ORIENTATION = 274
# It logs each odd tag of a damaged file; our own one message is enough.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)


class VipsReader:
    """Opens pictures whose rows libvips gives in order; leaves colour conversion and slides to other readers."""

    def open(self, path: Path, *, background: Rgb | None = None) -> VipsSource:
        """Open ``path``; `UnsupportedInput` for kinds that libvips is not proved to read by the contract."""
        with path.open("rb") as file:
            if file.read(8) == PNG_SIGNATURE and not png_is_complete(file):
                raise InputError(f"{path}: the PNG is cut short; its end chunk is missing")
            file.seek(0)
            if file.read(4) in TIFF_HEADS and (kind := _unproved_tiff(path)):
                raise UnsupportedInput(f"libvips is not proved to read {kind}")
        try:
            image = open_image(path)
        except pyvips.Error as error:
            raise InputError(f"{path}: libvips cannot open it ({reason(error)})") from error
        _refuse_unproved(image)
        return VipsSource(path, image, background or WHITE)


class VipsSource:
    """An open picture: rows from the top down, once."""

    def __init__(self, path: Path, image: pyvips.Image, background: Rgb) -> None:
        self._path = path
        self._held = orientation(image) != 1
        upright = image.copy_memory().autorot() if self._held else image
        self._region: pyvips.Region | None = pyvips.Region.new(upright)
        self._bands, self._format = upright.bands, upright.format
        self._alpha = Alpha.STRAIGHT if upright.hasalpha() else Alpha.NONE
        self.facts = SlideFacts(
            format=FORMATS[_loader(image)],
            size=Size(upright.width, upright.height),
            access=Access.ROWS,
            background=background,
            icc=_icc(image),
            notes=_notes(image),
        )

    @property
    def path(self) -> Path:
        """The picture's file."""
        return self._path

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
        if self._region is None:
            raise InputError(f"{self._path}: was closed")
        samples = np.empty((box.height, box.width, self._bands), np.uint8 if self._format == "uchar" else np.uint16)
        for y in range(0, box.height, ROWS):
            part = samples[y : y + ROWS]
            try:
                fetched = self._region.fetch(box.x, box.y + y, box.width, len(part))
            except pyvips.Error as error:
                raise InputError(f"{self._path}: cannot be read at row {box.y + y} ({reason(error)})") from error
            part[:] = np.frombuffer(fetched, samples.dtype).reshape(part.shape)
        return to_rgb8(samples, alpha=self._alpha, background=self.facts.background)

    def associated(self, name: str) -> Pixels:
        """Ordinary images have none."""
        raise InputError(f"{self._path}: no associated image named '{name}' (have: none)")

    def close(self) -> None:
        """Let go of the file."""
        self._region = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def open_image(path: Path) -> pyvips.Image:
    """Open ``path`` for one pass from the top: damage is an error, and a replaced file is read anew."""
    return pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated", revalidate=True)


def orientation(image: pyvips.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none."""
    return int(image.get("orientation")) if "orientation" in image.get_fields() else 1


def reason(error: pyvips.Error) -> str:
    """Return what libvips said, on one line and once."""
    lines = dict.fromkeys(line.strip() for line in str(error.detail).splitlines() if line.strip())
    return "; ".join(line for line in lines if not line.startswith("unable to ")) or "it is damaged"


def _loader(image: pyvips.Image) -> str:
    return str(image.get("vips-loader")).removesuffix("_source")


def _refuse_unproved(image: pyvips.Image) -> None:
    if _loader(image) not in FORMATS:
        raise UnsupportedInput(f"libvips' {_loader(image)} is not proved equal to other readers")
    if image.format not in ("uchar", "ushort"):
        raise UnsupportedInput(f"{image.format} samples have no defined full range")
    if image.interpretation not in ("srgb", "b-w", "rgb16", "grey16", "rgb"):
        raise UnsupportedInput(
            f"{image.interpretation} pixels need colour conversion, which this reader leaves to others"
        )


def _unproved_tiff(path: Path) -> str | None:
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            photometric, compression, depth = page.photometric, page.compression, page.bitspersample
            extra, turned = page.extrasamples, page.tags.valueof(ORIENTATION, default=1) != 1
            planes = page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
            tiled, unsigned = page.is_tiled, page.sampleformat == tifffile.SAMPLEFORMAT.UINT
    except (tifffile.TiffFileError, ValueError, TypeError, KeyError, IndexError, OSError) as error:
        return f"this TIFF ({error})"
    if compression not in SOUND_COMPRESSIONS:
        return f"TIFF compression {compression}"
    if photometric not in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB) or depth not in (8, 16):
        return f"{depth}-bit TIFF, photometric {photometric}"
    if extra or turned:
        return "TIFF with alpha or an orientation"
    if (tiled and planes) or not unsigned:
        return "TIFF with tiled planes, or signed or floating-point samples"
    return None


def _icc(image: pyvips.Image) -> IccProfile | None:
    if "icc-profile-data" not in image.get_fields():
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.get("icc-profile-data")))
        name = ImageCms.getProfileDescription(profile).strip()
    except (OSError, ImageCms.PyCMSError):
        return None  # not a profile
    return IccProfile(name or "unnamed", applied=False)


def _notes(image: pyvips.Image) -> tuple[str, ...]:
    notes = []
    if orientation(image) != 1:
        notes.append("the picture is rotated by its EXIF orientation, so the whole of it was held in memory")
    if "jpeg-multiscan" in image.get_fields() and image.get("jpeg-multiscan"):
        notes.append("the JPEG is progressive, so the whole of it was held in memory")
    if "interlaced" in image.get_fields() and image.get("interlaced"):
        notes.append("the PNG is interlaced, so the whole of it was held in memory")
    if "n-pages" in image.get_fields() and (pages := image.get("n-pages")) > 1:
        notes.append(f"the first of {pages} pictures in the file was taken")
    return tuple(notes)
