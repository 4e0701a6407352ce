"""The matrix: every kind of pixels, reader, backend, format and layout, and bounds, judged by `tileframe.compare`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests import profiles
from tests.pictures import jpeg, photo, png, svs
from tileframe import (
    Access,
    BaseSource,
    Box,
    Comparison,
    Equality,
    Fit,
    ReaderPlugin,
    Report,
    Size,
    SlideFacts,
    UnsupportedInput,
    compare,
    hookimpl,
    open_pyramid,
    run,
)  # fmt: skip
from tileframe import registry as registry_module
from tileframe.registry import Registry

SIZE = (143, 101)
FORMATS = [("png", None), ("jpeg", 75), ("jpeg", 95)]
LAYOUTS = [(254, 1), (256, 0), (63, 2)]


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x112] = orientation
    return found


def saved(suffix: str, convert: Callable[[Image.Image], Image.Image], **how: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"slide.{suffix}"
        convert(Image.fromarray(photo(*SIZE))).save(path, **how)
        return path

    return make


def with_alpha(image: Image.Image) -> Image.Image:
    image.putalpha(Image.fromarray(photo(*SIZE, seed=4)[:, :, 0]))
    return image


def deepened(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image).astype(np.uint16) * 256)


def deep(folder: Path, **how: Any) -> Path:
    samples = photo(*SIZE).astype(np.uint16) * 257
    tifffile.imwrite(folder / "slide.tif", samples, photometric="rgb", **how)
    return folder / "slide.tif"


def several(folder: Path, *pictures: tuple[Any, dict[str, Any]], **file: Any) -> Path:
    """A TIFF of several pictures, of which the reader has to take the right one."""
    with tifffile.TiffWriter(folder / "slide.tif", **file) as writer:
        for pixels, how in pictures:
            writer.write(pixels, **{"photometric": "rgb", "metadata": None, "tile": (64, 64), **how})
    return folder / "slide.tif"


def grey_pages(folder: Path) -> Path:
    planes = np.moveaxis(photo(*SIZE), -1, 0)
    return several(folder, *((plane.copy(), {"photometric": "minisblack"}) for plane in planes))


def masked(folder: Path) -> Path:
    mask = {"photometric": "minisblack", "subfiletype": 2}
    path = several(folder, (photo(*SIZE), {}), (photo(*SIZE, seed=4)[:, :, 0] > 99, mask))
    with tifffile.TiffFile(path, mode="r+") as file:
        page = file.pages.get(1, aspage=True)
        assert isinstance(page, tifffile.TiffPage)
        page.tags[254].overwrite(4)
    return path


PICTURES: dict[str, Callable[[Path], Path]] = {
    "macro before the picture": lambda folder: several(folder, (photo(40, 30), {}), (photo(*SIZE), {})),
    "thumbnail and picture in strips": lambda folder: several(
        folder, (photo(40, 30), {"tile": None}), (photo(*SIZE), {"tile": None, "rowsperstrip": 9})
    ),
    "OME image with a macro": lambda folder: several(
        folder, (photo(40, 30), {"metadata": {}}), (photo(*SIZE), {"metadata": {}}), ome=True
    ),
    "three grey pages": grey_pages,
    "a masked picture": masked,
}
KINDS: dict[str, Callable[[Path], Path]] = {
    "RGB JPEG": lambda folder: jpeg(folder / "slide.jpg", photo(*SIZE)),
    "progressive JPEG": lambda folder: jpeg(folder / "slide.jpg", photo(*SIZE), progressive=True),
    "grey JPEG": saved("jpg", lambda image: image.convert("L")),
    "CMYK JPEG": saved("jpg", lambda image: image.convert("CMYK")),
    "RGB PNG": lambda folder: png(folder / "slide.png", photo(*SIZE)),
    "grey PNG": saved("png", lambda image: image.convert("L")),
    "1-bit PNG": saved("png", lambda image: image.convert("1")),
    "palette PNG": saved("png", lambda image: image.quantize(16)),
    "transparent palette PNG": saved("png", lambda image: image.quantize(16), transparency=2),
    "RGBA PNG": saved("png", with_alpha),
    "grey and alpha PNG": saved("png", lambda image: with_alpha(image.convert("L"))),
    "16-bit grey PNG": saved("png", lambda image: deepened(image.convert("L"))),
    "16-bit RGB TIFF": deep,
    "BMP": saved("bmp", lambda image: image),
    "JPEG with a matrix profile": saved("jpg", lambda image: image, icc_profile=profiles.matrix()),
    "PNG with a table profile": saved("png", lambda image: image, icc_profile=profiles.lut()),
    "grey PNG with a grey profile": saved("png", lambda image: image.convert("L"), icc_profile=profiles.grey()),
    "grey JPEG with a matrix profile": saved("jpg", lambda image: image.convert("L"), icc_profile=profiles.matrix()),
    "RGBA PNG with a matrix profile": saved("png", with_alpha, icc_profile=profiles.matrix()),
    "CMYK JPEG with a profile": saved("jpg", lambda image: image.convert("CMYK"), icc_profile=profiles.cmyk()),
    "16-bit RGB TIFF with a table profile": lambda folder: deep(folder, iccprofile=profiles.lut()),
    **PICTURES,
    **{f"JPEG turned {n}": saved("jpg", lambda image: image, exif=exif(n)) for n in range(2, 9)},
}  # fmt: skip


def readers_of(registry: Registry, slide: Path) -> Iterator[str]:
    """Every reader that takes the slide."""
    for reader in ("tiff", "vips", "imageslide"):
        try:
            registry.reader(reader).create().open(slide).close()
        except UnsupportedInput:
            continue
        yield reader


def pairs(readers: Sequence[str], turn: int, other: int) -> Iterator[tuple[str, str]]:
    """Every reader with `stream`, and with one of the other backends in turn, or with the ``other`` one.

    Libvips first with what it reads itself; and a reader that is alone with both.
    """
    for number, reader in enumerate(readers):
        yield reader, "stream"
        backends = ("vips", "openslide") if reader == "vips" or (number + turn) % 2 else ("openslide", "vips")
        yield from ((reader, backend) for backend in (backends if len(readers) == 1 else [backends[other]]))


# Of two things that come together here, each comes alone, or with another, in a kind of the quick suite.
MORE = {
    "progressive JPEG", "grey and alpha PNG", "grey JPEG with a matrix profile", "RGBA PNG with a matrix profile",
    "16-bit RGB TIFF with a table profile", *(f"JPEG turned {n}" for n in (2, 3, 4, 5, 8)),
}  # fmt: skip


@pytest.mark.parametrize("other", [0, pytest.param(1, marks=pytest.mark.thorough)], ids=["one", "other"])
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.thorough] if kind in MORE else []) for kind in KINDS]
)
def test_every_reader_backend_format_and_layout_gives_the_same_pixels(kind, other, tmp_path, registry):
    slide, turn = KINDS[kind](tmp_path), list(KINDS).index(kind)
    readers = list(readers_of(registry, slide))
    able = list(pairs(readers, turn, other))
    assert len(able) >= 3
    # Each kind by all readers as PNG, which shows every sample. What JPEG adds are the encoders, libvips' and ours: one
    # backend of each, in one of the qualities, for every second kind. The next kind has the next layouts and quality.
    forms = (FORMATS[0], FORMATS[1 + turn // 2 % 2])
    for number, (tile_format, quality) in enumerate(forms if (turn + other) % 2 else forms[:1]):
        tile_size, overlap = LAYOUTS[(number + turn) % len(LAYOUTS)]
        made = [
            run(
                slide, tmp_path / f"{reader}-{backend}", reader=reader, backend=backend, format=tile_format,
                quality=quality, tile_size=tile_size, overlap=overlap, overwrite=True, registry=registry,
            )
            for reader, backend in (able if tile_format == "png" else [(readers[0], "vips"), (readers[0], "stream")])
        ]  # fmt: skip
        assert {report.promises for report in made} == {Equality.PIXELS}
        same(made, registry, Equality.PIXELS)


def between(one: Report, other: Report, registry: Registry) -> Comparison:
    with open_pyramid(one.target, registry=registry) as first, open_pyramid(other.target, registry=registry) as second:
        return compare(first, second)


def same(reports: list[Report], registry: Registry, strength: Equality) -> None:
    for report in reports[1:]:
        result = between(reports[0], report, registry)
        assert result.strength is not None, result.layout
        assert result.strength >= strength, f"{report.reader} and {report.backend}: {result.strength}"


class Bounded(BaseSource):
    """A slide with a scanned part, of known pixels."""

    def __init__(self, bounds: Box) -> None:
        super().__init__(SlideFacts("bounded", Size(*SIZE), Access.REGIONS, bounds=bounds))

    def read(self, box: Box, *, native_level: int = 0) -> np.ndarray:
        return photo(*SIZE)[box.y : box.bottom, box.x : box.right].copy()


class BoundedReader:
    """Opens anything as a `Bounded` slide."""

    def __init__(self, bounds: Box) -> None:
        self.bounds = bounds

    def open(self, path: Path, *, background: object = None) -> Bounded:
        return Bounded(self.bounds)

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("bounded", "in tests", lambda: self, lambda path, head: Fit.NATIVE)]


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(x=70, y=60, width=200, height=200)
@given(x=st.integers(0, 142), y=st.integers(0, 100), width=st.integers(1, 200), height=st.integers(1, 200))
def test_bounds_are_cropped_alike_and_to_the_slide(x, y, width, height, tmp_path):
    registry = registry_module.load([BoundedReader(Box(x, y, width, height))])
    slide = png(tmp_path / "a.png", photo(2, 2))
    made = [
        run(slide, tmp_path / backend, backend=backend, tile_size=64, overlap=2, overwrite=True, registry=registry)
        for backend in ("stream", "vips", "openslide")
    ]
    assert made[0].size == Size(min(width, SIZE[0] - x), min(height, SIZE[1] - y))
    same(made, registry, Equality.PIXELS)


# Each format and each layout once: which tiles there are is no matter of how they are encoded.
@pytest.mark.parametrize(
    ("tile_format", "quality", "tile_size", "overlap"),
    [(*form, *layout) for form, layout in zip(FORMATS, LAYOUTS, strict=True)],
)
def test_a_slide_with_stored_levels_has_the_same_base_everywhere(
    tile_size, overlap, tile_format, quality, tmp_path, registry
):
    slide = svs(tmp_path / "a.svs", photo(700, 500), icc=profiles.lut())
    made = [
        run(
            slide, tmp_path / backend, backend=backend, format=tile_format, quality=quality,
            tile_size=tile_size, overlap=overlap, registry=registry,
        )
        for backend in ("stream", "vips", "openslide")
    ]  # fmt: skip
    assert [report.promises for report in made] == [Equality.PIXELS, Equality.PIXELS, Equality.BASE]
    same(made[:2], registry, Equality.PIXELS)
    same(made, registry, Equality.BASE)


DECLARED = 20.0  # dB, in docs/contract.md


def floor_of(slide: Path, folder: Path, registry: Registry) -> float:
    """The lowest PSNR of a level below the base, between the Deep Zoom way and the contract's."""
    fast = run(slide, folder / "fast", backend="stream", format="png", registry=registry)
    slow = run(slide, folder / "slow", backend="openslide", format="png", registry=registry)
    result = between(fast, slow, registry)
    return min((level.psnr for level in result.levels if level.psnr is not None), default=np.inf)


@pytest.mark.parametrize("size", [(1021, 769), (1023, 769), (509, 763)], ids=str)
def test_levels_stored_as_means_keep_30_db(size, tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(*size, seed=3), levels=(1, 2, 4), lossless=True)
    assert floor_of(slide, tmp_path, registry) >= 30


# The smallest; of the others, all show one picture.
MORE_SLIDES = [
    pytest.param(name, marks=pytest.mark.thorough)
    for name in ("aperio_pyramid.svs", "generic_bigtiff.tif", "leica.scn")
]


@pytest.mark.parametrize("name", ["aperio_jp2k_33005.svs", *MORE_SLIDES])
def test_real_slides_keep_the_declared_floor(name, tmp_path, registry, shared_data):
    assert floor_of(shared_data / "slides" / name, tmp_path, registry) >= DECLARED


def test_the_declared_floor_is_the_documented_one():
    page = (Path(__file__).parents[1] / "docs" / "contract.md").read_text(encoding="utf-8")
    assert f"{DECLARED:.0f} dB" in page
