"""Does the descriptor say what the manifest says?"""

from __future__ import annotations

from collections.abc import Iterator

from tileframe import Finding, Progress, Severity, StoredPyramid


def check_descriptor(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare each attribute with the record of the run, where there is one."""
    recorded = pyramid.manifest.get("pyramid", {})
    ours = {
        "Width": (pyramid.pyramid.base.width, recorded.get("width")),
        "Height": (pyramid.pyramid.base.height, recorded.get("height")),
        "TileSize": (pyramid.pyramid.tile_size, recorded.get("tile_size")),
        "Overlap": (pyramid.pyramid.overlap, recorded.get("overlap")),
        "Format": (pyramid.writer.encoding.suffix, recorded.get("suffix")),
    }
    for name, (said, expected) in ours.items():
        if expected is not None and said != expected:
            message = f"its {name} is {said}; the manifest says {expected}"
            yield Finding(pyramid.target.name, "descriptor", Severity.ERROR, message)
