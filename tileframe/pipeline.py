"""One run: plan, let the backend fill the store, check, commit, report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tileframe import machine
from tileframe.digests import digest_list
from tileframe.errors import OptionError
from tileframe.interfaces import Progress
from tileframe.manifest import manifest_text
from tileframe.model import JobSpec, Passthrough, Report, Rgb
from tileframe.planning import Plan, plan
from tileframe.registry import Registry, load
from tileframe.verify import quick_check

PASSTHROUGH = {False: Passthrough.NEVER, True: Passthrough.ALWAYS, "auto": Passthrough.AUTO}


def run(
    slide: str | Path,
    output: str | Path | None = None,
    *,
    backend: str = "auto",
    reader: str | None = None,
    format: str = "jpeg",
    quality: int | None = None,
    tile_size: int | Literal["native"] | None = None,
    overlap: int | None = None,
    passthrough: bool | Literal["auto"] = False,
    limit_bounds: bool = True,
    background: Rgb | str | None = None,
    workers: int | None = None,
    executor: str | None = None,
    overwrite: bool = False,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> Report:
    """Turn ``slide`` into the Deep Zoom pyramid ``output`` and return what was done.

    The options are those of ``tileframe run``; ``workers`` is None for every core this process may use.
    ``progress`` is called, by this thread, with the tiles and pixels done so far; an exception that it
    raises ends the run. On any error the target is left as it was, and a `TileframeError` says what was wrong.
    """
    spec = JobSpec(
        Path(slide),
        target_of(output, Path(slide)),
        reader=reader,
        backend=None if backend == "auto" else backend,
        format=format,
        quality=quality,
        tile_size=tile_size,
        overlap=overlap,
        passthrough=_passthrough(passthrough),
        limit_bounds=limit_bounds,
        background=Rgb.parse(background) if isinstance(background, str) else background,
        workers=machine.available_cores() if workers is None else workers,
        executor=executor,
        overwrite=overwrite,
    )
    return execute(spec, registry or load(), progress)


def execute(
    spec: JobSpec,
    registry: Registry,
    progress: Progress | None = None,
    *,
    on_plan: Callable[[Plan], None] | None = None,
) -> Report:
    """Do what ``spec`` says and return what was done; ``on_plan`` is told the plan before any pixel is read."""
    started, cpu = time.perf_counter(), machine.cpu_seconds()
    planned = plan(spec, registry)
    job = planned.job
    with job.source:
        way = planned.backend.way(job)
        promises = planned.backend.promises(job)
        try:
            job.store.prepare()
            if on_plan is not None:
                on_plan(planned)
            planned.backend.run(job, progress or _silent)
            checked = quick_check(job)
            digests = digest_list(checked.digests)
            seconds = time.perf_counter() - started
            record = manifest_text(planned, registry, digests, checked, seconds=seconds)
            name = spec.target.stem
            beside = {f"{name}.sha256": digests, f"{name}.tileframe.json": record}
            job.store.commit({**beside, **job.layout.descriptor(job.pyramid)})
        finally:
            job.store.discard()
    return Report(
        target=spec.target,
        size=job.pyramid.base,
        levels=job.pyramid.level_count,
        tiles=job.pyramid.tile_count,
        tile_bytes=checked.tile_bytes,
        passed_through=checked.passed_through,
        megapixels=job.pyramid.pixel_count / 1e6,
        seconds=time.perf_counter() - started,
        cpu_seconds=machine.cpu_seconds() - cpu,
        peak_memory=machine.peak_memory(),
        reader=planned.reader_name,
        backend=planned.backend_name,
        way=way,
        promises=promises,
        passed_over=planned.passed_over,
        notes=planned.notes,
    )


def _passthrough(asked: bool | Literal["auto"]) -> Passthrough:
    if asked not in PASSTHROUGH:
        raise OptionError(f"passthrough is True, False or 'auto', not {asked!r}")
    return PASSTHROUGH[asked]


def target_of(output: str | Path | None, slide: Path) -> Path:
    """Return ``FOLDER/NAME.dzi`` for what the user wrote: a name, a ``.dzi`` file, or a folder with a final slash."""
    own_name = f"{slide.stem}.dzi"
    if output is None:
        return Path(own_name)
    text, path = str(output), Path(output)
    if not text:
        raise OptionError("the output has no name; give FOLDER/NAME.dzi")
    if text.endswith(("/", os.sep)) or path.name in ("", "..", ".dzi"):
        return path / own_name
    name = path.stem if path.suffix.lower() == ".dzi" else path.name
    return path.with_name(f"{name}.dzi")


def _silent(tiles: int, pixels: int) -> None:
    pass
