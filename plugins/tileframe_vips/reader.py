"""The reader `vips`: JPEG and PNG, decoded by libvips row by row."""

from __future__ import annotations

import logging
import os
import threading
import zlib
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pyvips

from tileframe import (
    WHITE,
    Access,
    BaseSource,
    Box,
    InputError,
    Pixels,
    Rgb,
    Samples,
    Size,
    SlideFacts,
    UnsupportedInput,
)
from tileframe_damage.jpeg import jpeg_pictures, with_end
from tileframe_damage.png import PIECE, PNG_SIGNATURE, chunks_damage, png_chunk, png_pictures
from tileframe_damage.restarts import END
from tileframe_damage.warnings import MARK, Warnings
from tileframe_vips.damage import damage_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tileframe_vips.restarts import Bands

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
# Bytes at the end of a JPEG in which its end marker is looked for, behind zeros.
TAIL = 1 << 16
# Bytes at its beginning in which it may say how many pictures there are.
HEADERS = 1 << 20
# Without a handler, what it logs of a damaged file goes to stderr, beside our own one message.
logging.getLogger("pyvips").addHandler(logging.NullHandler())
_CACHE = threading.Lock()


class VipsReader:
    """Opens pictures whose rows libvips gives in order; leaves colour conversion and slides to other readers."""

    def open(self, path: Path, *, background: Rgb | None = None) -> VipsSource:
        """Open ``path``; `UnsupportedInput` for kinds that libvips is not proved to read by the contract."""
        with path.open("rb", PIECE) as file:  # of a PNG in chunks of 8 kB, a default buffer holds none
            kind = _kind(file.read(8))
            if kind == "png" and (damage := chunks_damage(file)):
                raise InputError(f"{path}: {damage}")
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            raise UnsupportedInput("libvips opens no path that is not UTF-8") from error
        warnings = Warnings()
        try:
            image = open_image(path, kind)
        except pyvips.Error as error:
            raise _unreadable(path, kind, f"libvips cannot open it ({reason(error)})") from error
        _refuse_unproved(image)
        return VipsSource(path, kind, image, background or WHITE, warnings)


@runtime_checkable
class LibvipsReads(Protocol):
    """Optional ability of a `Source`: to be read by libvips itself. A view over a source does not have it."""

    def libvips_may_read(self) -> str | None:
        """Say why libvips must not read the file itself; None where that gives the contract's pixels."""

    def reopened(self) -> pyvips.Image:
        """Return the picture as libvips reads it, from the top again."""

    def begin(self) -> None:
        """Take note of what libvips warns of from now on: pyvips has cleared it whenever it was asked for a method."""

    def refuse_damaged(self, *, failed: bool = False) -> None:
        """Raise `InputError` if what was read is damaged: libvips may only have warned, or have ``failed``."""


