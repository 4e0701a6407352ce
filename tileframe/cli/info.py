"""``tileframe info``."""

from __future__ import annotations

from pathlib import Path

import click

from tileframe.cli.text import show_json, show_rows
from tileframe.geometry import Pyramid
from tileframe.model import SlideFacts
from tileframe.planning import open_source
from tileframe.registry import Registry


@click.command()
@click.argument("slide", type=click.Path(path_type=Path, readable=False))
@click.option("--reader", metavar="NAME", help="Default: the best one that can.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def info(registry: Registry, /, slide: Path, reader: str | None, as_json: bool) -> None:
    """Say what is known of SLIDE."""
    name, source = open_source(slide, registry, reader=reader)
    with source:
        facts = source.facts
    if as_json:
        show_json({"slide": slide.name, "reader": name, "facts": facts})
        return
    click.echo(f"{slide}")
    show_rows([("reader", name), *_rows(facts)])


def _rows(facts: SlideFacts) -> list[tuple[str, str]]:
    pyramid = Pyramid(facts.size)
    rows = [
        ("format", facts.format),
        ("size", f"{facts.size}, {facts.size.area / 1e6:,.1f} MP"),
        ("access", facts.access.value),
        ("background", f"{facts.background}"),
        ("deep zoom", f"{pyramid.level_count} levels, {pyramid.tile_count:,} tiles at 254/1"),
    ]
    if facts.mpp is not None:
        rows.append(("mpp", f"{facts.mpp[0]:g} x {facts.mpp[1]:g} µm"))
    if facts.objective_power is not None:
        rows.append(("objective", f"{facts.objective_power:g}x"))
    if facts.bounds is not None:
        rows.append(("bounds", f"{facts.bounds.size} at ({facts.bounds.x}, {facts.bounds.y})"))
    if facts.icc is not None:
        rows.append(("profile", f"{facts.icc.description} ({'applied' if facts.icc.applied else 'not applied'})"))
    if facts.native_levels:
        rows.append(("native", ", ".join(f"{level.size} (1/{level.downsample:g})" for level in facts.native_levels)))
    if facts.associated:
        rows.append(("associated", ", ".join(facts.associated)))
    return [*rows, *(("note", note) for note in facts.notes)]
