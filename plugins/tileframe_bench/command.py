"""``tileframe bench``. Imports nothing heavy: it is loaded whenever ``tileframe`` starts."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tileframe import CheckError, InputError, OptionError, OutputError, PluginError, Pyramid, Size, machine

if TYPE_CHECKING:
    from tileframe_bench.records import Bench, Trial
    from tileframe_bench.workloads import Workload

# Of built-in inputs: their sizes are limited by JPEG, and below this nothing is left of them.
SCALES = 0.01, 2.0


@click.command()
@click.argument("slides", metavar="[SLIDE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--workload", "workloads", multiple=True, metavar="NAME", help="A built-in input; default: all of them.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Both sides of built-in inputs times this.")
@click.option("--only", multiple=True, metavar="NAME", help="Run this backend or baseline; may be given again.")
@click.option("--without", multiple=True, metavar="NAME", help="Leave this one out; may be given again.")
@click.option(
    "--tile-size", "tile_sizes", type=int, multiple=True, metavar="N", help="Default 256; may be given again."
)
@click.option("--rounds", type=int, default=2, show_default=True, help="After one to warm up at the start.")
@click.option("--workers", type=int, help="Most busy threads of each; default: the cores there are.")
@click.option(
    "--scratch", type=click.Path(path_type=Path), metavar="DIR", help="Where outputs go; default: temporary files."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, not a table.")
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE.json", help="Also write the JSON there.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE.html", help="Also write a page with charts.")
@click.option("--quiet", is_flag=True, help="Do not say on stderr how far it is.")
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
    workers = machine.available_cores() if workers is None else workers
    sizes = tile_sizes or (256,)
    _refuse(rounds=rounds, workers=workers, scale=scale, tile_sizes=sizes)
    _refuse_places(slides, scratch, [path for path in (report, html) if path is not None])
    for library in ("cattrs", *(("matplotlib",) if html else ())):
        _refuse_missing(library)
    from tileframe_bench.entrants import entrants
    from tileframe_bench.saving import to_json
    from tileframe_bench.scratch import scratch_folder
    from tileframe_bench.session import Plan, benchmark
    from tileframe_bench.table import table

    plan = Plan(
        inputs=_inputs(slides, workloads, scale),
        entrants=entrants(registry.backends, only, without),
        tile_sizes=sizes,
        workers=workers,
        rounds=rounds,
        command=shlex.join(["tileframe", *sys.argv[1:]]),
    )

    last: Bench | None = None

    def each(so_far: Bench, trial: Trial) -> None:
        # After every trial: whoever kills a long run keeps what it has found.
        nonlocal last
        last = so_far
        if report is not None and _is_plain(report):
            _write(report, to_json(so_far))
        if not as_json:
            click.echo(table(trial))

    def say(what: str) -> None:
        if not quiet:
            click.echo(f"tileframe: {what}", err=True)

    try:
        with scratch_folder(scratch) as folder:
            found = benchmark(plan, registry, folder, say, each)
    finally:
        if html is not None and last is not None:
            # Loaded now: while there are runs to be measured, this process stays small.
            from tileframe_bench.page import page

            _write(html, page(last))
        if report is not None and last is not None and not _is_plain(report):
            _write(report, to_json(last))  # once: whoever reads a pipe takes the first for the whole
        if as_json and last is not None:
            click.echo(to_json(last), nl=False)
    _refuse_wrong(found)


def _refuse(*, rounds: int, workers: int, scale: float, tile_sizes: tuple[int, ...]) -> None:
    if rounds < 1:
        raise OptionError(f"the number of rounds must be 1 or more, not {rounds}")
    if workers < 1:
        raise OptionError(f"the number of workers must be 1 or more, not {workers}")
    if not SCALES[0] <= scale <= SCALES[1]:
        raise OptionError(f"the scale must be from {SCALES[0]:g} to {SCALES[1]:g}, not {scale:g}")
    for tile_size in tile_sizes:
        Pyramid(Size(1, 1), tile_size, 0)


def _refuse_places(slides: tuple[Path, ...], scratch: Path | None, files: list[Path]) -> None:
    """Say before the work what could only be said after it."""
    if scratch is not None and not scratch.is_dir():
        raise OutputError(f"{scratch}: is no folder; give --scratch one that is there")
    if len({path.resolve() for path in files}) < len(files):
        raise OutputError(f"{files[0]}: cannot be both the report and the page; give two files")
    for path in files:
        if path.resolve() in [slide.resolve() for slide in slides]:
            raise OutputError(f"{path}: would be written over the slide; give another file")
        if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise OutputError(f"{path}: cannot be written there; give a file in a folder that can be written")


def _refuse_missing(library: str) -> None:
    """Look for it without loading it: this process stays small."""
    try:
        found = find_spec(library)
    except ValueError:  # it is there, and stands for nothing
        found = None
    if found is None:
        raise PluginError(f"this needs {library}, which is not installed: pip install 'tileframe[bench]'")


def _inputs(slides: tuple[Path, ...], names: tuple[str, ...], scale: float) -> list[Path | Workload]:
    from tileframe_bench.workloads import WORKLOADS, scaled

    for name in names:
        if name not in WORKLOADS:
            raise OptionError(f"no workload named '{name}' (have: {', '.join(WORKLOADS)})")
    if slides and scale != 1 and not names:
        raise OptionError(f"--scale {scale:g} goes with built-in inputs; a slide is taken as it is")
    for slide in slides:
        if not slide.is_file():
            raise InputError(f"{slide}: {'is not a file' if slide.exists() else 'no such file'}")
    real = [slide.resolve() for slide in slides]
    if twice := [f"{slide}" for number, slide in enumerate(slides) if real[number] in real[:number]]:
        raise OptionError(f"{twice[0]}: is given twice; once is enough")
    chosen = dict.fromkeys(names) or (() if slides else tuple(WORKLOADS))
    return [*slides, *(scaled(WORKLOADS[name], scale) for name in chosen)]


def _refuse_wrong(found: Bench) -> None:
    wrong = [
        f"{entry.name} ({trial.input}, tiles of {trial.tile_size})"
        for trial in found.trials
        for entry in trial.entries
        if entry.kind == "backend" and entry.is_wrong
    ]
    if wrong:
        raise CheckError(f"made a wrong pyramid, as is said above: {', '.join(wrong)}")


def _write(path: Path, text: str) -> None:
    if _is_plain(path):
        _replace(path, text)
        return
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _is_plain(path: Path) -> bool:
    """Say whether it is a file to be replaced: no pipe, no device, nor what stands for an open file, as /dev/stdout."""
    return not path.exists() or (path.is_file() and path.absolute().parts[1] not in ("dev", "proc"))


def _replace(path: Path, text: str) -> None:
    """Write it in one step: what was there before is lost for nothing less than the whole."""
    path = path.resolve()  # a link stays one
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