class VipsSource(BaseSource):
    """An open picture: rows from the top down, once."""

    def __init__(self, path: Path, kind: str, image: pyvips.Image, background: Rgb, warnings: Warnings) -> None:
        self._path = path
        self._warnings: Warnings | None = warnings if kind == "jpeg" else None
        self._image: pyvips.Image | None = image
        self._region: pyvips.Region | None = None
        self._apart: Bands | None = None
        self._is_sought = False
        self._held = orientation(image) != 1
        self._bands, self._format = image.bands, image.format
        self._has_alpha = bool(image.hasalpha())
        turned = orientation(image) >= 5
        facts = SlideFacts(
            format=kind,
            size=Size(image.height, image.width) if turned else Size(image.width, image.height),
            access=Access.ROWS,
            background=background,
            samples=Samples.GREY if image.bands <= 2 else Samples.RGB,
            icc=_png_profile(path) if kind == "png" else _profile(image),
            notes=_notes(path, kind, image),
        )
        super().__init__(facts)

    def reopened(self) -> pyvips.Image:
        """Return the picture as libvips reads it, from the top again."""
        return open_image(self._path, self.facts.format)

    def begin(self) -> None:
        """Take note of what libvips warns of from now on."""
        if self._warnings:
            self._warnings = Warnings()

    def refuse_damaged(self, *, failed: bool = False) -> None:
        """Raise `InputError` if the file is damaged, where libjpeg may have warned or reading has ``failed``."""
        if failed or (self._warnings and self._warnings.may_be_of_damage()):
            if damage := damage_of(self._path, self.facts.format):
                raise InputError(f"{self._path}: {damage}")
            self._warnings = None  # the whole of it is sound

    def libvips_may_read(self) -> str | None:
        """Say why libvips must not read the file itself; None for the kinds that are proved equal: RGB8 and grey8."""
        if self._held:
            return "it is to be rotated"
        if self._format != "uchar":
            return "it has 16 bits a sample"
        if self._has_alpha:
            return "it has alpha"
        return None

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return the next rows as RGB8."""
        rows = max(1, AT_ONCE // (3 * box.width))
        if box.height <= rows:
            return self._rgb8(self._fetch(box))
        import numpy as np  # here, for where libvips itself reads the file it is not needed

        pixels = np.empty((box.height, box.width, 3), np.uint8)
        for y in range(0, box.height, rows):
            part = pixels[y : y + rows]
            part[:] = self._rgb8(self._fetch(Box(box.x, box.y + y, box.width, len(part))))
        return pixels

    def find_rows(self) -> bool:
        """Look for restart markers: only a JPEG that is not to be turned can have them where they help."""
        if self.facts.format == "jpeg" and not self._held and not self._is_sought:
            from tileframe_vips.restarts import bands_of  # here, for it loads numpy

            self._apart, self._is_sought = bands_of(self._path), True
        return self._apart is not None

    def rows(self, box: Box, into: Pixels) -> None:
        """Write ``box`` as RGB8, decoded from the restart marker before it."""
        if self._image is None or self._apart is None:
            raise InputError(f"{self._path}: was closed")
        into[:] = self._rgb8(self._apart.read(box))

    def _fetch(self, box: Box) -> NDArray[Any]:
        """Return the next rows as libvips has them, in memory that libvips leaves to us."""
        try:
            # No variable holds the region: an error would keep it, with its frames, until Python has ended, and what
            # libvips says when it lets go of a damaged picture would go to stderr.
            fetched = self._opened_region().fetch(box.x, box.y, box.width, box.height)
        except pyvips.Error as error:
            clear_frames(error.__traceback__)
            raise _unreadable(self._path, self.facts.format, f"cannot be read ({reason(error)})") from error
        self.refuse_damaged()
        import numpy as np

        samples = np.frombuffer(fetched, np.uint8 if self._format == "uchar" else np.uint16)
        return samples.reshape(box.height, box.width, self._bands)

    def _rgb8(self, samples: NDArray[Any]) -> Pixels:
        if self._bands == 3 and self._format == "uchar":
            return samples  # as they are: of large rows, each copy costs as much as halving them
        from tileframe.pixels import Alpha, to_rgb8

        alpha = Alpha.STRAIGHT if self._has_alpha else Alpha.NONE
        return to_rgb8(samples, alpha=alpha, background=self.facts.background)

    def close(self) -> None:
        """Let go of the file, and of its rows."""
        self._image = self._region = None
        with _CACHE:
            # libvips keeps what it has done last, pictures with their buffers, up to 100 MB. This lets go of it.
            most = pyvips.vips_lib.vips_cache_get_max()
            pyvips.cache_set_max(0)
            pyvips.cache_set_max(most)

    def _opened_region(self) -> pyvips.Region:
        if self._image is None:
            raise InputError(f"{self._path}: was closed")
        if self._region is None:
            try:
                # Held and turned only now, by the thread that reads: libvips loses a Ctrl-C in the main one.
                upright = self._image
                if self._held:
                    upright = upright.copy_memory()
                    self.refuse_damaged()  # at once: pyvips clears the messages when it asks for a property
                    upright = upright.autorot()
                self._region = pyvips.Region.new(upright)
            except pyvips.Error as error:
                raise _unreadable(self._path, self.facts.format, f"cannot be read ({reason(error)})") from error
        return self._region


def open_image(path: Path, kind: str) -> pyvips.Image:
    """Open ``path`` for one pass from the top: damage is an error, and a replaced file is read anew."""
    # By name: for a JPEG with a gain map (Ultra HDR), libvips itself would choose another loader.
    how = {"access": "sequential", "fail_on": FAIL_ON[kind], "revalidate": True}
    image: pyvips.Image
    if kind == "jpeg" and _lacks_end(path):
        how.pop("revalidate")
        image = pyvips.Image.jpegload_buffer(with_end(path.read_bytes()), **how)
    else:
        image = getattr(pyvips.Image, f"{kind}load")(str(path), **how)
    if kind == "png" and "orientation" not in image.get_fields() and (turned := _imagemagicks_orientation(path)):
        image = image.copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", turned)
    return image


def _imagemagicks_orientation(path: Path) -> int:
    """Return what ImageMagick's own chunk of a PNG says, as EXIF would; 0 without one."""
    with path.open("rb") as file:
        content = png_chunk(file, b"orNT")
    return content[0] if content and 1 <= content[0] <= 8 else 0


def _lacks_end(path: Path) -> bool:
    """Say whether a JPEG does not end with its end marker: because that is missing, or because something follows."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        return not file.read().rstrip(b"\0").endswith(END)


def _unreadable(path: Path, kind: str, said: str) -> InputError:
    """Return the error for what libvips does not read: with the words that every reader has, where it is damaged."""
    damaged = f"the {kind.upper()} is damaged; it cannot be decoded"
    return InputError(f"{path}: {damage_of(path, kind) or (said if 'nsupported' in said else damaged)}")


def orientation(image: pyvips.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none."""
    return int(image.get("orientation")) if "orientation" in image.get_fields() else 1


def reason(error: pyvips.Error) -> str:
    """Return what libvips said, on one line and once, and without our own marks in its list."""
    _, mark, said = str(error.detail).rpartition(MARK)  # before it stands what was said of other pictures
    lines = dict.fromkeys(line.strip() for line in said.splitlines()[bool(mark) :] if line.strip())
    told = (line for line in lines if not line.startswith("unable to "))
    return "; ".join(told) or "it is damaged"


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
        content = png_chunk(file, b"iCCP")
    # A name that ends in a zero byte, and another one for deflate.
    _, _, packed = (content or b"")[:LARGEST_PROFILE].partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], LARGEST_PROFILE) or None
    except zlib.error:
        return None


def _pictures(path: Path, kind: str) -> int:
    """Return how many pictures the file says it holds."""
    with path.open("rb") as file:
        return png_pictures(file) if kind == "png" else jpeg_pictures(file.read(HEADERS))


def _notes(path: Path, kind: str, image: pyvips.Image) -> tuple[str, ...]:
    notes = []
    if orientation(image) != 1:
        notes.append("the picture is rotated by its EXIF orientation, so the whole of it was held in memory")
    if "jpeg-multiscan" in image.get_fields() and image.get("jpeg-multiscan"):
        notes.append("the JPEG is progressive, so the whole of it was held in memory")
    is_png = image.get("vips-loader") == "pngload"
    if is_png and "interlaced" in image.get_fields() and image.get("interlaced"):
        notes.append("the PNG is interlaced, so the whole of it was held in memory")
    if (pictures := _pictures(path, kind)) > 1:
        notes.append(f"the first of {pictures} pictures in the file was taken; --page N takes another")
    return tuple(notes)
