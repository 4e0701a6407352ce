"""One run: plan, let the backend fill the store, check, commit, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tileframe import machine
from tileframe.associated import exported
from tileframe.errors import InputError, OptionError, OutputError, TileframeError, WorkerError
from tileframe.facts import ColourMode, Intent, Rgb
from tileframe.fingerprint import Fingerprint
from tileframe.geometry import Box
from tileframe.guards import refuse_more_than_the_disk_holds
from tileframe.journal import Journal
from tileframe.ledger import DigestList, Ledger
from tileframe.locations import Location
from tileframe.manifest import manifest_text, versions
from tileframe.options import member, with_short
from tileframe.planning import Prepared, prepare, slide_of
from tileframe.protocols import Content, Progress, Resumes
from tileframe.quickcheck import quick_check, silent
from tileframe.records import OnError, Options, Passthrough, Plan, Report, Spec
from tileframe.registry import Registry, load
from tileframe.serialize import to_json
from tileframe.slides import Slide

if TYPE_CHECKING:
    from concurrent.futures import Executor

PASSTHROUGH = {False: Passthrough.NEVER, True: Passthrough.ALWAYS, "auto": Passthrough.AUTO}


def run(
    slide: str | Slide,
    output: str | Path | Location | None = None,
    *,
    backend: str = "auto",
    reader: str | None = None,
    reader_options: Options | None = None,
    layout: str = "dzi",
    layout_options: Options | None = None,
    format: str = "jpeg",
    quality: int | None = None,
    format_options: Options | None = None,
    store_options: Options | None = None,
    tile_size: int | Literal["native"] | None = None,
    overlap: int | None = None,
    passthrough: bool | Literal["auto"] = False,
    region: Box | tuple[int, int, int, int] | None = None,
    limit_bounds: bool = True,
    background: Rgb | str | None = None,
    color: ColourMode | str = ColourMode.SRGB,
    intent: Intent | str = Intent.RELATIVE,
    mpp: float | None = None,
    associated: Sequence[str] = (),
    skip_blank: int | None = None,
    on_error: OnError | str = OnError.FAIL,
    workers: int | None = None,
    executor: str | Executor | None = None,
    executor_options: Options | None = None,
    overwrite: bool = False,
    resume: bool | None = None,
    keep: bool = True,
    registry: Registry | None = None,
    progress: Progress | None = None,
    on_plan: Callable[[Plan], None] | None = None,
) -> Report:
    """Turn ``slide``, a path or a URL, into the pyramid ``output`` and return what was done.

    The options are those of ``tileframe run``, and `Spec` says what each is. ``quality`` is the tile format's option of
    that name, ``skip_blank`` a tolerance from 0 to 255, or None to keep blank tiles, and ``workers`` is None for every
    core that this process may use. ``executor`` may also be one of your own, which is not shut down; its processes need
    tileframe and the slide, and no more than a few blocks for each of ``workers`` are sent ahead to it. ``auto`` takes
    processes where threads would saturate, as the command does, and stands below ``if __name__ == "__main__":`` as
    they do.

    ``on_plan`` is called with the plan, before anything is written; ``progress`` is called, by this thread, with the
    numbers of tiles and pixels that are done so far, of those that the plan's pyramid has on all levels. An exception
    that either raises ends the run. On any error the target is left as it was, and a `TileframeError` says why.
    """
    registry = registry or load()
    opened = registry.slide(slide)
    spec = Spec(
        opened,
        output if isinstance(output, Location) else location_for(output, opened, layout, registry),
        reader=reader, reader_options=reader_options or {}, backend=None if backend == "auto" else backend,
        layout=layout, layout_options=layout_options or {}, store_options=store_options or {},
        format=format, format_options=with_short(format_options or {}, "quality", quality),
        tile_size=tile_size, overlap=overlap, passthrough=_passthrough(passthrough),
        region=_box(region), limit_bounds=limit_bounds, mpp=mpp, associated=tuple(associated), skip_blank=skip_blank,
        background=Rgb.parse(background) if isinstance(background, str) else background,
        color=member(ColourMode, color, "color"), intent=member(Intent, intent, "intent"),
        workers=machine.available_cores() if workers is None else workers,
        executor=executor, executor_options=executor_options or {},
        overwrite=overwrite, resume=resume, keep=keep, on_error=member(OnError, on_error, "on_error"),
    )  # fmt: skip
    return execute(spec, registry, progress, on_plan=on_plan)


def execute(
    spec: Spec, registry: Registry, progress: Progress | None = None, *, on_plan: Callable[[Plan], None] | None = None
) -> Report:
    """Do what ``spec`` says and return what was done; ``on_plan`` is told the plan before anything is written."""
    started, cpu, before = time.perf_counter(), time.process_time(), machine.used_by_children()
    prepared = prepare(spec, registry)
    plan, job = prepared.plan, prepared.job
    manifest = b""
    with _complete(prepared, registry, lambda: manifest), job.source:
        if on_plan is not None:
            on_plan(plan)
        ledger = Ledger(plan.pyramid, job.layout.levels)
        journal: Journal | None = None
        try:
            refuse_more_than_the_disk_holds(plan, ledger.count)
            pictures = exported(job.source, plan.associated, job.writer)
            job.store.prepare()
            journal = _journal(prepared, registry, ledger, keep=spec.keep)
            resumed = journal.tiles if journal else 0
            with _executor(spec, plan, registry) as executor:
                prepared.backend.run(
                    replace(job, ledger=ledger, executor=executor, journal=journal), progress or silent
                )
                helpers = machine.used_by_children()  # now: of processes that have ended less is known
            tiles = quick_check(job, ledger)
            _refuse_changed(prepared)
            seconds = time.perf_counter() - started
            records = [record for record, _ in pictures]
            folder = plan.location.associated_folder()
            manifest = manifest_text(plan, registry, tiles, records, seconds=seconds)
            beside: dict[str, Content] = {
                **{f"{folder}/{record.file}": content for record, content in pictures},
                tiles.digests: DigestList(job.layout, plan.pyramid, ledger),
                plan.location.manifest_key: manifest,
            }
            job.store.commit(beside | dict(job.layout.descriptor()))
        except BaseException as error:
            if journal is not None and journal.is_worth_keeping and _may_go_on(error, prepared):
                kept = f"{journal.tiles:,} of {ledger.count:,} tiles are kept in {journal.leave()}"
                error.add_note(f"{kept}; give --resume to go on, or --no-resume to begin anew")
            raise
        finally:
            ledger.close()
            job.store.discard()
    return Report(
        target=job.target, size=plan.pyramid.base, levels=len(job.layout.levels),
        tiles=tiles.count, tile_bytes=tiles.bytes, passed_through=tiles.passed_through,
        resumed=resumed, filled=tiles.filled, absent=tiles.absent,
        megapixels=plan.pyramid.pixel_count / 1e6, seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - cpu + helpers.cpu_seconds - before.cpu_seconds,
        # A pool that is lent may have been there before; of others, what was there before works for somebody else.
        peak_memory=machine.peak_memory() + max(0, helpers.peak_memory - before.peak_memory * plan.live.in_threads),
        reader=plan.reader, backend=plan.backend, method=plan.method, executor=plan.live.made_by,
        promises=plan.promises, passed_over=plan.live.passed_over,
        notes=plan.notes if journal is not None or not spec.resume else (*plan.notes, _anew(prepared)),
    )  # fmt: skip


@contextmanager
def _complete(prepared: Prepared, registry: Registry, manifest: Callable[[], bytes]) -> Iterator[None]:
    """Add to an error that comes when the new pyramid is already seen, that it is; its ``manifest`` tells."""
    try:
        yield
    except BaseException as error:
        location = prepared.plan.location
        if manifest():  # else nothing can be seen yet, and a store that is not reached is not waited for again
            with suppress(TileframeError, KeyError), closing(registry.store_for(location).opened(location)) as files:
                if files.get(f"{files.name}.tileframe.json") == manifest():
                    error.add_note(f"the pyramid {prepared.job.target} is complete")
        raise


@contextmanager
def _executor(spec: Spec, plan: Plan, registry: Registry) -> Iterator[Executor | None]:
    """Give the executor of ``plan``, None for threads; shut it down, unless it is the caller's, as ``spec`` says."""
    if spec.executor is not None and not isinstance(spec.executor, str):
        from tileframe.executors import Lent  # here, for most runs do without

        yield Lent(spec.executor)
        return
    if plan.live.in_threads:
        yield None
        return
    offer = registry.executor(plan.live.executor)
    made = offer.create(spec.workers, options=offer.resolved(plan.live.executor_options, "executor"))
    try:
        yield made
    except BaseException:
        made.shutdown(cancel_futures=True)
        raise
    made.shutdown()


