"""Do both backends say the same of a file: the same pyramid, or the same refusal?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.pyramids import differing
from tileframe import Equality, Report, TileframeError, run
from tileframe.registry import Registry


def made(slide: Path, target: Path, registry: Registry, **options: Any) -> Report | TileframeError:
    """The report of a run, or what it was refused with."""
    try:
        return run(slide, target, registry=registry, overwrite=True, **options)
    except TileframeError as error:
        return error


def disagreement(slide: Path, folder: Path, registry: Registry, **options: Any) -> str | None:
    """What differs between the backends' PNG pyramids of ``slide``; None if nothing does."""
    fast = made(slide, folder / "vips", registry, backend="vips", format="png", **options)
    slow = made(slide, folder / "openslide", registry, backend="openslide", format="png", **options)
    if isinstance(fast, TileframeError) or isinstance(slow, TileframeError):
        codes = [done.exit_code if isinstance(done, TileframeError) else 0 for done in (fast, slow)]
        return None if codes[0] == codes[1] else f"vips: {fast}; openslide: {slow}"
    base_only = slow.promises is Equality.BASE
    keys = differing(fast.target, slow.target, base_only=base_only)
    return f"{len(keys)} tiles differ, {keys[0]} first" if keys else None
