"""``tileframe compare``."""

from __future__ import annotations

from pathlib import Path

import click

from tileframe.cli.progress import ProgressBar
from tileframe.cli.text import show_json, show_rows
from tileframe.comparison import compare as compared
from tileframe.errors import CheckError, OptionError
from tileframe.model import Comparison, Equality
from tileframe.opening import open_pyramid
from tileframe.registry import Registry

STRENGTHS = [strength.name.lower() for strength in Equality]


@click.command()
@click.argument("one", metavar="A.dzi", type=click.Path(path_type=Path))
@click.argument("other", metavar="B.dzi", type=click.Path(path_type=Path))
@click.option("--require", metavar="STRENGTH", help=f"Exit with 5 if they are less equal: {', '.join(STRENGTHS)}.")
@click.option("--workers", type=int, help="Most busy threads; default: the cores there are.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors; the exit code tells.")
@click.pass_obj
def compare(
    registry: Registry, /, one: Path, other: Path, require: str | None, workers: int | None, as_json: bool, quiet: bool
) -> int:
    """Say how equal two pyramids are: in layout, in the base, or in all pixels."""
    if require is not None and require not in STRENGTHS:
        raise OptionError(f"no strength named '{require}' (have: {', '.join(STRENGTHS)})")
    if workers is not None and workers < 1:
        raise OptionError(f"the number of workers must be 1 or more, not {workers}")
    first = open_pyramid(one, registry=registry, workers=workers)
    second = open_pyramid(other, registry=registry, workers=workers)
    with ProgressBar(quiet=quiet) as bar:
        bar.start(first.pyramid)
        result = compared(first, second, progress=bar)
    if as_json:
        show_json({"a": one, "b": other, "identical": result.identical, "tiles": result.tiles, "comparison": result})
    elif not quiet:
        _show(result)
    if require is None or (result.strength is not None and result.strength >= Equality[require.upper()]):
        return 0
    return CheckError.exit_code


def _show(result: Comparison) -> None:
    for sentence in result.layout:
        click.echo(sentence)
    rows = [
        (
            f"{level.level}",
            f"{level.tiles:,}",
            f"{level.differing:,}" + (f" + {level.unreadable} unreadable" if level.unreadable else ""),
            f"{level.largest}",
            f"{level.mean:.3f}",
            "equal" if level.psnr is None else f"{level.psnr:.1f} dB",
            level.worst or "",
        )
        for level in result.levels
    ]
    if result.identical < result.tiles:
        show_rows([("level", "tiles", "differing", "largest", "mean", "psnr", "worst tile"), *rows])
    if not result.levels:
        click.echo("different: not the same layout")
        return
    strength = "different" if result.strength is None else result.strength.name.lower()
    verdict = "identical" if result.strength is Equality.PIXELS else "the same tiles"
    click.echo(f"{strength}: {verdict}, {result.identical:,} of {result.tiles:,}")
