"""The inputs of a benchmark: files of the user, and built-in pictures with a photograph's statistics.

Built-in inputs are drawn once and kept in the folder ``tileframe-workloads`` among the temporary files, or in the one
that TILEFRAME_WORKLOADS names.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tileframe import OutputError, Rgb, Size, open_slide

VERSION = 2  # raise it when the same recipe gives other pixels
TILE = 240  # the side of the slides' own tiles


@dataclass(frozen=True, slots=True)
class Input:
    """A file to be tiled."""

    name: str
    path: Path
    shown: str  # its name in commands that people repeat
    size: Size
    is_slide: bool  # whether OpenSlide opens it as a slide, and so reads any part of it


def open_input(path: Path, name: str, shown: str) -> Input:
    """Return the facts of ``path``; `InputError` if no reader opens it."""
    import openslide

    with open_slide(path) as source:
        return Input(name, path, shown, source.facts.size, openslide.OpenSlide.detect_format(path) is not None)


@dataclass(frozen=True, slots=True)
class Workload:
    """A recipe for one input file: the same recipe gives the same pixels."""

    name: str
    size: Size
    kind: Literal["jpg", "svs", "jp2k"]  # a JPEG, or a slide with tiles in JPEG or in JPEG 2000
    seed: int
    quality: int  # 1 to 100; of JPEG 2000 the signal to noise ratio in dB
    colour: Rgb  # the mean of a photograph, or the stain of a section

    @property
    def path(self) -> Path:
        """The path of the file, whether it exists or not."""
        recipe = hashlib.sha256(repr((VERSION, self)).encode()).hexdigest()[:12]
        folder = Path(os.environ.get("TILEFRAME_WORKLOADS") or Path(tempfile.gettempdir()) / "tileframe-workloads")
        return folder / f"{self.name}-{self.size}-{recipe}.{'jpg' if self.kind == 'jpg' else 'svs'}"

    def make(self) -> Path:
        """Return the path of the file, which is drawn if it does not exist; `OutputError` if it cannot be written."""
        path = self.path
        partial = path.with_name(f"{os.getpid()}.{path.name}")
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                self._write(partial)
                partial.replace(path)
        except OSError as error:
            place = f"{error.filename or path.parent}: cannot be written ({error.strerror})"
            raise OutputError(f"{place}; give TILEFRAME_WORKLOADS a folder with room") from error
        finally:
            with suppress(OSError):
                partial.unlink()
        return path

    def _write(self, path: Path) -> None:
        from tileframe_demo.pictures import photograph, section
        from tileframe_demo.svs import SvsWriter, jpeg, jpeg_2000

        # libvips draws it as it is read.
        if self.kind == "jpg":
            photograph(self.size, self.seed, self.colour).jpegsave(str(path), Q=self.quality, subsample_mode="on")
            return
        picture, codec = section(self.size, self.seed, self.colour), jpeg if self.kind == "svs" else jpeg_2000
        width, height = self.size.width, self.size.height
        strips = (picture.crop(0, y, width, min(TILE, height - y)).numpy() for y in range(0, height, TILE))
        with SvsWriter(path, self.size, codec(self.quality), tile=TILE) as writer:
            writer.add_pyramid(strips)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("babel", Size(30000, 21952), "jpg", seed=1, quality=90, colour=Rgb(176, 147, 93)),
        Workload("skagen", Size(16403, 11698), "jpg", seed=2, quality=90, colour=Rgb(112, 134, 158)),
        Workload("svs", Size(32671, 24000), "svs", seed=3, quality=80, colour=Rgb(212, 158, 194)),
        Workload("jp2k", Size(32671, 47076), "jp2k", seed=3, quality=38, colour=Rgb(212, 158, 194)),
    )
}


def scaled(workload: Workload, scale: float) -> Workload:
    """Return ``workload`` with both sides times ``scale``: a smaller piece, as detailed."""
    size = Size(max(1, round(workload.size.width * scale)), max(1, round(workload.size.height * scale)))
    return replace(workload, size=size)
