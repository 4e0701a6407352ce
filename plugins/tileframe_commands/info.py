"""The command ``tileframe info``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tileframe import (
    ColourMode,
    ColourRecord,
    Intent,
    Manifest,
    OptionError,
    Pyramid,
    SlideFacts,
    StoredPyramid,
    is_pyramid,
    managed,
    open_pyramid,
    opened,
)
from tileframe.cli.parameters import FILE, PAGE, plugin_options
from tileframe.cli.text import in_bytes, say, show_json, show_rows
from tileframe.options import with_short
from tileframe.serialize import to_builtins
from tileframe_commands.isolating import isolates


@click.command()
@click.argument("target", metavar="SLIDE", type=FILE)
@click.option("--reader", metavar="NAME", help="Default: the best one that can.")
@click.option("--page", type=int, metavar="N", help=PAGE)
@plugin_options("reader")
@isolates
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def info(
    registry: Any,
    /,
    target: str,
    reader: str | None,
    page: int | None,
    reader_options: dict[str, str],
    as_json: bool,
) -> None:
    """Say what is known of SLIDE, or of a finished pyramid."""
    options = with_short(reader_options, "page", page)
    if reader is None and is_pyramid(target, registry):
        if options:
            raise OptionError(f"{target}: is a pyramid, which no reader opens; leave out --page and --reader-option")
        with open_pyramid(target, registry=registry) as pyramid:
            _show_pyramid(pyramid, as_json=as_json)
        return
    slide = registry.slide(target)
    offer, source = next(opened(slide, registry, reader=reader, options=options))
    with source:
        facts = source.facts
        colours = managed(source, ColourMode.SRGB, Intent.RELATIVE, registry)
    if as_json:
        known = {name: value for name, value in to_builtins(replace(facts, icc=None)).items() if name != "icc"}
        show_json({"slide": slide.name, "reader": offer.name, "facts": known, "colour": colours.record})
        return
    say(target if isinstance(slide, Path) else f"{slide}")
    notes = (*facts.notes, *colours.notes)
    show_rows([("reader", offer.name), *_rows(facts), *_colour(colours.record, notes)])


def _show_pyramid(pyramid: StoredPyramid, *, as_json: bool) -> None:
    geometry, manifest, encoding = pyramid.pyramid, pyramid.manifest, pyramid.writer.encoding
    if as_json:
        facts = {"layout": pyramid.layout_name, "pyramid": geometry, "encoding": encoding, "tiles": pyramid.tile_count}
        show_json({"target": pyramid.target, **facts, "manifest": manifest})
        return
    rows = [
        ("layout", pyramid.layout_name),
        ("size", f"{geometry.base}, {geometry.base.area / 1e6:,.1f} MP"),
        ("levels", f"{len(pyramid.layout.levels)}"),
        ("tiles", f"{pyramid.tile_count:,} at {geometry.tile_size}/{geometry.overlap}, {encoding.format}"),
    ]
    if manifest is None:
        rows.append(("manifest", "none: made by another tool than tileframe"))
    else:
        plan = manifest.plan
        rows += [
            ("bytes", in_bytes(manifest.tiles.bytes)),
            *([("absent", _absent(manifest))] if manifest.tiles.absent else []),
            *([("not read", f"{manifest.tiles.filled:,} tiles show background")] if manifest.tiles.filled else []),
            ("slide", f"{plan.source.name}, {plan.source.size}"),
            ("region", f"{plan.region.size} at ({plan.region.x}, {plan.region.y})"),
            ("made", f"{manifest.made.finished} by {plan.backend}: {plan.method}"),
            ("promises", plan.promises.value),
            *([("associated", ", ".join(one.name for one in manifest.associated))] if manifest.associated else []),
            *_colour(plan.colour, plan.notes),
        ]
    say(pyramid.target)
    show_rows(rows)


def _absent(manifest: Manifest) -> str:
    rule = manifest.plan.skip_blank
    how = f"within {rule.tolerance} of {rule.background}" if rule else ""
    return f"{manifest.tiles.absent:,} of the tiles: blank, {how}"


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
    if facts.native_levels:
        rows.append(("native", ", ".join(f"{level.size} (1/{level.downsample:g})" for level in facts.native_levels)))
    if facts.associated:
        rows.append(("associated", ", ".join(facts.associated)))
    return rows


def _colour(record: ColourRecord, notes: Sequence[str]) -> list[tuple[str, str]]:
    """Return what was decided about the colours, and the notes, but for one that says the same."""
    colour = [("colour", record.reason)] if record.profile else []
    return [*colour, *(("note", note) for note in notes if not (colour and note.endswith(record.reason)))]
