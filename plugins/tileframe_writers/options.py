"""What can be chosen of each tile format. Nothing heavy is imported here: every command reads it."""

from __future__ import annotations

from tileframe import option
from tileframe.frozen import dataclass


@dataclass(frozen=True)
class JpegOptions:
    """What can be chosen of JPEG tiles."""

    quality: int = option(75, help="4:2:0 below 90, 4:4:4 from there on.", low=1, high=100)


@dataclass(frozen=True)
class WebpOptions:
    """What can be chosen of WebP tiles."""

    quality: int | None = option(None, help="Of lossy tiles, always 4:2:0; 75 unless given.", low=1, high=100)
    lossless: bool = option(False, help="Whether tiles keep every pixel.")
    effort: int = option(2, help="More is smaller and slower; for lossless tiles, 0 is fast.", low=0, high=6)


@dataclass(frozen=True)
class AvifOptions:
    """What can be chosen of AVIF tiles."""

    quality: int = option(60, help="4:2:0 below 90, 4:4:4 from there on; 100 is lossless.", low=1, high=100)
    speed: int = option(9, help="Less is smaller and slower, down to a hundredth of the speed.", low=0, high=10)


@dataclass(frozen=True)
class JxlOptions:
    """What can be chosen of JPEG XL tiles."""

    quality: int | None = option(None, help="Of lossy tiles, 75 unless given; 100 is lossless.", low=1, high=100)
    distance: float | None = option(
        None, help="The same as a distance from the original: 1 is hardly seen, 0 is lossless.", low=0, high=25
    )
    lossless: bool = option(False, help="Whether tiles keep every pixel.")
    effort: int = option(3, help="More is smaller and slower; for lossless tiles, 1 is fast.", low=1, high=9)
