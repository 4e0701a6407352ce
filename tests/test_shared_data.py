"""Real slides and pictures, odd ones and broken ones, where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agreement import COMBINATIONS, FORMATS, LAYOUTS, disagreement, made, turn
from tests.conftest import SHARED_DATA
from tileframe import InputError, TileframeError
from tileframe.registry import Registry


def found(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (SHARED_DATA / folder).rglob("*") if path.is_file())


def named(path: Path) -> str:
    return path.relative_to(SHARED_DATA).as_posix()


def over(*folders: str) -> pytest.MarkDecorator:
    """Run a test for every file below these folders, or once, to be skipped, where they are not."""
    files = found(*folders)
    return pytest.mark.parametrize("path", files or [None], ids=[named(path) for path in files] or ["absent"])


@over("slides", "dicom")
def test_every_slide_can_be_tiled(path, shared_data, tmp_path, registry):
    assert not isinstance(made(path, tmp_path / "o", registry), TileframeError)


@over("slides", "dicom")
def test_backends_agree_on_slides(path, shared_data, tmp_path, registry):
    # The next file has the next layout and the next format, which make twelve pairs; as a whole, see below.
    number = found("slides", "dicom").index(path)
    options = LAYOUTS[number % len(LAYOUTS)] | FORMATS[number % len(FORMATS)]
    assert disagreement(path, tmp_path, registry, **options) is None


def test_backends_agree_on_a_slide_with_bounds_as_a_whole(shared_data, tmp_path, registry):
    # libvips is fed what `stream` is fed, with bounds as without them; the backend openslide has its own arithmetic.
    slide = shared_data / "slides" / "leica.scn"
    how: dict[str, Any] = {**LAYOUTS[0], **FORMATS[0], "limit_bounds": False}
    assert disagreement(slide, tmp_path, registry, others=["openslide"], **how) is None


@over("pictures")
def test_backends_agree_on_pictures_in_large_tiles(path, shared_data, tmp_path, registry):
    how: dict[str, Any] = {"tile_size": 1024, "overlap": 0, "format": "jpeg", "quality": 95}
    assert disagreement(path, tmp_path, registry, others=["openslide"], **how) is None


@over("pictures")
def test_the_fast_backends_agree_on_pictures_in_small_tiles(path, shared_data, tmp_path, registry):
    assert disagreement(path, tmp_path, registry, others=["vips"], format="jpeg", quality=75) is None


@over("odd")
def test_backends_agree_on_odd_files_or_refuse_them_alike(path, shared_data, tmp_path, registry):
    # One combination for each, all in turn; `benchmarks/figures.py parity` runs every file with every one.
    assert disagreement(path, tmp_path, registry, **COMBINATIONS[turn(path) % len(COMBINATIONS)]) is None


@over("broken")
def test_broken_files_are_refused_in_one_line_or_read_alike(
    path, shared_data, tmp_path: Path, registry: Registry, capfd
):
    assert disagreement(path, tmp_path, registry) is None
    refusal = made(path, tmp_path / "again", registry)
    if isinstance(refusal, TileframeError):
        assert isinstance(refusal, InputError)
        assert str(path) in str(refusal)
        assert not list(tmp_path.rglob(".*.partial"))
    assert capfd.readouterr() == ("", "")


def test_a_slide_that_opens_and_then_fails_is_refused(shared_data, tmp_path, registry):
    for backend in ("stream", "vips", "openslide"):
        refusal = made(shared_data / "broken" / "unreadable.svs", tmp_path / "o", registry, backend=backend)
        assert isinstance(refusal, InputError)
        assert "Bogus marker length" in str(refusal)
