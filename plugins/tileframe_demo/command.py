"""``tileframe demo``. Imports nothing heavy: it is loaded whenever ``tileframe`` starts."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

import tileframe
from tileframe import OptionError, PluginError, Size
from tileframe.machine import available_cores

NAME = "tileframe-demo"
MOST_MEGAPIXELS = 2000
SIDE = 256  # the slide's sides are multiples of it, so that its levels come out exact


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=NAME,
    show_default=True,
    metavar="FOLDER",
    help="Where to put all of it.",
)
@click.option(
    "--megapixels",
    type=float,
    default=100,
    show_default=True,
    metavar=f"1-{MOST_MEGAPIXELS}",
    help="Size of the slide.",
)
@click.option("--workers", type=int, help="Most busy threads; default: the cores there are.")
@click.option("--open/--no-open", "opens", default=None, help="Open the page in the browser; by default on a terminal.")
@click.pass_context
def demo(context: click.Context, /, folder: Path, megapixels: float, workers: int | None, opens: bool | None) -> None:
    """Draw a sample slide, make its pyramid and a page to look at it, and say what to do next.

    The slide looks like stained tissue under a microscope. A second demo replaces the first.
    """
    size = sample_size(megapixels)
    if workers is None:
        workers = available_cores()
    if workers < 1:  # said here too, before a slide is drawn for nothing
        raise OptionError(f"the number of workers must be 1 or more, not {workers}")
    slide, target = folder / f"{NAME}.svs", folder / f"{NAME}.dzi"
    _draw(slide, size, workers)
    click.echo("tileframe: making its pyramid", err=True)
    report = tileframe.run(slide, target, workers=workers, overwrite=True, registry=context.obj)
    click.echo(f"{slide}  the slide, {size}, {slide.stat().st_size / 1e6:.1f} MB")
    click.echo(f"{target}  its pyramid, {report.levels} levels, {report.tiles:,} tiles, made in {report.seconds:.1f} s")
    _view(context, target, opens=sys.stdout.isatty() if opens is None else opens)
    _show_next_steps(slide, folder)


def _view(context: click.Context, target: Path, *, opens: bool) -> None:
    """Run `tileframe view`, where it is installed and whole."""
    group = context.parent.command if context.parent else None
    command = group.get_command(context, "view") if isinstance(group, click.Group) else None
    if command is None:
        return
    try:
        arguments = [str(target), "--open" if opens else "--no-open"]
        with command.make_context("view", arguments, parent=context.parent) as viewing:
            viewing.command.invoke(viewing)
    except PluginError as error:
        click.echo(f"tileframe: {error}", err=True)


def sample_size(megapixels: float) -> Size:
    """Return the size, three by two, that comes nearest to ``megapixels``; `OptionError` if that is out of range."""
    if not 1 <= megapixels <= MOST_MEGAPIXELS:
        raise OptionError(f"a demo slide has from 1 to {MOST_MEGAPIXELS} megapixels, not {megapixels:g}")
    height = (megapixels * 1e6 / 1.5) ** 0.5
    return Size(round(1.5 * height / SIDE) * SIDE, round(height / SIDE) * SIDE)


def _draw(slide: Path, size: Size, workers: int) -> None:
    from tileframe_demo.sample import write_sample

    label = f"tileframe: drawing a slide, {size}, {size.area / 1e6:.1f} MP"
    # On anything but a terminal, this prints the label and no bar.
    with click.progressbar(length=size.area, label=label, file=sys.stderr) as bar:
        write_sample(slide, size, workers=workers, progress=bar.update)


def _show_next_steps(slide: Path, folder: Path) -> None:
    other = folder / "openslide.dzi"
    click.echo("\nOpen the page in a browser to look at the slide. To go on:")
    click.echo(f"  tileframe info {shlex.quote(str(slide))}")
    click.echo(f"  tileframe run {shlex.quote(str(slide))} --backend openslide -o {shlex.quote(str(other))}")
