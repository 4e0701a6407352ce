"""``tileframe run``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal

import click

from tileframe import machine
from tileframe.cli.progress import ProgressBar
from tileframe.cli.text import in_bytes, show_json, show_rows, to_json
from tileframe.errors import OutputError, PluginError
from tileframe.estimate import Forecast, forecast
from tileframe.interfaces import Viewer
from tileframe.model import NATIVE, JobSpec, Passthrough, Report, Rgb
from tileframe.opening import open_pyramid
from tileframe.pipeline import execute, target_of
from tileframe.planning import Plan
from tileframe.registry import Registry


class TileSize(click.ParamType["int | str"]):
    """A number of pixels, or ``native``."""

    name = "integer"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or the word."""
        if value != NATIVE and not value.removeprefix("-").isdecimal():
            self.fail(f"'{value}' is no number of pixels, nor '{NATIVE}'", param, ctx)
        return value if value == NATIVE else int(value)


class RunCommand(click.Command):
    """Takes some options alone as well as with a value, which click would take from what follows."""

    ALONE: ClassVar[dict[str, str]] = {"--passthrough": Passthrough.ALWAYS.value, "--viewer": ""}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give them their values where they have none."""
        return super().parse_args(ctx, [f"{word}={self.ALONE[word]}" if word in self.ALONE else word for word in args])


@click.command(cls=RunCommand)
@click.argument("slide", type=click.Path(path_type=Path, readable=False))
@click.option(
    "-o", "--output", metavar="OUT.dzi", help="Where to write; default NAME.dzi here. A slash at the end: a folder."
)
@click.option(
    "--backend", default="auto", show_default=True, metavar="NAME", help="auto, or one of `tileframe plugins`."
)
@click.option("--reader", metavar="NAME", help="Default: the best one that can.")
@click.option(
    "--format",
    "tile_format",
    default="jpeg",
    show_default=True,
    metavar="NAME",
    help="Tile format: jpeg, jpg, png, ...",
)
@click.option("--quality", type=int, metavar="1-100", help="Of lossy tiles; default 75.")
@click.option(
    "--tile-size", type=TileSize(), help="Pixels a side, overlap not counted, or native, the slide's own; default 254."
)
@click.option("--overlap", type=int, help="Pixels a tile shares with each neighbour; default 1.")
@click.option(
    "--passthrough",
    type=click.Choice([choice.value for choice in Passthrough]),
    default=Passthrough.NEVER.value,
    metavar="[=auto]",
    help="Base tiles are the slide's own JPEGs, on its own grid; an error where that cannot be, but with auto.",
)
@click.option("--limit-bounds/--no-limit-bounds", default=True, show_default=True, help="Crop to the scanned part.")
@click.option(
    "--background", metavar="#rrggbb", help="Where the slide is transparent; default: the slide's own, or white."
)
@click.option("--workers", type=int, help="Most busy threads; default: the cores there are.")
@click.option("--executor", metavar="NAME", help="Where blocks are made; default: threads of this process.")
@click.option("--overwrite", is_flag=True, help="Replace an existing pyramid, once the new one is complete.")
@click.option("--viewer", metavar="[=NAME]", help="Also write NAME.html, a page to look at the pyramid in.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.json",
    help="Also write the figures there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--verbose", is_flag=True, help="Also say which reader and backend were taken, and why not others.")
@click.pass_obj
def run(
    registry: Registry,
    /,
    slide: Path,
    output: str | None,
    backend: str,
    reader: str | None,
    tile_format: str,
    quality: int | None,
    tile_size: int | Literal["native"] | None,
    overlap: int | None,
    passthrough: str,
    limit_bounds: bool,
    background: str | None,
    workers: int | None,
    executor: str | None,
    overwrite: bool,
    viewer: str | None,
    dry_run: bool,
    report: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Make the Deep Zoom pyramid of SLIDE."""
    spec = JobSpec(
        slide,
        target_of(output, slide),
        reader=reader,
        backend=None if backend == "auto" else backend,
        format=tile_format,
        quality=quality,
        tile_size=tile_size,
        overlap=overlap,
        passthrough=Passthrough(passthrough),
        limit_bounds=limit_bounds,
        background=None if background is None else Rgb.parse(background),
        workers=machine.available_cores() if workers is None else workers,
        executor=executor,
        overwrite=overwrite,
    )
    pages = None if viewer is None else _viewer(registry, viewer)
    if pages is not None:
        pages.prepare([spec.target], overwrite=overwrite)
    if dry_run:
        coming = forecast(spec, registry)
        show_json(coming) if as_json else _show_forecast(coming)
        return
    if report is not None:
        _refuse_unwritable(report, spec)
    done = _execute(spec, registry, quiet=quiet, verbose=verbose)
    if report is not None:
        _write(report, to_json(done))
    page = None
    if pages is not None:
        page = pages.write([open_pyramid(done.target, registry=registry)], overwrite=overwrite)
    if as_json:
        show_json(done)
    elif not quiet:
        _show_report(done, page)