def location_for(output: str | Path | None, slide: Slide, layout: str, registry: Registry) -> Location:
    """Return the location that ``output`` names; in the current folder, under the slide's name, where it is None.

    `OptionError` for what names no place, ``-`` among it.
    """
    if output is None:
        return Location("file", "", Path(slide.name).stem)
    if output == "-":
        raise OptionError("-: a pyramid cannot be written to standard output; give FOLDER/NAME, or ./- for that name")
    return registry.location(str(output), default_name=Path(slide.name).stem, layout=registry.layout(layout).name)


def _journal(prepared: Prepared, registry: Registry, ledger: Ledger, *, keep: bool) -> Journal | None:
    """Return the journal of a run whose store is prepared, with what an earlier run has finished; None for none."""
    plan, job = prepared.plan, prepared.job
    if not isinstance(job.store, Resumes):
        return None
    decided = replace(plan.published(), method="", notes=(), on_error=OnError.FAIL)
    what = {"plan": decided, "versions": versions(plan, registry), "version of the slide": prepared.fingerprint.version}
    identity = to_json(what, indent=None).encode()
    journal = Journal(job.store, identity, keep=keep)
    journal.resume(job.layout, plan.pyramid, ledger, fills=plan.on_error is OnError.FILL)
    return journal if registry.backend(plan.backend).resumes else None


