"""Collects what the page's panel shows of a pyramid, from its descriptor and its manifest."""

from __future__ import annotations

from tileframe import Manifest, StoredPyramid

LARGEST = 1e9
"""Scales and powers from here on are taken for nonsense."""


def facts(pyramid: StoredPyramid) -> list[tuple[str, str]]:
    """Return labels and values, the most asked for first; nothing is guessed."""
    manifest = pyramid.manifest
    geometry, base = pyramid.pyramid, pyramid.pyramid.base
    rows = [("Slide", manifest.plan.source.name)] if manifest else []
    rows.append(("Size", f"{base.width:,} × {base.height:,} px"))
    if scale := mpp(pyramid):
        rows.append(("On the glass", f"{base.width * scale[0] / 1000:.2f} × {base.height * scale[1] / 1000:.2f} mm"))
        by = ", as the user said" if manifest and manifest.plan.source.mpp_by.value == "user" else ""
        rows.append(("Pixel size", f"{scale[0]:g} × {scale[1]:g} µm{by}"))
    if power := objective_power(pyramid):
        rows.append(("Objective", f"{power:g}×"))
    if manifest:
        rows += _of_source(manifest)
    rows.append(("Layout", _layout(pyramid)))
    rows.append(("Levels", f"{len(pyramid.layout.levels)}"))
    tiles = sum(geometry.grid(level).area for level in pyramid.layout.levels)
    rows.append(("Tiles", f"{tiles:,} of {geometry.tile_size} px, overlap {geometry.overlap}"))
    rows.append(("Tile format", _tile_format(pyramid)))
    return rows + (_of_run(manifest) if manifest else [("Manifest", "none: made by another tool than tileframe")])


def mpp(pyramid: StoredPyramid) -> tuple[float, float] | None:
    """Return the micrometres per base pixel, across and down; None where they are unknown."""
    found = pyramid.manifest.plan.source.mpp if pyramid.manifest else None
    return found if found is not None and all(0 < value < LARGEST for value in found) else None


def objective_power(pyramid: StoredPyramid) -> float | None:
    """Return the power of the objective of the scan; None where it is unknown."""
    found = pyramid.manifest.plan.source.objective_power if pyramid.manifest else None
    return found if found is not None and 0 < found < LARGEST else None


def _of_source(manifest: Manifest) -> list[tuple[str, str]]:
    source, region = manifest.plan.source, manifest.plan.region
    rows = [("Format", source.format)]
    if manifest.plan.colour.profile is not None:
        rows.append(("Colour", manifest.plan.colour.reason))
    if region.size != source.size:
        rows.append(("Part of the slide", f"from {region.x:,}, {region.y:,} of {source.size}"))
    return rows


def _of_run(manifest: Manifest) -> list[tuple[str, str]]:
    plan, filled = manifest.plan, manifest.tiles.filled
    if not manifest.made.finished:  # there was no run: the tiles are made when they are asked for
        made = f"when they are asked for; the promise is '{plan.promises}'"
        return [("Tiles made", made), ("Read by", plan.reader), *[("Note", note) for note in plan.notes]]
    missing = f"{filled:,} tiles show background where the slide could not be read"
    absent = f"{manifest.tiles.absent:,} blank tiles, which are left out"
    return [
        *([("Not read", missing)] if filled else []),
        *([("Absent", absent)] if manifest.tiles.absent else []),
        ("Bytes", f"{manifest.tiles.bytes / 1e6:,.1f} MB"),
        ("Made", manifest.made.finished.replace("T", " ").replace("+00:00", " UTC")),
        ("Made by", f"{plan.backend}: {plan.method}"),
        ("Read by", plan.reader),
        *[("Note", note) for note in plan.notes],
    ]


def _layout(pyramid: StoredPyramid) -> str:
    container = pyramid.location.container
    return f"{pyramid.layout_name}, in one file: {pyramid.location.path.name}" if container else pyramid.layout_name


def _tile_format(pyramid: StoredPyramid) -> str:
    # Without a manifest the quality is unknown: the writer's is only our default.
    encoding = pyramid.manifest.plan.encoding if pyramid.manifest else None
    quality = f", quality {encoding.quality}" if encoding and encoding.quality is not None else ""
    return f"{pyramid.writer.encoding.format}{quality}"
