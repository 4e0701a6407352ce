"""The command ``tileframe compare``."""

from __future__ import annotations

from typing import Any

import click

import tileframe
from tileframe import CheckError, Comparison, Equality, OptionError, open_pyramid
from tileframe.cli.parameters import FILE
from tileframe.cli.progress import ProgressBar
from tileframe.cli.text import say, show_json, show_rows

STRENGTHS = [strength.value for strength in Equality]


@click.command()
@click.argument("one", metavar="A", type=FILE)
@click.argument("other", metavar="B", type=FILE)
@click.option("--require", metavar="STRENGTH", help=f"Exit with 5 if they are less equal: {', '.join(STRENGTHS)}.")
@click.option("--workers", type=int, help="Most busy threads; default: the cores there are.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors; the exit code tells.")
@click.pass_obj
def compare(
    registry: Any, /, one: str, other: str, require: str | None, workers: int | None, as_json: bool, quiet: bool
) -> int:
    """Say how equal the pyramids A and B are: in layout, in the base, or in all pixels.

    Each is named by its descriptor, its archive or its folder; their layouts and stores may differ.
    """
    if require is not None and require not in STRENGTHS:
        raise OptionError(f"no strength named '{require}' (have: {', '.join(STRENGTHS)})")
    if workers is not None and workers < 1:
        raise OptionError(f"the number of workers must be 1 or more, not {workers}")
    with (
        open_pyramid(one, registry=registry, workers=workers) as first,
        open_pyramid(other, registry=registry, workers=workers) as second,
        ProgressBar(quiet=quiet) as bar,
    ):
        bar.start(first.pyramid)
        result = tileframe.compare(first, second, progress=bar)
    if as_json:
        show_json({"a": one, "b": other, "identical": result.identical, "tiles": result.tiles, "comparison": result})
    elif not quiet:
        _show(result)
    if require is None or (result.strength is not None and result.strength >= Equality(require)):
        return 0
    return CheckError.exit_code


def _show(result: Comparison) -> None:
    for note in result.notes:
        say(f"note: {note}")
    for sentence in result.layout:
        say(sentence)
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
        say("different: not the same layout")
        return
    strength = "different" if result.strength is None else result.strength.value
    verdict = "identical" if result.strength is Equality.PIXELS else "the same tiles"
    say(f"{strength}: {verdict}, {result.identical:,} of {result.tiles:,}")
