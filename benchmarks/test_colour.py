"""The benchmark of colours gives a slide a profile that readers find, and sees pixels that are not converted."""

from __future__ import annotations

import pytest

import tileframe
from benchmarks.colour import PROFILES, differing, with_profile
from tests.pictures import photo, svs


@pytest.mark.parametrize("name", PROFILES)
def test_the_proof_tells_converted_tiles_from_others(name, tmp_path):
    slide = with_profile(svs(tmp_path / "plain.svs", photo(600, 500)), PROFILES[name](), tmp_path / "a.svs")
    for reader in ("tiff", "openslide"):
        with tileframe.open_slide(slide, reader=reader, color="keep") as source:
            assert source.facts.icc == PROFILES[name]()
    for color in ("srgb", "keep"):
        target = tmp_path / f"{color}.dzi"
        tileframe.run(slide, target, color=color)
        assert bool(differing(True, slide, target, target)) == (color == "keep")
        assert bool(differing(False, slide, target, target)) == (color == "srgb")
