"""Decide what a spec leaves open: from a `Spec` to a complete `Plan`, and from a plan to a live `Job`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from tileframe.associated import ALL, chosen
from tileframe.colour import for_writer, managed
from tileframe.errors import InputError, OptionError, PluginError
from tileframe.facts import BlankRule, Encoding, Equality, ScaleBy, SlideFacts
from tileframe.fingerprint import Fingerprint
from tileframe.frozen import dataclass
from tileframe.geometry import Box
from tileframe.guards import refuse_own_slide
from tileframe.hooks import BackendPlugin, ReaderPlugin, refuse_mistyped
from tileframe.job import Backend, Job
from tileframe.passthrough import NOT_STORED, pyramid_of, refused
from tileframe.protocols import Managed, Source, Target
from tileframe.reading import Reading
from tileframe.records import AUTO, THREADS, Execution, OnError, Options, Passthrough, Plan, SourceRecord, Spec
from tileframe.registry import Registry, load
from tileframe.selection import open_with, opened, read_head
from tileframe.slides import Slide
from tileframe.sources import cropped

ATTEMPTS = {Passthrough.NEVER: (False,), Passthrough.AUTO: (True, False), Passthrough.ALWAYS: (True,)}


@dataclass(frozen=True)
class Prepared:
    """A job, the backend that will do it, and what the slide was before it was opened."""

    job: Job
    backend: Backend
    fingerprint: Fingerprint

    @property
    def plan(self) -> Plan:
        """What was decided."""
        return self.job.plan


def prepare(spec: Spec, registry: Registry) -> Prepared:
    """Open the slide with the first reader, and choose the first backend, that together can do what ``spec`` asks.

    The caller closes ``job.source``. Nothing is written.
    """
    search = _Search(spec, registry)
    for reader, source in opened(
        spec.slide, registry, reader=spec.reader, options=spec.reader_options, background=spec.background,
        passed_over=search.passed_over,
    ):  # fmt: skip
        try:
            if source.facts.size.area < 1:
                raise InputError(f"{spec.slide}: has no pixels, {source.facts.size}")
            if found := search.first_able(reader, source):
                return found
        except BaseException:
            source.close()
            raise
        source.close()
    raise search.nobody()


def plan(spec: Spec, registry: Registry | None = None) -> Plan:
    """Return what `tileframe.run` would do for ``spec``. Nothing is written, and no pixel is read."""
    prepared = prepare(spec, registry or load())
    prepared.job.source.close()
    return prepared.plan


def open_job(plan: Plan, registry: Registry | None = None) -> Job:
    """Return the job of ``plan`` in a process that an executor has sent a task to: nothing is decided again.

    Its store is ready for `Store.put` where that is shared, by the run that has prepared it. The caller closes the
    source. `PluginError` if what the plan needs is not installed here, `InputError` if the slide is another one.
    """
    registry = registry or load()
    slide = slide_of(plan)
    try:
        reader = registry.reader(plan.reader)
        options = reader.resolved(plan.reader_options, "reader")
        source = open_with(reader, slide, options, plan.source.background)
        try:
            if source.facts.size != plan.source.size or Fingerprint.of(slide).text != plan.source.fingerprint:
                sizes = f"it is {source.facts.size}, and was {plan.source.size}"
                raise InputError(f"{slide}: was changed since the run was planned; {sizes}")
            here = replace(plan, execution=replace(plan.live, executor=THREADS))
            found = managed(cropped(source, plan.region), plan.colour.asked, plan.colour.intent, registry)
            return _live(here, found, registry)
        except BaseException:
            source.close()
            raise
    except OptionError as error:
        raise PluginError(f"the plan cannot be carried out here: {error}") from error


def slide_of(plan: Plan) -> Slide:
    """Return the slide of a plan, as it can be opened."""
    return plan.live.remote or Path(plan.live.slide)


def _live(plan: Plan, found: Managed, registry: Registry) -> Job:
    """Return the job of ``plan``, whose part of the slide is open, and its colours managed, as ``found``."""
    writer, layout = registry.writer(plan.format), registry.layout(plan.layout)
    store = registry.store_for(plan.location)
    options = layout.resolved(plan.layout_options, "layout")
    made = layout.create(plan.location.name, plan.encoding.suffix, plan.pyramid, options=options)
    refuse_own_slide(slide_of(plan), plan.location, made)
    target = Target(plan.location, made, plan.live.overwrite, plan.source, plan.live.resume)
    return Job(
        plan=plan, source=found.source, layout=made,
        writer=writer.create(options=writer.resolved(plan.format_options, "format")),
        store=store.create(target, options=store.resolved(plan.store_options, "store")),
        profile=None if plan.colour.embedded is None else found.profile,
        reading=Reading(found.source, plan.region, fill=plan.on_error is OnError.FILL),
    )  # fmt: skip


class _Search:
    """The search for a reader and a backend for a spec: what it names, and what was passed over so far, and why."""

    def __init__(self, spec: Spec, registry: Registry) -> None:
        """Look up what ``spec`` names; `OptionError` for what is unknown, wrong, or does not go together."""
        writer, layout = registry.writer(spec.format), registry.layout(spec.layout)
        store = registry.store_for(spec.location)
        if store.layouts and layout.name not in store.layouts:
            names = ", ".join(store.layouts)
            raise OptionError(f"{spec.location}: the store {store.name} holds {names} alone, not {layout.name}")
        if layout.overlap == 0 and spec.overlap:
            raise OptionError(f"tiles of the layout {layout.name} do not overlap; give --overlap 0, not {spec.overlap}")
        self.executor_options = _executor_options(spec, registry)
        self.spec, self.registry = spec, registry
        self.writer, self.layout, self.store = writer, layout, store
        self.format_options = writer.resolved(spec.format_options, "format")
        self.made_writer = writer.create(options=self.format_options)
        self.encoding = self.made_writer.encoding
        refuse_mistyped(self.encoding, Encoding, f"the format '{writer.name}' is broken: encoding")
        self.layout_options = layout.resolved(spec.layout_options, "layout")
        self.store_options = store.resolved(spec.store_options, "store")
        read_head(spec.slide)  # says in better words what is no file, or empty
        # Before any reader has opened it; with the one at the end it is that of the file that was read.
        self.fingerprint = Fingerprint.of(spec.slide)
        self.backends = registry.backends if spec.backend is None else [registry.backend(spec.backend)]
        if spec.executor_name != THREADS and not any(offer.uses_executors for offer in self.backends):
            able = ", ".join(offer.name for offer in registry.backends if offer.uses_executors)
            who = "no backend here works" if spec.backend is None else f"the backend {spec.backend} does not work"
            raise OptionError(f"{who} by the executor {spec.executor_name} (those that do: {able or 'none'})")
        self.passed_over: list[str] = []
        self.not_passed: list[str] = []
        """Why the slide's tiles are not passed through."""

    def first_able(self, reader: ReaderPlugin, source: Source) -> Prepared | None:
        """Return the job for the slide open as ``source``, with the first backend that takes it; None if none does."""
        region = _region(self.spec, source.facts)
        colours = managed(cropped(source, region), self.spec.color, self.spec.intent, self.registry)
        colours = for_writer(colours, self.made_writer, self.spec.format)
        for passthrough in ATTEMPTS[self.spec.passthrough]:
            if passthrough and (why := refused(self.spec, colours, self.encoding)):
                self.not_passed.append(f"reader {reader.name}: {why}")
                continue
            plan = self._plan(reader, source.facts, region, colours, passthrough=passthrough)
            if found := self._backend_for(_live(plan, colours, self.registry)):
                return found
        return None

    def nobody(self) -> OptionError:
        """Return the error for a job that no reader and backend can do."""
        if self.spec.passthrough is not Passthrough.ALWAYS:
            return OptionError(f"{self.spec.slide}: no reader and backend can do this ({'; '.join(self.passed_over)})")
        telling = [reason for reason in self.not_passed if NOT_STORED not in reason] or self.not_passed
        return OptionError(f"{self.spec.slide}: its tiles cannot be passed through ({'; '.join(telling)})")

    def _plan(
        self, reader: ReaderPlugin, facts: SlideFacts, region: Box, colours: Managed, *, passthrough: bool
    ) -> Plan:
        """Return the plan as far as it is decided before a backend is."""
        spec = self.spec
        because = None if passthrough else "; ".join(self.not_passed) or None
        return Plan(
            source=_record(spec, self.fingerprint, facts), location=spec.location, region=region,
            reader=reader.name, reader_options=asdict(reader.resolved(spec.reader_options, "reader")),
            backend="", method="", promises=Equality.LAYOUT,
            pyramid=pyramid_of(spec, self.layout, facts, region.size, passthrough=passthrough),
            layout=self.layout.name, layout_options=asdict(self.layout_options),
            format=self.writer.name, format_options=asdict(self.format_options), encoding=self.encoding,
            store=self.store.name, store_options=asdict(self.store_options), passthrough=passthrough,
            colour=colours.record, associated=chosen(spec.associated, facts), on_error=spec.on_error,
            skip_blank=_rule(spec, colours),
            notes=_notes(spec, facts, region, colours, because),
            execution=Execution(
                str(spec.slide), spec.workers, spec.executor_name, self.executor_options, spec.overwrite, spec.resume,
                remote=None if isinstance(spec.slide, Path) else spec.slide,
            ),
        )  # fmt: skip

    def _backend_for(self, job: Job) -> Prepared | None:
        through = job.plan.passthrough
        reasons = self.not_passed if through else self.passed_over
        missing: list[PluginError] = []
        # Among equals, the fastest first.
        for offer in sorted(self.backends, key=lambda one: one.quick is None or not one.called(one.quick, job)):
            try:
                backend: Backend = offer.create()
            except PluginError as error:
                missing.append(error)
                reasons.append(f"backend {offer.name}: {error}")
                continue
            reason = _unable(offer, job.plan) or backend.refuses(job)
            if reason is None:
                plan = replace(
                    job.plan, backend=offer.name, method=backend.method(job), promises=backend.promises(job),
                    execution=replace(job.plan.live, passed_over=tuple(self.passed_over)),
                )  # fmt: skip
                if self.spec.executor == AUTO and offer.uses_executors:
                    plan = replace(plan, execution=self._execution(replace(job, plan=plan)))
                return Prepared(replace(job, plan=plan), backend, self.fingerprint)
            reasons.append(f"backend {offer.name} with reader {job.plan.reader}: {reason}")
        if len(missing) == len(self.backends) > 0:
            raise missing[0]
        return None

    def _execution(self, job: Job) -> Execution:
        """Return how ``job`` runs where that is left open: the first executor that has something to say decides."""
        for offer in self.registry.executors:
            if choice := offer.suits and offer.called(offer.suits, job, self.registry):
                executor = offer.name if choice.is_taken else THREADS
                return replace(job.plan.live, executor=executor, because=choice.reason)
        return job.plan.live