def _viewer(registry: Registry, name: str) -> Viewer:
    if name:
        return registry.viewer(name).make()
    if not registry.viewers:
        raise PluginError("no viewer is installed; --viewer needs a plugin that offers one")
    return registry.viewers[0].make()


def _execute(spec: JobSpec, registry: Registry, *, quiet: bool, verbose: bool) -> Report:
    def say(line: str) -> None:
        if not quiet:
            click.echo(f"tileframe: {line}", err=True)

    bar = ProgressBar(quiet=quiet)

    def announce(planned: Plan) -> None:
        if verbose:
            for reason in planned.passed_over:
                say(f"not taken: {reason}")
            how = f"{planned.backend_name} ({planned.backend.way(planned.job)})"
            say(f"taken: reader {planned.reader_name}, backend {how}")
        bar.start(planned.job.pyramid)

    with bar:
        done = execute(spec, registry, bar, on_plan=announce)
    for note in done.notes:
        say(note)
    return done


def _show_report(done: Report, page: Path | None) -> None:
    click.echo(f"{done.target}")
    rate = done.megapixels / done.seconds
    show_rows(
        [
            ("size", f"{done.size}"),
            ("levels", f"{done.levels}"),
            ("tiles", f"{done.tiles:,}"),
            *([("as they are", f"{done.passed_through:,} of the slide's own tiles")] if done.passed_through else []),
            ("bytes", in_bytes(done.tile_bytes)),
            ("time", f"{done.seconds:.2f} s"),
            ("speed", f"{rate:.0f} MP/s"),
            ("cpu", f"{done.cpu_seconds:.2f} s, {done.cpu_seconds / done.seconds:.1f} cores busy"),
            ("memory", f"{in_bytes(done.peak_memory)} at most"),
            ("reader", done.reader),
            ("backend", f"{done.backend}: {done.way}"),
            *([("page", f"{page}")] if page else []),
        ]
    )


def _show_forecast(coming: Forecast) -> None:
    inodes = "no limit" if coming.free_inodes is None else f"{coming.free_inodes:,} are free"
    click.echo(f"{coming.target} (not written)")
    show_rows(
        [
            ("size", f"{coming.size}"),
            ("levels", f"{coming.levels}"),
            ("tiles", f"{coming.tiles:,}"),
            ("bytes", f"about {in_bytes(coming.estimated_bytes)}; {in_bytes(coming.free_bytes)} are free"),
            ("files", f"{coming.tiles + 1:,}; {inodes}"),
            ("reader", coming.reader),
            ("backend", f"{coming.backend}: {coming.way}"),
            *(("not taken", reason) for reason in coming.passed_over),
            *(("note", note) for note in coming.notes),
        ]
    )


def _refuse_unwritable(path: Path, spec: JobSpec) -> None:
    """Say before the work what `_write` could only say after it."""
    report, slide, target = (Path(os.path.realpath(name)) for name in (path, spec.slide, spec.target))
    if report in (slide, target) or target.with_name(f"{target.stem}_files") in report.parents:
        raise OutputError(f"{path}: the report would be written over the slide or the pyramid; give another file")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the report cannot be written ({path.parent} is not a folder)")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OutputError(f"{path}: the report cannot be written there")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: the report cannot be written ({error.strerror})") from error
