"""What has to be known of an input, found out in a process of its own: the one that measures stays small."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tileframe import JobSpec, Size, open_job


@dataclass(frozen=True, slots=True)
class Input:
    """A file to be tiled."""

    name: str
    path: Path
    shown: str
    """As commands for people name it."""
    size: Size
    is_slide: bool
    """OpenSlide opens it as one, and reads any part of it."""

    @property
    def length(self) -> int:
        """In bytes."""
        return self.path.stat().st_size


def look_at(path: Path, name: str, shown: str) -> Input:
    """Return what is known of ``path``; `InputError` if no reader opens it."""
    import openslide

    job = open_job(JobSpec(path, path.with_name(f"{path.name}.dzi"), limit_bounds=False))
    with job.source:
        return Input(name, path, shown, job.pyramid.base, openslide.OpenSlide.detect_format(path) is not None)