def _executor_options(spec: Spec, registry: Registry) -> Options:
    """Return the options of the executor, as resolved; `OptionError` for what is unknown or wrong."""
    if isinstance(spec.executor, str) and spec.executor != AUTO:
        return asdict(registry.executor(spec.executor).resolved(spec.executor_options, "executor"))
    for name in spec.executor_options:
        raise OptionError(f"the executor {spec.executor_name} has no option '{name}' (name one that has by --executor)")
    return {}


def _unable(offer: BackendPlugin, plan: Plan) -> str | None:
    """Say what ``plan`` asks for that no job of this backend has; None if there is nothing."""
    if plan.passthrough and not offer.passes_through:
        return "it encodes every tile anew"
    if not plan.live.in_threads and not offer.uses_executors:
        return f"it works in threads of this process alone, not by the executor {plan.live.executor}"
    return None


def _region(spec: Spec, facts: SlideFacts) -> Box:
    """Return the part of the slide that is to be tiled; `OptionError` for one that leaves it."""
    whole = Box(0, 0, facts.size.width, facts.size.height)
    if spec.region is not None:
        if spec.region.clipped(whole) != spec.region:
            raise OptionError(f"{spec.slide}: the region {spec.region} leaves the slide, which is {facts.size}")
        return spec.region
    if not spec.limit_bounds or facts.bounds is None:
        return whole
    region = facts.bounds.clipped(whole)
    return region if region.has_area else whole


