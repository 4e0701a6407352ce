"""The script that ends runs: a few of each kind; the whole of it is ``benchmarks/kills.py``."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

import tileframe
from benchmarks import kills
from tests.pictures import photo, svs
from tileframe.registry import Registry

QUICK = ("folder, in the commit", "szi")


@pytest.mark.skipif(
    sys.platform == "win32", reason="a run in its commit is told by a file that Windows may not show yet"
)
@pytest.mark.parametrize(
    "kind", [one if one in QUICK else pytest.param(one, marks=pytest.mark.thorough) for one in kills.KINDS]
)
def test_a_killed_run_leaves_the_old_pyramid_or_the_new_one_whole(kind, tmp_path, monkeypatch):
    slide = svs(tmp_path / "slide.svs", photo(900, 600))
    # Where it is told when to kill, no time need be known.
    of_its_own, first = kills.made, iter([not kills.KINDS[kind].sign])

    def made(slide: Path, target: Path, quality: str, registry: Registry, backend: str = "stream") -> bytes:
        """The first is timed, as a process like those that are killed; none of the others needs one."""
        if next(first, False):
            return of_its_own(slide, target, quality, registry, backend)
        how: dict[str, Any] = {"quality": int(quality), "backend": backend, "resume": True, "overwrite": True}
        tileframe.run(slide, target, registry=registry, **how)
        return kills.digests(target, registry)

    monkeypatch.setattr(kills, "made", made)
    count = 1 if "vips" in kind else 2
    found = list(kills.outcomes(kind, slide, tmp_path / "out", count, random.Random()))
    assert len(found) == count
    assert set(found) <= {"old", "new"}
