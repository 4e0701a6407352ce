"""Does the descriptor say what the manifest says?"""

from __future__ import annotations

from collections.abc import Iterator

from tileframe import Finding, Progress, Severity, StoredPyramid


def check_descriptor(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare each figure with the record of the run, where there is one."""
    if pyramid.manifest is None:
        return
    plan, found = pyramid.manifest.plan, pyramid.pyramid
    pairs = {
        "width": (found.base.width, plan.pyramid.base.width),
        "height": (found.base.height, plan.pyramid.base.height),
        "tile size": (found.tile_size, plan.pyramid.tile_size),
        "overlap": (found.overlap, plan.pyramid.overlap),
        "tile suffix": (pyramid.suffix, plan.encoding.suffix),
    }
    for name, (said, expected) in pairs.items():
        if said != expected:
            message = f"its {name} is {said}; the manifest says {expected}"
            yield Finding(pyramid.descriptor_key, "descriptor", Severity.ERROR, message)
