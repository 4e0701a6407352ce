"""The reader `tiff` takes the picture that is meant, says what it left, and takes another one when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.pictures import photo
from tests.test_tiff_kinds import all_of
from tileframe import Box, InputError, OptionError, Samples, Size, Source
from tileframe.pixels import Pixels
from tileframe.registry import Registry

LARGE, SMALL = photo(300, 200), photo(90, 60, seed=3)
GREY = {"photometric": "minisblack", "metadata": None}


@pytest.fixture
def opened(registry: Registry, tmp_path: Path) -> Any:
    """Open the file ``a.tif`` with options of the reader."""
    offer = registry.reader("tiff")

    def open_it(**options: Any) -> Source:
        return offer.create(options=offer.resolved(options, "reader")).open(tmp_path / "a.tif")

    return open_it


def pages(path: Path, *pictures: tuple[Pixels, dict[str, Any]], **file: Any) -> None:
    with tifffile.TiffWriter(path, **file) as writer:
        for pixels, how in pictures:
            writer.write(pixels, **{"photometric": "rgb", "metadata": None, **how})


def test_the_largest_picture_is_taken_wherever_it_stands_and_said(tmp_path, opened):
    pages(tmp_path / "a.tif", (SMALL, {}), (LARGE, {"tile": (64, 64)}), (SMALL, {}))
    with opened() as source:
        assert np.array_equal(all_of(source), LARGE)
        assert (
            source.facts.notes[0] == "the largest of 3 pictures in the file was taken, page 1; --page N takes another"
        )
    with opened(page=0) as source:
        assert np.array_equal(all_of(source), SMALL)
        assert source.facts.notes == ()
    with pytest.raises(OptionError, match="page is from 0 to 2 in this file, not 3"):
        opened(page=3)


def test_a_picture_that_says_it_is_reduced_is_passed_over(tmp_path, opened):
    pages(tmp_path / "a.tif", (LARGE[:, :250], {"subfiletype": 1}), (SMALL, {"tile": (32, 32)}))
    with opened() as source:
        assert np.array_equal(all_of(source), SMALL)
        assert "page 1 of the file was taken" in source.facts.notes[0]


def test_levels_are_those_of_the_picture_that_is_taken(tmp_path, opened):
    tiled = {"tile": (64, 64)}
    half, other = np.ascontiguousarray(LARGE[::2, ::2]), photo(280, 190, seed=9)
    pages(tmp_path / "a.tif", (other, tiled), (other[::2, ::2].copy(), {**tiled, "subfiletype": 1}), (LARGE, tiled),
          (half, {**tiled, "subfiletype": 1}), (SMALL[:, :60], {**tiled, "subfiletype": 1}))  # fmt: skip
    with opened() as source:
        assert [level.size for level in source.facts.native_levels] == [Size(300, 200), Size(150, 100)]
        assert np.array_equal(source.read(Box(0, 0, 150, 100), native_level=1), half)


@pytest.mark.parametrize("tiled", [{"tile": (64, 64)}, {"rowsperstrip": 16}], ids=["tiles", "strips"])
def test_a_mask_hides_and_is_no_level(tiled, tmp_path, opened):
    mask = np.zeros((200, 300), np.uint8)
    mask[50:150, 100:] = 1
    black = {**tiled, "photometric": "minisblack", "subfiletype": 2}
    pages(tmp_path / "a.tif", (LARGE, tiled), (mask == 1, black))  # of one bit a pixel
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        second = file.pages.get(1, aspage=True)
        assert isinstance(second, tifffile.TiffPage)
        second.tags[254].overwrite(4)
    with opened() as source:
        assert len(source.facts.native_levels) < 2
        assert "what the file's mask hides is shown as background" in source.facts.notes
        assert np.array_equal(all_of(source), np.where(mask[:, :, None] == 1, LARGE, np.uint8(255)))
        if hasattr(source, "refuses_compressed"):
            assert source.refuses_compressed() == "a mask hides parts of them"


@pytest.mark.parametrize("suffix", ["a.dng", "a.nef", "a.tif"])
def test_a_raw_file_of_a_camera_is_refused_and_never_its_thumbnail(suffix, tmp_path, registry):
    path = tmp_path / suffix
    raw = photo(300, 200)[:, :, 0].astype(np.uint16)
    with tifffile.TiffWriter(path) as writer:
        writer.write(SMALL, photometric="rgb", subfiletype=1, subifds=1, metadata=None,
                     extratags=[(271, "s", 0, "Example", True)])  # fmt: skip
        writer.write(raw, photometric="cfa", metadata=None, subfiletype=0)
    with pytest.raises(InputError, match="is a raw file of Example, in which only a preview is a picture; develop it"):
        registry.reader("tiff").create().open(path)


def test_three_grey_pages_become_rgb_and_one_can_be_taken(tmp_path, opened):
    planes = [np.ascontiguousarray(LARGE[:, :, band]) for band in range(3)]
    pages(tmp_path / "a.tif", *((plane, {"photometric": "minisblack", "tile": (64, 64)}) for plane in planes))
    with opened() as source:
        assert np.array_equal(all_of(source), LARGE)
        assert "three grey pages were taken for red, green and blue" in source.facts.notes[0]
    for options in ({"channel": 2}, {"page": 2}):
        with opened(**options) as source:
            assert source.facts.samples is Samples.GREY
            assert np.array_equal(all_of(source), np.dstack([planes[2]] * 3))


def test_pages_of_a_document_stay_pages(tmp_path, opened):
    numbers = [{"extratags": [(297, "H", 2, (number, 3), True)], **GREY} for number in range(3)]
    pages(tmp_path / "a.tif", *((np.ascontiguousarray(LARGE[:, :, n]), how) for n, how in enumerate(numbers)))
    with opened() as source:
        assert np.array_equal(all_of(source)[:, :, 0], LARGE[:, :, 0])
        assert source.facts.notes == ("the first of 3 pictures in the file was taken; --page N takes another",)


def ome(path: Path, *images: tuple[Any, dict[str, Any]], **how: Any) -> None:
    with tifffile.TiffWriter(path, ome=True) as writer:
        for samples, metadata in images:
            writer.write(samples, **{"photometric": "minisblack", "metadata": metadata, **how})


def test_the_largest_image_of_an_ome_tiff_is_taken_with_its_scale(tmp_path, opened):
    scale = {"PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25, "axes": "YXS"}
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as writer:
        writer.write(SMALL, photometric="rgb", metadata={"Name": "macro", "axes": "YXS"})
        writer.write(LARGE, photometric="rgb", tile=(64, 64), subifds=1, metadata={"Name": "scan", **scale})
        writer.write(LARGE[::2, ::2], photometric="rgb", tile=(64, 64), subfiletype=1)
    with opened() as source:
        assert np.array_equal(all_of(source), LARGE)
        assert source.facts.mpp == (0.5, 0.25)
        assert [str(level.size) for level in source.facts.native_levels] == ["300x200", "150x100"]
        assert source.facts.notes == ("the largest of 2 images in the file was taken 'scan'; --page N takes another",)


def test_channels_of_an_ome_image_become_rgb_unless_it_says_that_they_are_not(tmp_path, opened):
    planes = np.ascontiguousarray(np.moveaxis(LARGE, -1, 0))
    ome(tmp_path / "a.tif", (planes, {"axes": "CYX"}))
    with opened() as source:
        assert np.array_equal(all_of(source), LARGE)
        assert "three grey pages were taken for red, green and blue" in source.facts.notes[0]
    ome(tmp_path / "a.tif", (planes, {"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC", "TRITC"]}}))
    with opened() as source:
        assert np.array_equal(all_of(source), np.dstack([planes[0]] * 3))
        assert source.facts.notes[0] == "of 3 channels, 0 was taken; --reader-option channel=N takes another"


def test_channels_focal_planes_and_times_are_taken_by_the_rule_and_by_option(tmp_path, opened):
    stack = np.random.default_rng(2).integers(0, 256, (2, 3, 4, 50, 60), dtype=np.uint8)
    ome(tmp_path / "a.tif", (stack, {"axes": "TZCYX"}))
    with opened() as source:
        assert np.array_equal(all_of(source)[:, :, 0], stack[0, 0, 0])
        assert source.facts.notes == (
            "of 2 times, 0 was taken; --page N takes another",
            "of 3 z-planes, 0 was taken; --reader-option z=N takes another",
            "of 4 channels, 0 was taken; --reader-option channel=N takes another",
        )
    with opened(channel=3, z=1) as source:
        assert np.array_equal(all_of(source)[:, :, 0], stack[0, 1, 3])
    for options, word in (({"channel": 4}, "channel is from 0 to 3"), ({"z": 3}, "z is from 0 to 2")):
        with pytest.raises(OptionError, match=word):
            opened(**options)


@pytest.mark.parametrize("mode", ["composite", "grayscale"])
def test_channels_of_imagej_are_rgb_where_it_shows_them_so(mode, tmp_path, opened):
    planes = np.ascontiguousarray(np.moveaxis(LARGE, -1, 0))
    tifffile.imwrite(tmp_path / "a.tif", planes, imagej=True, photometric="minisblack",
                     metadata={"axes": "CYX", "mode": mode})  # fmt: skip
    with opened() as source:
        assert np.array_equal(all_of(source), LARGE if mode == "composite" else np.dstack([planes[0]] * 3))
        assert source.facts.notes


GDAL = "<GDALMetadata>{}</GDALMetadata>"
ROLE = '<Item name="COLORINTERP" sample="{}" role="colorinterp">{}</Item>'


def bands(path: Path, samples: Pixels, roles: list[str]) -> None:
    items = "".join(ROLE.format(number, role) for number, role in enumerate(roles))
    tags = [(42112, "s", 0, GDAL.format(items), True)] if roles else []
    extra = ["unspecified"] * (samples.shape[2] - 1)
    tifffile.imwrite(path, samples, photometric="minisblack", planarconfig="contig", extrasamples=extra, metadata=None,
                     extratags=tags, tile=(64, 64))  # fmt: skip


def test_bands_are_rgb_only_where_the_file_says_so(tmp_path, opened):
    alpha = np.full((200, 300, 1), 255, np.uint8)
    alpha[:50] = 0
    four = np.dstack([LARGE, alpha])
    bands(tmp_path / "a.tif", four, ["Red", "Green", "Blue", "Alpha"])
    with opened() as source:
        assert np.array_equal(all_of(source), np.where(alpha > 0, LARGE, np.uint8(255)))
    bands(tmp_path / "a.tif", four[:, :, ::-1].copy(), ["Undefined", "Blue", "Green", "Red"])
    with opened() as source:
        assert np.array_equal(all_of(source), LARGE)
    bands(tmp_path / "a.tif", LARGE, [])
    with opened() as source:
        assert np.array_equal(all_of(source), np.dstack([LARGE[:, :, 0]] * 3))
        assert (
            "3 samples, which the file does not call red, green and blue: the first was taken" in source.facts.notes[0]
        )
    with opened(channel=1) as source:
        assert np.array_equal(all_of(source), np.dstack([LARGE[:, :, 1]] * 3))


def test_a_bad_link_to_a_further_picture_is_no_damage_of_the_first(tmp_path, opened):
    pages(tmp_path / "a.tif", (LARGE, {}))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        place = file.pages.next_page_offset if hasattr(file.pages, "next_page_offset") else None
        first = file.pages.first
        place = place if place and place > 8 else first.offset + 2 + 12 * len(first.tags)
    with (tmp_path / "a.tif").open("r+b") as raw:
        raw.seek(place)
        raw.write((0x7FFFFFF0).to_bytes(4, "little"))
    with opened() as source:
        assert np.array_equal(all_of(source), LARGE)
        assert source.facts.notes[0].startswith("the link to a further picture leads to byte 2147483632 of")


@pytest.mark.parametrize(
    ("unit", "value", "known"), [("inch", 72, False), ("inch", 300, False), ("centimeter", 10, False),
                                 ("centimeter", 20000, True)],
)  # fmt: skip
def test_a_resolution_to_print_by_is_no_scale(unit, value, known, tmp_path, opened):
    pages(tmp_path / "a.tif", (LARGE, {"resolution": (value, value), "resolutionunit": unit}))
    with opened() as source:
        assert source.facts.mpp == ((0.5, 0.5) if known else None)
        assert known or "is one to print by, and no scale" in source.facts.notes[0]


def test_options_that_nothing_answers_are_refused(tmp_path, opened):
    pages(tmp_path / "a.tif", (LARGE, {}))
    for options in ({"z": 1}, {"channel": 3}):
        with pytest.raises(OptionError, match=r"in this picture, not 3|one z-plane, 0, not 1"):
            opened(**options)
