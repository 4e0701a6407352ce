"""The built-in inputs: seeded pictures with a photograph's statistics, made once and kept in a cache folder.

The folder is ``tileframe-workloads`` among the temporary files, or the one that TILEFRAME_WORKLOADS names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tileframe import Rgb, Size

if TYPE_CHECKING:
    import pyvips

VERSION = 1  # raise it when the same recipe gives other pixels


@dataclass(frozen=True, slots=True)
class Workload:
    """A recipe for one input file: the same recipe, the same pixels."""

    name: str
    size: Size
    kind: Literal["jpg", "svs", "jp2k"]
    """A JPEG, or a slide with tiles in JPEG or in JPEG 2000."""
    seed: int
    quality: int
    """1 to 100; of JPEG 2000 the signal to noise ratio in dB."""
    colour: Rgb
    """The mean of a photograph, or the stain of a section."""

    @property
    def path(self) -> Path:
        """Where the file is, or will be."""
        recipe = hashlib.sha256(repr((VERSION, self)).encode()).hexdigest()[:12]
        return _cache() / f"{self.name}-{self.size}-{recipe}.{'jpg' if self.kind == 'jpg' else 'svs'}"

    def make(self) -> Path:
        """Return the path of the file, having made it if it was not there."""
        path = self.path
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_name(f"{os.getpid()}.{path.name}")
            try:
                self._write(scratch)
                scratch.replace(path)
            finally:
                scratch.unlink(missing_ok=True)
        return path

    def facts(self) -> dict[str, str | int | float]:
        """Return name, size and weight of the file, which it makes if need be."""
        weight = self.make().stat().st_size
        return {
            "workload": self.name,
            "size": str(self.size),
            "megapixels": round(self.size.area / 1e6, 1),
            "bytes": weight,
            "bytes_per_pixel": round(weight / self.size.area, 3),
        }

    def picture(self) -> pyvips.Image:
        """Return what is in the file, drawn as it is asked for."""
        # Imported here: who only asks where the file is does without the image libraries.
        from tileframe_bench.pictures import photograph, section

        return (photograph if self.kind == "jpg" else section)(self.size, self.seed, self.colour)

    def _write(self, path: Path) -> None:
        from tileframe_bench.svs import save_svs

        if self.kind == "jpg":
            self.picture().jpegsave(str(path), Q=self.quality, subsample_mode="on")
        else:
            save_svs(path, self.picture(), quality=self.quality, jpeg_2000=self.kind == "jp2k")


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
    return dataclasses.replace(workload, size=size)


def _cache() -> Path:
    return Path(os.environ.get("TILEFRAME_WORKLOADS") or Path(tempfile.gettempdir()) / "tileframe-workloads")
