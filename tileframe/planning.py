"""Find the (reader, backend) pair that can do a job, and say why the better-ranked ones cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tileframe.dzi import DziLayout
from tileframe.errors import InputError, OptionError, OutputError, PluginError, TileframeError, UnsupportedInput
from tileframe.geometry import Box, Pyramid
from tileframe.interfaces import Backend, Job, Source
from tileframe.model import Fit, JobSpec
from tileframe.offers import BackendPlugin, ReaderPlugin
from tileframe.registry import Registry

HEAD = 4096


@dataclass(frozen=True)
class Plan:
    """A job and those who will do it."""

    job: Job
    reader_name: str
    backend_name: str
    backend: Backend
    passed_over: tuple[str, ...]
    """Why better-ranked readers and backends were not taken."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know about the pixels of this run, as sentences."""
        facts, region = self.job.source.facts, self.job.region
        notes = list(facts.notes)
        if facts.icc is not None and not facts.icc.applied:
            name = facts.icc.description
            notes.append(f"the colour profile '{name}' was found and not applied; the tiles carry none")
        if region.size != facts.size:
            notes.append(f"cropped to the scanned part, {region.size} at ({region.x}, {region.y}) of {facts.size}")
        return tuple(notes)


def plan(spec: JobSpec, registry: Registry) -> Plan:
    """Open ``spec.slide`` with the first reader, and choose the first backend, that together can do the job.

    The caller closes ``job.source``. Nothing is written.
    """
    _refuse_own_slide(spec)
    backends = _backends(spec, registry)
    writer = registry.writer(spec.format).make(spec.quality)
    store = registry.store("directory").make(spec.target, spec.overwrite)
    layout = DziLayout(spec.target.stem, writer.encoding.suffix)
    passed_over: list[str] = []
    for reader, source in opened(spec, registry, passed_over):
        try:
            if source.facts.size.area < 1:
                raise InputError(f"{spec.slide}: has no pixels, {source.facts.size}")
            region = _region(source, limit_bounds=spec.limit_bounds)
            pyramid = Pyramid(region.size, spec.tile_size, spec.overlap)
            job = Job(spec, source, region, pyramid, layout, writer, store)
            chosen = _first_able(backends, job, reader, passed_over)
        except BaseException:
            source.close()
            raise
        if chosen is not None:
            return Plan(job, reader, *chosen, tuple(passed_over))
        source.close()
    raise OptionError(f"{spec.slide}: no reader and backend can do this ({'; '.join(passed_over)})")


def _refuse_own_slide(spec: JobSpec) -> None:
    # realpath, for Path.resolve() raises where links go in a circle.
    slide, target = (Path(os.path.realpath(path)) for path in (spec.slide, spec.target))
    written = {target, target.with_suffix(".sha256"), target.with_name(f"{target.stem}.tileframe.json")}
    if slide in written or target.with_name(f"{target.stem}_files") in slide.parents:
        raise OutputError(f"{spec.target}: the pyramid would be written over the slide itself; give another output")


def open_source(slide: Path, registry: Registry, *, reader: str | None = None) -> tuple[str, Source]:
    """Open ``slide`` with the best reader, or the named one; return the reader's name and the source."""
    return next(opened(JobSpec(slide, slide, reader=reader), registry, []))


def _backends(spec: JobSpec, registry: Registry) -> list[BackendPlugin]:
    return registry.backends if spec.backend is None else [registry.backend(spec.backend)]


def _first_able(
    backends: list[BackendPlugin], job: Job, reader: str, passed_over: list[str]
) -> tuple[str, Backend] | None:
    missing: list[PluginError] = []
    for offer in backends:
        try:
            backend: Backend = offer.make()
        except PluginError as error:
            missing.append(error)
            passed_over.append(f"backend {offer.name}: {error}")
            continue
        reason = backend.refuses(job)
        if reason is None:
            return offer.name, backend
        passed_over.append(f"backend {offer.name} with reader {reader}: {reason}")
    if len(missing) == len(backends) > 0:
        raise missing[0]
    return None


def opened(spec: JobSpec, registry: Registry, passed_over: list[str]) -> Iterator[tuple[str, Source]]:
    """Yield the slide as opened by each reader that takes it, the best first; an error if none does."""
    refusals: list[str] = []
    missing: PluginError | None = None
    opened = False
    for offer in _ranked(spec, registry, passed_over):
        try:
            source = _open(offer, spec)
        except PluginError as error:
            missing = error
            passed_over.append(f"reader {offer.name}: {error}")
        except UnsupportedInput as error:
            refusals.append(f"{offer.name}: {error}")
            passed_over.append(f"reader {offer.name}: {error}")
        else:
            opened = True
            yield offer.name, source
    if opened:
        return
    if missing is not None:
        raise missing
    if len(refusals) == 1 and spec.reader:
        raise InputError(f"{spec.slide}: {refusals[0].partition(': ')[2]}")
    why = "; ".join(refusals) or f"have: {', '.join(offer.name for offer in registry.readers)}"
    raise InputError(f"{spec.slide}: no reader can open it ({why})")


def _open(offer: ReaderPlugin, spec: JobSpec) -> Source:
    try:
        return offer.make().open(spec.slide, background=spec.background)
    except TileframeError:
        raise
    except Exception as error:  # a stranger's reader may raise anything on a damaged file
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{spec.slide}: the reader '{offer.name}' failed ({said})") from error


def _ranked(spec: JobSpec, registry: Registry, passed_over: list[str]) -> list[ReaderPlugin]:
    head = _head(spec.slide)
    if spec.reader is not None:
        return [registry.reader(spec.reader)]
    suitable: list[tuple[Fit, ReaderPlugin]] = []
    for offer in registry.readers:
        try:
            fit = offer.guess(spec.slide, head)
        except Exception as error:  # a plugin may fail in any way, and must not stop the others
            passed_over.append(f"reader {offer.name}: its guess failed ({error})")
            continue
        if fit is not Fit.NONE:
            suitable.append((fit, offer))
    return [offer for fit, offer in sorted(suitable, key=lambda pair: (-pair[0], pair[1].name))]


def _head(slide: Path) -> bytes:
    try:
        if slide.is_dir():
            raise InputError(f"{slide}: is a folder; give the slide's main file")
        if slide.exists() and not slide.is_file():
            raise InputError(f"{slide}: is not a file")
        with slide.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        raise InputError(f"{slide}: no such file") from None
    except OSError as error:
        raise InputError(f"{slide}: cannot be read ({error.strerror})") from error
    if not head:
        raise InputError(f"{slide}: is empty")
    return head


def _region(source: Source, *, limit_bounds: bool) -> Box:
    facts = source.facts
    whole = Box(0, 0, facts.size.width, facts.size.height)
    if not limit_bounds or facts.bounds is None:
        return whole
    region = facts.bounds.clipped(whole)
    return region if region.size.area else whole
