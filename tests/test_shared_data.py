"""Real slides and pictures, odd ones and broken ones, where they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agreement import (
    COMBINATIONS,
    FORMATS,
    LAYOUTS,
    OTHERS,
    difference,
    disagreement,
    made,
    made_by_each,
    turn,
)
from tests.conftest import SHARED_DATA
from tileframe import InputError, TileframeError
from tileframe.registry import Registry


def found(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (SHARED_DATA / folder).rglob("*") if path.is_file())


def named(path: Path) -> str:
    return path.relative_to(SHARED_DATA).as_posix()


def over(*folders: str, step: int = 1, large: Sequence[str] = ()) -> pytest.MarkDecorator:
    """Run a test for every file below these folders, or once, to be skipped, where they are not.

    Every ``step``-th file is in the quick suite, unless it is a ``large`` one; the thorough tests have the others.
    """
    files = [
        pytest.param(
            path,
            id=named(path),
            marks=pytest.mark.thorough if number % step or named(path) in large else (),
        )
        for number, path in enumerate(found(*folders))
    ]
    return pytest.mark.parametrize("path", files or [pytest.param(None, id="absent")])


# The large ones show what others show too; a part of `leica.scn` is below.
@over("slides", "dicom", large=("slides/generic_bigtiff.tif", "slides/leica.scn"))
def test_every_slide_can_be_tiled_and_backends_agree(path, shared_data, tmp_path, registry):
    # The next file has the next layout and the next format, which make twelve pairs; as a whole, see below.
    number = found("slides", "dicom").index(path)
    options = LAYOUTS[number % len(LAYOUTS)] | FORMATS[(number + 1) % len(FORMATS)]
    by_backend = made_by_each(path, tmp_path, registry, **options)
    assert not [refusal for refusal in by_backend.values() if isinstance(refusal, TileframeError)]
    assert difference(by_backend, registry) is None


# A corner of the scanned part with what is around it, and all of it.
@pytest.mark.parametrize("region", [(150, 150, 1200, 900), pytest.param(None, marks=pytest.mark.thorough)], ids=str)
def test_backends_agree_on_a_slide_with_bounds_as_a_whole(region, shared_data, tmp_path, registry):
    # libvips is fed what `stream` is fed, with bounds as without them; the backend openslide has its own arithmetic.
    slide = shared_data / "slides" / "leica.scn"
    how: dict[str, Any] = {**LAYOUTS[0], **FORMATS[0], "limit_bounds": False, "region": region}
    assert disagreement(slide, tmp_path, registry, others=["openslide"], **how) is None


# At the right, and not far down: rows above a region are decoded as well.
CORNER = (6000, 300, 2192, 1500)


@pytest.mark.parametrize("region", [CORNER, pytest.param(None, marks=pytest.mark.thorough)], ids=str)
@over("pictures")
def test_backends_agree_on_pictures_in_large_tiles(path, region, shared_data, tmp_path, registry):
    how: dict[str, Any] = {"tile_size": 1024, "overlap": 0, "format": "jpeg", "quality": 95, "region": region}
    assert disagreement(path, tmp_path, registry, others=["openslide"], **how) is None


@pytest.mark.parametrize("region", [CORNER, pytest.param(None, marks=pytest.mark.thorough)], ids=str)
@over("pictures")
def test_the_fast_backends_agree_on_pictures_in_small_tiles(path, region, shared_data, tmp_path, registry):
    how: dict[str, Any] = {"format": "jpeg", "quality": 75, "region": region}
    assert disagreement(path, tmp_path, registry, others=["vips"], **how) is None


# Each file with one of the other backends, which take turns; and with the other one.
@pytest.mark.parametrize("other", [0, pytest.param(1, marks=pytest.mark.thorough)], ids=["one", "other"])
@over("odd", step=3)
def test_backends_agree_on_odd_files_or_refuse_them_alike(path, other, shared_data, tmp_path, registry):
    # One combination for each, all in turn; `benchmarks/figures.py parity` runs every file with every one.
    number, combination = divmod(turn(path), len(COMBINATIONS))
    others = [OTHERS[(number + other) % len(OTHERS)]]
    assert disagreement(path, tmp_path, registry, others=others, **COMBINATIONS[combination]) is None


@over("broken", step=2)
def test_broken_files_are_refused_in_one_line_or_read_alike(
    path, shared_data, tmp_path: Path, registry: Registry, capfd
):
    by_backend = made_by_each(path, tmp_path, registry)
    assert difference(by_backend, registry) is None
    for refusal in by_backend.values():
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
