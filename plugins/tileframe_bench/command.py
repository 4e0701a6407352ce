"""``tileframe bench``. Imports nothing heavy: it is loaded whenever ``tileframe`` starts."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from tileframe import CheckError, OptionError, OutputError, PluginError, Pyramid, Size, machine
from tileframe.files import refuse_report, refuse_unwritable, write_whole
from tileframe.serialize import to_json
from tileframe_bench.records import SCHEMA, Bench
from tileframe_bench.workloads import WORKLOADS, Workload, scaled

NAME = click.Choice(list(WORKLOADS))
PATH = click.Path(path_type=Path)
AT_LEAST_ONE = click.IntRange(min=1)
# Of built-in inputs: their sizes are limited by JPEG, and below this nothing is left of them.
SCALES = 0.01, 2.0
PAGE, PAGE_LIMIT = b'<meta name="generator" content="tileframe bench ', 2048
"""In the head of every page of a benchmark, and as far as such files are looked at, in bytes."""


@click.command()
@click.argument("slides", metavar="[SLIDE]...", nargs=-1, type=PATH)
@click.option("--workload", "workloads", type=NAME, multiple=True, help="A built-in input; default: all of them.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Both sides of built-in inputs times this.")
@click.option("--only", multiple=True, metavar="NAME", help="Run this backend or baseline; may be given again.")
@click.option("--without", multiple=True, metavar="NAME", help="Leave this one out; may be given again.")
@click.option("--tile-size", "tile_sizes", type=int, multiple=True, help="Default 256; may be given again.")
@click.option("--rounds", type=AT_LEAST_ONE, default=2, show_default=True, help="After one to warm up at the start.")
@click.option("--workers", type=AT_LEAST_ONE, help="Most busy threads of each; default: the cores there are.")
@click.option("--scratch", type=PATH, metavar="DIR", help="Where outputs go; default: temporary files.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, not a table.")
@click.option("--report", type=PATH, metavar="FILE.json", help="Also write the JSON there.")
@click.option("--html", type=PATH, metavar="FILE.html", help="Also write a page with charts.")
@click.option("-q", "--quiet", is_flag=True, help="Do not say on stderr how far it is.")
@click.pass_obj
def bench(
    registry: Any,
    /,
    slides: tuple[Path, ...],
    workloads: tuple[str, ...],
    scale: float,
    only: tuple[str, ...],
    without: tuple[str, ...],
    tile_sizes: tuple[int, ...],
    rounds: int,
    workers: int | None,
    scratch: Path | None,
    as_json: bool,
    report: Path | None,
    html: Path | None,
    quiet: bool,
) -> None:
    """Compare the backends, and what people write without tileframe, on SLIDE... or on built-in inputs.

    All run in turn, each in a process of its own, with the same options; every pyramid is compared with a reference,
    tile by tile, before its time counts. Exits with 5 if a backend made a wrong one.
    """
    tile_sizes = tile_sizes or (256,)
    for tile_size in tile_sizes:
        Pyramid(Size(1, 1), tile_size, 0)
    _refuse_unwritable([path for path in (report, html) if path is not None], slides)
    if report is not None:
        refuse_report(report, SCHEMA)
    if html is not None:
        _refuse_other_page(html)
    for library in ("jinja2", "matplotlib") if html else ():
        if find_spec(library) is None:
            raise PluginError(f"this needs {library}, which is not installed: pip install 'tileframe[bench]'")
    from tileframe_bench.entrants import entrants
    from tileframe_bench.environment import scratch_folder
    from tileframe_bench.session import Plan, benchmark
    from tileframe_bench.text import table

    plan = Plan(
        inputs=_inputs(slides, workloads, scale),
        entrants=entrants(registry.backends, only, without),
        tile_sizes=tile_sizes,
        workers=workers or machine.available_cores(),
        rounds=rounds,
        command=shlex.join(["tileframe", *sys.argv[1:]]),
    )
    found: Bench | None = None

    def say(what: str) -> None:
        if not quiet:
            click.echo(f"tileframe: {what}", err=True)

    try:
        with scratch_folder(scratch) as folder:
            for found in benchmark(plan, registry, folder, say):
                # After every trial: a long run that is killed keeps what it has found. A pipe gets it once, at the end.
                if report is not None and (report.is_file() or not report.exists()):
                    write_whole(report, _json(found))
                if not as_json:
                    click.echo(table(found.trials[-1]))
    finally:
        if found is not None:
            if html is not None:
                from tileframe_bench.page import page  # only now: a large parent would distort measurements

                write_whole(html, page(found).encode("utf-8", "replace"))
            if report is not None and not report.is_file():
                write_whole(report, _json(found))
            if as_json:
                click.echo(_json(found), nl=False)
    _refuse_wrong(found)


def _json(found: Bench) -> bytes:
    return f"{to_json(found)}\n".encode()


def _refuse_unwritable(files: Sequence[Path], slides: Sequence[Path]) -> None:
    """Raise `OutputError` for a file that cannot be written, or that is one of ``slides``."""
    real = [path.resolve() for path in files]
    if len(set(real)) < len(files):
        raise OutputError(f"{files[0]}: cannot be both the report and the page; give two files")
    for path in files:
        if path.resolve() in [slide.resolve() for slide in slides]:
            raise OutputError(f"{path}: would be written over the slide; give another file")
        refuse_unwritable(path)


def _refuse_other_page(html: Path) -> None:
    """Raise `OutputError` for a file that is there, and is neither empty nor a page of a benchmark."""
    if html.is_file():
        with html.open("rb") as file:
            beginning = file.read(PAGE_LIMIT)
        if beginning and PAGE not in beginning:
            raise OutputError(f"{html}: is there, and is no page of a benchmark; give another file")


def _inputs(slides: tuple[Path, ...], names: tuple[str, ...], scale: float) -> list[Path | Workload]:
    if not SCALES[0] <= scale <= SCALES[1]:
        raise OptionError(f"the scale must be from {SCALES[0]:g} to {SCALES[1]:g}, not {scale:g}")
    if slides and scale != 1 and not names:
        raise OptionError(f"--scale {scale:g} goes with built-in inputs; a slide is taken as it is")
    chosen = dict.fromkeys(names) or (() if slides else tuple(WORKLOADS))
    return [*dict.fromkeys(slides), *(scaled(WORKLOADS[name], scale) for name in chosen)]


def _refuse_wrong(found: Bench | None) -> None:
    wrong = []
    for trial in found.trials if found else ():
        who = [entry.name for entry in trial.entries if entry.kind == "backend" and entry.is_wrong]
        wrong += [f"{name} ({trial.input}, tiles of {trial.tile_size})" for name in who]
    if wrong:
        raise CheckError(f"made a wrong pyramid, as is said above: {', '.join(wrong)}")