def _anew(prepared: Prepared) -> str:
    names = {True: f"backend {prepared.plan.backend}", False: f"store {prepared.plan.store}"}
    return f"all is made anew: the {names[isinstance(prepared.job.store, Resumes)]} goes on with no earlier run"


def _may_go_on(error: BaseException, prepared: Prepared) -> bool:
    """Say whether a later run may come to its end where one ended by ``error``; not after a second Ctrl-C."""
    if isinstance(error, KeyboardInterrupt):
        return not isinstance(error.__context__, KeyboardInterrupt)
    if not isinstance(error, InputError | OutputError | WorkerError):
        return False
    try:
        return not _is_changed(prepared)
    except InputError:
        return True  # it is gone, and may come back, as from a network


def _refuse_changed(prepared: Prepared) -> None:
    """Refuse a slide that was replaced or changed while it was read: the record of the run would be false."""
    if _is_changed(prepared):
        raise InputError(f"{prepared.plan.live.slide}: was changed while it was read; run again")


def _is_changed(prepared: Prepared) -> bool:
    return Fingerprint.of(slide_of(prepared.plan)) != prepared.fingerprint


def _box(region: Box | tuple[int, int, int, int] | None) -> Box | None:
    if region is None or isinstance(region, Box):
        return region
    sides: tuple[object, ...] = region  # which need not be what the type says
    if len(sides) != 4 or not all(isinstance(side, int) for side in sides):
        raise OptionError(f"the region is X,Y,WIDTH,HEIGHT in whole base pixels, not {region!r}")
    return Box(*region)


def _passthrough(asked: bool | Literal["auto"]) -> Passthrough:
    if asked not in PASSTHROUGH:
        raise OptionError(f"passthrough is True, False or 'auto', not {asked!r}")
    return PASSTHROUGH[asked]
