"""What the panel of the page says of a pyramid, from its descriptor and its manifest."""

from __future__ import annotations

from typing import Any

from tileframe import StoredPyramid


def facts(pyramid: StoredPyramid) -> list[tuple[str, str]]:
    """Return labels and values, the most asked for first; nothing is guessed."""
    manifest = pyramid.manifest
    source, made, by = (_part(manifest, name) for name in ("source", "made", "made_by"))
    geometry = pyramid.pyramid
    base = geometry.base
    rows: list[tuple[str, str]] = []
    if name := source.get("name"):
        rows.append(("Slide", str(name)))
    rows.append(("Size", f"{base.width:,} × {base.height:,} px"))
    if scale := mpp(pyramid):
        rows.append(("On the glass", f"{base.width * scale[0] / 1000:.2f} × {base.height * scale[1] / 1000:.2f} mm"))
        rows.append(("Pixel size", f"{scale[0]:g} × {scale[1]:g} µm"))
    if power := objective_power(pyramid):
        rows.append(("Objective", f"{power:g}×"))
    if kind := source.get("format"):
        rows.append(("Format", str(kind)))
    if isinstance(icc := source.get("icc"), dict):
        applied = "applied" if icc.get("applied") else "not applied"
        rows.append(("Colour profile", f"{icc.get('description')}, {applied}"))
    rows.append(("Levels", f"{geometry.level_count}"))
    rows.append(("Tiles", f"{geometry.tile_count:,} of {geometry.tile_size} px, overlap {geometry.overlap}"))
    rows.append(("Tile format", _tile_format(pyramid)))
    if isinstance(weight := _part(manifest, "tiles").get("bytes"), int):
        rows.append(("Bytes", f"{weight / 1e6:,.1f} MB"))
    if finished := made.get("finished"):
        rows.append(("Made", str(finished).replace("T", " ").replace("+00:00", " UTC")))
    if backend := by.get("backend"):
        rows.append(("Made by", f"{backend}: {by.get('way')}"))
    if reader := by.get("reader"):
        rows.append(("Read by", str(reader)))
    if not manifest:
        rows.append(("Manifest", "none: made by another tool than tileframe"))
    notes = manifest.get("notes")
    return rows + [("Note", str(note)) for note in (notes if isinstance(notes, list) else [])]


def mpp(pyramid: StoredPyramid) -> tuple[float, float] | None:
    """Return the micrometres per base pixel, across and down; None where they are unknown."""
    found = _part(pyramid.manifest, "source").get("mpp")
    if isinstance(found, list) and len(found) == 2 and all(_positive(value) for value in found):
        return float(found[0]), float(found[1])
    return None


def objective_power(pyramid: StoredPyramid) -> float | None:
    """Return the power of the objective of the scan; None where it is unknown."""
    found = _part(pyramid.manifest, "source").get("objective_power")
    return float(found) if found is not None and _positive(found) else None


def _positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e9


def _part(manifest: Any, name: str) -> dict[str, Any]:
    part = manifest.get(name)
    return part if isinstance(part, dict) else {}


def _tile_format(pyramid: StoredPyramid) -> str:
    made = _part(pyramid.manifest, "pyramid")
    quality = f", quality {made['quality']}" if made.get("quality") is not None else ""
    return f"{pyramid.writer.encoding.format}{quality}"