def _rule(spec: Spec, colours: Managed) -> BlankRule | None:
    return None if spec.skip_blank is None else BlankRule(spec.skip_blank, colours.source.facts.background)


def _record(spec: Spec, fingerprint: Fingerprint, facts: SlideFacts) -> SourceRecord:
    return SourceRecord(
        name=spec.slide.name, bytes=fingerprint.length, fingerprint=fingerprint.text,
        format=facts.format, size=facts.size, objective_power=facts.objective_power, background=facts.background,
        mpp=facts.mpp if spec.mpp is None else (spec.mpp, spec.mpp),
        mpp_by=ScaleBy.SLIDE if spec.mpp is None else ScaleBy.USER,
    )  # fmt: skip


def _notes(
    spec: Spec, facts: SlideFacts, region: Box, colours: Managed, encoded_because: str | None
) -> tuple[str, ...]:
    """Return what a user should know about the pixels of this run, as sentences."""
    notes = [*facts.notes, *colours.notes]
    shown = colours.source.facts.background
    if spec.background is not None and spec.background != shown:
        notes.append(f"the background {spec.background} is a colour of the slide, and becomes {shown}")
    if region.size != facts.size:
        part = "scanned part" if spec.region is None else "region that was asked for"
        notes.append(f"cropped to the {part}, {region.size} at ({region.x}, {region.y}) of {facts.size}")
    if spec.mpp is not None and facts.mpp is not None and facts.mpp != (spec.mpp, spec.mpp):
        notes.append(f"the scale is {spec.mpp:g} µm a pixel, as asked, and not the slide's {facts.mpp[0]:g}")
    if ALL in spec.associated and not facts.associated:
        notes.append("the slide has no associated images to export")
    if encoded_because is not None:
        notes.append(f"the slide's tiles are not passed through: {encoded_because}")
    return tuple(notes)
