"""What pictures that are held in memory go through: a check that they fit, and turning them upright."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tileframe.machine import refuse_more_memory

ORIENTATION = 0x112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def refuse_if_too_large(path: Path, size: tuple[int, int], bytes_per_pixel: int) -> None:
    """Say no before the memory is gone: a few bytes of header can ask for any amount of it."""
    width, height = size
    refuse_more_memory(width * height * bytes_per_pixel, f"{path}: {width}x{height} pixels")


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return ``image`` upright, given its EXIF or TIFF orientation, 1 to 8; others mean nothing."""
    method = UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)
