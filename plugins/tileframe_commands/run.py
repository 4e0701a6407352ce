"""``tileframe run``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tileframe import (
    Box,
    CheckError,
    ColourMode,
    Intent,
    Location,
    OnError,
    OptionError,
    OutputError,
    Passthrough,
    Plan,
    PluginError,
    Report,
    Rgb,
    Spec,
    Viewer,
    execute,
    location_for,
    machine,
)
from tileframe import plan as plan_of
from tileframe.cli.parameters import FILE, PAGE, TileSize, one_of, plugin_options, taking_alone
from tileframe.cli.progress import ProgressBar
from tileframe.cli.text import in_bytes, say, show_json, show_rows
from tileframe.files import refuse_report, write_whole
from tileframe.guards import is_written, real_path
from tileframe.options import with_short
from tileframe.registry import Registry
from tileframe.serialize import to_json
from tileframe_commands.isolating import isolates

if TYPE_CHECKING:
    from tileframe_commands.estimate import Forecast

ALONE = {"--passthrough": Passthrough.ALWAYS.value, "--skip-blank": "0", "--viewer": ""}
"""What options mean that are given without a value."""


class Region(click.ParamType[Box]):
    """A part of the slide, written ``X,Y,WIDTH,HEIGHT``."""

    name = "X,Y,W,H"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Box:
        """Return the box."""
        if isinstance(value, Box):
            return value
        if not re.fullmatch(r"-?[0-9]{1,10}(,-?[0-9]{1,10}){3}", value):
            self.fail(f"'{value}' is no region; write X,Y,WIDTH,HEIGHT in base pixels", param, ctx)
        return Box(*(int(number) for number in value.split(",")))


@click.command(cls=taking_alone(ALONE))
@click.argument("slides", metavar="SLIDE...", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", type=FILE, metavar="LOCATION", help="NAME, NAME.szi, FOLDER/, FOLDER/.szi; or s3://...")
@click.option("--backend", default="auto", show_default=True, metavar="NAME", help="auto, or see `tileframe plugins`.")
@click.option("--reader", metavar="NAME", help="Default: the best one that can.")
@click.option("--page", type=int, metavar="N", help=PAGE)
@click.option("--format", default="jpeg", show_default=True, metavar="NAME", help="Tile format: jpeg, jpg, png, ...")
@click.option("--quality", type=int, metavar="1-100", help="Short for --format-option quality=N; 75 for jpeg.")
@click.option("--layout", default="dzi", show_default=True, metavar="NAME", help="dzi, zoomify, ...")
@plugin_options("format", "layout", "reader", "store", "executor")
@click.option("--tile-size", type=TileSize(), help="Pixels a side, or native, the slide's own; default: 254 for dzi.")
@click.option("--overlap", type=int, help="Pixels a tile shares with each neighbour; default: the layout's, 1 for dzi.")
@one_of(
    "--passthrough", Passthrough.NEVER, metavar="[=auto]", help="Base tiles are the slide's own; auto: if they can."
)
@click.option("--region", type=Region(), help="Tile only this part, in base pixels of the slide.")
@click.option("--limit-bounds/--no-limit-bounds", default=True, show_default=True, help="Crop to the scanned part.")
@click.option(
    "--background", type=Rgb.parse, metavar="#rrggbb", help="Where it is transparent; default: its own, or white."
)
@one_of("--color", ColourMode.SRGB, help="Convert to sRGB, keep the numbers, or also embed the profile in every tile.")
@one_of("--intent", Intent.RELATIVE, help="What conversion does with colours that sRGB does not have.")
@click.option("--mpp", type=float, metavar="F", help="Micrometres per pixel, where the slide's are missing or wrong.")
@click.option(
    "--associated", multiple=True, metavar="NAME", help="Export label, macro, thumbnail or all; may name a patient."
)
@click.option(
    "--skip-blank", type=int, metavar="[=TOLERANCE]", help="Leave out tiles that are background, give or take 0 to 255."
)
@one_of("--on-error", OnError.FAIL, help="Where nothing can be decoded: end, or show background and exit with 5.")
@isolates
@click.option("--workers", type=int, help="Most busy threads; default: the cores there are.")
@click.option(
    "--executor", default="auto", show_default=True, metavar="NAME", help="Who does the work: threads, processes, ..."
)
@click.option("--overwrite", is_flag=True, help="Replace an existing pyramid, once the new one is complete.")
@click.option("--resume/--no-resume", default=None, help="Go on with what an unfinished run has left, or begin anew.")
@click.option("--keep/--no-keep", default=True, show_default=True, help="Keep what is finished if the run is stopped.")
@click.option("--viewer", metavar="[=NAME]", help="Also write NAME.html, a page to look at the pyramid in.")
@click.option("--force", is_flag=True, help="Of several slides, also those whose pyramids are as they would be made.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Figures, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Also say which reader and backend were taken, and why not others.")
@click.pass_obj
def run(
    registry: Registry,
    /,
    slides: tuple[str, ...],
    output: str | None,
    backend: str,
    layout: str,
    quality: int | None,
    format_options: dict[str, str],
    page: int | None,
    reader_options: dict[str, str],
    workers: int | None,
    viewer: str | None,
    force: bool,
    dry_run: bool,
    report: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **asked: Any,
) -> int:
    """Make the pyramid of SLIDE; of several, or of all in a folder, into the folder given by -o."""
    if dry_run and report is not None:
        raise OptionError(f"--report {report} is for the figures of a run, and --dry-run makes none; leave one out")
    slide = registry.slide(slides[0])
    are_many = len(slides) > 1 or (isinstance(slide, Path) and _is_many(slides[0]))
    spec = Spec(
        slide, Location("file", "", "") if are_many else location_for(output, slide, layout, registry),
        backend=None if backend == "auto" else backend, layout=layout,
        format_options=with_short(format_options, "quality", quality),
        reader_options=with_short(reader_options, "page", page),
        workers=machine.available_cores() if workers is None else workers,
        **asked,  # the other options are called as the fields of the spec
    )  # fmt: skip
    if are_many:
        return _run_many(slides, output, spec, registry)
    if force:
        raise OptionError("--force is for several slides, of which finished ones are passed over; give --overwrite")
    pages = None if viewer is None else registry.viewer_of(spec, viewer)
    if pages is not None:
        coming_page = pages.prepare([spec.location], overwrite=False)
        if report is not None and real_path(report) == real_path(coming_page):
            raise OutputError(f"{coming_page}: is the report; the page would be written over it; name it otherwise")
    if report is not None:
        refuse_report(report, Report.schema)
    if spec.resume and not spec.overwrite:
        from tileframe_batch.running import up_to_date  # here, for most runs do without

        if target := up_to_date(spec, registry):
            if report is not None:
                _refuse_overwriting(report, spec, plan_of(spec, registry), registry)
            if pages is not None and not dry_run and not spec.location.page.exists():
                _page(pages, spec, registry)
            return _show_complete(spec, target, report, as_json=as_json, quiet=quiet)
    if dry_run:
        from tileframe_commands.estimate import forecast

        coming = forecast(spec, registry)
        if verbose and not quiet:
            _say_choice(spec, coming.plan)
        if as_json:
            show_json(coming)
        elif not quiet:
            _show_forecast(coming)
        return 0
    done = _execute(spec, registry, report, quiet=quiet, verbose=verbose)
    try:
        if report is not None:
            write_whole(report, f"{to_json(done)}\n".encode())
        written = None if pages is None else _page(pages, spec, registry)
        if as_json:
            show_json(done)
        elif not quiet:
            _show_report(done, written)
    except BaseException as error:
        error.add_note(f"the pyramid {done.target} is complete")
        raise
    if not done.filled:
        return 0
    message = f"{done.filled:,} of {done.tiles:,} tiles show background where the slide could not be read"
    say(f"tileframe: {message}; the manifest lists them", err=True)
    return CheckError.exit_code


def _is_many(slide: str) -> bool:
    """Say whether ``slide`` is a folder, or a pattern; a file may be called as one, and a URL may hold a ``?``."""
    is_pattern = any(sign in slide for sign in "*?[") and "://" not in slide
    return os.path.isdir(slide) or (is_pattern and not os.path.exists(slide))


def _run_many(slides: tuple[str, ...], output: str | None, spec: Spec, registry: Registry) -> int:
    code: Any = registry.manager.hook.tileframe_run_many(slides=slides, output=output, spec=spec, registry=registry)
    if code is None:
        raise PluginError("no plugin is installed that runs several slides; give one file")
    return int(code)


def _execute(spec: Spec, registry: Registry, report: Path | None, *, quiet: bool, verbose: bool) -> Report:
    bar = ProgressBar(quiet=quiet)

    def announce(plan: Plan) -> None:
        if report is not None:
            _refuse_overwriting(report, spec, plan, registry)
        if verbose and not quiet:
            _say_choice(spec, plan)
        bar.start(plan.pyramid)

    with bar:
        done = execute(spec, registry, bar, on_plan=announce)
    # One of the broken plugins may be what was meant, as by the ending of an output.
    for note in () if quiet else (*done.notes, *registry.broken):
        say(f"tileframe: {note}", err=True)
    return done


def _show_complete(spec: Spec, target: str, report: Path | None, *, as_json: bool, quiet: bool) -> int:
    """Say that nothing is left to do, as of one of several slides; return the exit code."""
    said = {"schema": Report.schema, "slide": f"{spec.slide}", "target": f"{spec.location}", "status": "up to date"}
    if report is not None:
        write_whole(report, f"{to_json(said)}\n".encode())
    if as_json:
        show_json(said)
    elif not quiet:
        say(f"{target}: up to date")
    return 0


def _page(pages: Viewer, spec: Spec, registry: Registry) -> str:
    """Write the page of the pyramid; return where it is."""
    from tileframe import open_pyramid  # here, for most runs do without

    with open_pyramid(spec.location, registry=registry) as pyramid:
        return f"{pages.write([pyramid])}"


def _say_choice(spec: Spec, plan: Plan) -> None:
    """Say on stderr which reader and which backend were taken, why, and why not those before them."""
    for reason in plan.live.passed_over:
        say(f"tileframe: not taken: {reason}", err=True)
    reader = "the best that can" if spec.reader is None else "as asked"
    backend = "the best that can" if spec.backend is None else "as asked"
    say(f"tileframe: taken: reader {plan.reader}, {reader}", err=True)
    say(f"tileframe: taken: backend {plan.backend}, {backend} ({plan.method})", err=True)


def _show_report(done: Report, page: str | None) -> None:
    say(f"{done.target}")
    rate, busy = done.megapixels / done.seconds, f"{done.cpu_seconds / done.seconds:.1f} cores busy"
    show_rows([
        ("size", f"{done.size}"), ("levels", f"{done.levels}"), ("tiles", f"{done.tiles:,}"),
        *([("absent", f"{done.absent:,} of them, {done.absent / done.tiles:.0%}: blank")] if done.absent else []),
        *([("kept", f"{done.resumed:,} tiles of an unfinished run")] if done.resumed else []),
        *([("as they are", f"{done.passed_through:,} of the slide's own tiles")] if done.passed_through else []),
        ("bytes", in_bytes(done.tile_bytes)), ("time", f"{done.seconds:.2f} s"), ("speed", f"{rate:.0f} MP/s"),
        ("cpu", f"{done.cpu_seconds:.2f} s, {busy}"), ("memory", f"{in_bytes(done.peak_memory)} at most"),
        ("reader", done.reader), ("backend", f"{done.backend}: {done.method}"),
        *([("executor", done.executor)] if done.executor != "threads" else []), *([("page", page)] if page else []),
    ])  # fmt: skip


def _show_forecast(coming: Forecast) -> None:
    free = "" if coming.free_bytes is None else f"; {in_bytes(coming.free_bytes)} are free"
    inodes = "no limit" if coming.free_inodes is None else f"{coming.free_inodes:,} are free"
    plan, grid = coming.plan, coming.plan.pyramid
    most = "" if plan.skip_blank is None else "up to "  # how many are blank, is known when all are made
    say(f"{coming.target} (not written)")
    show_rows([
        ("size", f"{grid.base}"), ("levels", f"{coming.levels}"),
        ("tiles", f"{most}{coming.tiles:,}, {plan.format}, {grid.tile_size} px, overlap {grid.overlap}"),
        ("bytes", f"about {in_bytes(coming.estimated_bytes)}{' at most' if most else ''}{free}"),
        ("files", "1" if plan.location.container else f"{most}{coming.tiles + 3:,}; {inodes}"),
        ("layout", plan.layout), ("store", plan.store), ("reader", plan.reader),
        ("backend", f"{plan.backend}: {plan.method}"),
        *([("executor", plan.live.made_by)] if plan.live.made_by != "threads" else []),
        *(("note", note) for note in plan.notes),
    ])  # fmt: skip


def _refuse_overwriting(path: Path, spec: Spec, plan: Plan, registry: Registry) -> None:
    layout = registry.layout(plan.layout)
    made = layout.create(plan.location.name, plan.encoding.suffix, plan.pyramid)
    same = isinstance(spec.slide, Path) and real_path(path) == real_path(spec.slide)
    if same or is_written(path, plan.location, made):
        raise OutputError(f"{path}: the report would be written over the slide or the pyramid; give another file")
