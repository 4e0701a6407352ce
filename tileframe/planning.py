"""Find the (reader, backend) pair that can do a job, and say why the better-ranked ones cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tileframe.dzi import DziLayout
from tileframe.errors import InputError, OptionError, OutputError, PluginError, TileframeError, UnsupportedInput
from tileframe.geometry import Box
from tileframe.interfaces import Backend, CompressedTiles, Job, Source
from tileframe.model import Fit, JobSpec, Passthrough
from tileframe.offers import BackendPlugin, ReaderPlugin
from tileframe.parallel import Threads
from tileframe.passthrough import NOT_STORED, pyramid_of, refused
from tileframe.registry import Registry, load

HEAD = 4096
ATTEMPTS = {Passthrough.NEVER: (False,), Passthrough.AUTO: (True, False), Passthrough.ALWAYS: (True,)}


@dataclass(frozen=True)
class Plan:
    """A job and those who will do it."""

    job: Job
    reader_name: str
    backend_name: str
    backend: Backend
    passed_over: tuple[str, ...]
    """Why better-ranked readers and backends were not taken."""
    encoded_because: str | None = None
    """Why the slide's tiles are not passed through, where they were to be if possible."""

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
        if self.encoded_because is not None:
            notes.append(f"the slide's tiles are not passed through: {self.encoded_because}")
        return tuple(notes)


def plan(spec: JobSpec, registry: Registry) -> Plan:
    """Open ``spec.slide`` with the first reader, and choose the first backend, that together can do the job.

    The caller closes ``job.source``. Nothing is written.
    """
    _refuse_own_slide(spec)
    writer = registry.writer(spec.format).make(spec.quality)
    store = registry.store("directory").make(spec.target, spec.overwrite)
    executor = Threads() if spec.executor is None else registry.executor(spec.executor).make()
    layout = DziLayout(spec.target.stem, writer.encoding.suffix)
    search = Search(spec, _backends(spec, registry), passed_over=[], not_passed=[])
    for reader, source in opened(spec, registry, search.passed_over):
        try:
            if source.facts.size.area < 1:
                raise InputError(f"{spec.slide}: has no pixels, {source.facts.size}")
            region = _region(source, limit_bounds=spec.limit_bounds)
            for passthrough in ATTEMPTS[spec.passthrough]:
                if passthrough and (why := refused(spec, source, region, writer)):
                    search.not_passed.append(f"reader {reader}: {why}")
                    continue
                pyramid = pyramid_of(spec, source, region, passthrough=passthrough)
                compressed = source if passthrough and isinstance(source, CompressedTiles) else None
                job = Job(spec, source, region, pyramid, layout, writer, store, compressed, executor)
                if found := search.first_able(job, reader):
                    return found
        except BaseException:
            source.close()
            raise
        source.close()
    raise search.nobody()


@dataclass(frozen=True)
class Search:
    """The search for a backend: what was passed over so far, and why."""

    spec: JobSpec
    backends: Sequence[BackendPlugin]
    passed_over: list[str]
    not_passed: list[str]
    """Why the slide's tiles are not passed through."""

    def first_able(self, job: Job, reader: str) -> Plan | None:
        """Return the plan with the first backend that takes ``job``; None if none does."""
        through = job.compressed is not None
        reasons = self.not_passed if through else self.passed_over
        missing: list[PluginError] = []
        for offer in self.backends:
            try:
                backend: Backend = offer.make()
            except PluginError as error:
                missing.append(error)
                reasons.append(f"backend {offer.name}: {error}")
                continue
            anew = through and not offer.passes_through
            reason = "it encodes every tile anew" if anew else backend.refuses(job)
            if reason is None:
                because = None if through else "; ".join(self.not_passed) or None
                return Plan(job, reader, offer.name, backend, tuple(self.passed_over), because)
            reasons.append(f"backend {offer.name} with reader {reader}: {reason}")
        if len(missing) == len(self.backends) > 0:
            raise missing[0]
        return None

    def nobody(self) -> OptionError:
        """Return the error for a job that no reader and backend can do."""
        if self.spec.passthrough is not Passthrough.ALWAYS:
            return OptionError(f"{self.spec.slide}: no reader and backend can do this ({'; '.join(self.passed_over)})")
        telling = [reason for reason in self.not_passed if NOT_STORED not in reason] or self.not_passed
        return OptionError(f"{self.spec.slide}: its tiles cannot be passed through ({'; '.join(telling)})")


def open_job(spec: JobSpec) -> Job:
    """Return the job of ``spec`` as it is in the process that runs it, for a task that an executor has sent elsewhere.

    Its store is ready for `Store.put`, by the run that has prepared it. The caller closes the source.
    """
    return plan(replace(spec, executor=None), load()).job


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
