"""The script that ends runs: a few of each kind; the whole of it is ``benchmarks/kills.py``."""

from __future__ import annotations

import random
import sys

import pytest

from benchmarks.kills import KINDS, outcomes
from tests.pictures import photo, svs


@pytest.mark.skipif(
    sys.platform == "win32", reason="a run in its commit is told by a file that Windows may not show yet"
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_leaves_the_old_pyramid_or_the_new_one_whole(kind, tmp_path):
    slide = svs(tmp_path / "slide.svs", photo(900, 600))
    found = list(outcomes(kind, slide, tmp_path / "out", 2, random.Random()))
    assert len(found) == 2
    assert set(found) <= {"old", "new"}
