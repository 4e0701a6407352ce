"""The descriptor, to text and back, and the names of the tiles."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openslide import ImageSlide
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

from tileframe import CheckError, Pyramid, Size, TileAddress
from tileframe.dzi import DziLayout, descriptor, parse_descriptor

GOOD = descriptor(Pyramid(Size(1021, 769)), "jpeg")

suffixes = st.sampled_from(["jpeg", "jpg", "png", "webp", "jxl"])


@st.composite
def pyramids(draw, *, largest: int) -> Pyramid:
    tile_size = draw(st.integers(1, 8192))
    base = Size(draw(st.integers(1, largest)), draw(st.integers(1, largest)))
    return Pyramid(base, tile_size, draw(st.integers(0, tile_size - 1)))


@given(pyramids(largest=10_000_000), suffixes)
def test_descriptor_gives_back_its_pyramid(pyramid, suffix):
    assert parse_descriptor(descriptor(pyramid, suffix)) == (pyramid, suffix)


def test_descriptor_is_this_text():
    assert descriptor(Pyramid(Size(30000, 21952), 256, 2), "png") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="png" Overlap="2" TileSize="256">\n'
        '  <Size Width="30000" Height="21952"/>\n'
        "</Image>\n"
    )


def test_descriptor_says_what_the_generators_does():
    generator = DeepZoomGenerator(ImageSlide(Image.new("RGB", (70, 30))), 16, 3)
    theirs = ET.fromstring(generator.get_dzi("jpeg"))
    ours = ET.fromstring(descriptor(Pyramid(Size(70, 30), 16, 3), "jpeg"))
    assert [(part.tag, part.attrib) for part in ours.iter()] == [(part.tag, part.attrib) for part in theirs.iter()]


def test_the_generators_descriptor_can_be_read():
    generator = DeepZoomGenerator(ImageSlide(Image.new("RGB", (70, 30))), 16, 3)
    assert parse_descriptor(generator.get_dzi("jpeg")) == (Pyramid(Size(70, 30), 16, 3), "jpeg")


def test_descriptor_without_a_namespace_can_be_read():
    bare = GOOD.replace(' xmlns="http://schemas.microsoft.com/deepzoom/2008"', "")
    assert parse_descriptor(bare) == (Pyramid(Size(1021, 769)), "jpeg")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('<Size Width="1021" Height="769"/>', ""),
        (' Width="1021"', ""),
        (' Height="769"', ""),
        (' TileSize="254"', ""),
        (' Overlap="1"', ""),
        (' Format="jpeg"', ""),
        ('"1021"', '"wide"'),
        ('"1021"', '"1021.0"'),
        ('"1021"', '""'),
        ('"1021"', '"0"'),
        ('"769"', '"-769"'),
        ('"254"', '"0"'),
        ('"254"', '"8193"'),
        ('Overlap="1"', 'Overlap="254"'),
        ('Overlap="1"', 'Overlap="-1"'),
        ("</Image>", ""),
        ("<Image", "<!DOCTYPE Image>\n<Image"),
    ],
)
def test_wrong_descriptor_is_refused(right, wrong):
    assert right in GOOD
    with pytest.raises(CheckError, match="the descriptor"):
        parse_descriptor(GOOD.replace(right, wrong))


def test_entities_are_never_expanded():
    entity = '<!DOCTYPE Image [<!ENTITY side "1021">]>\n<Image'
    with pytest.raises(CheckError, match="document type"):
        parse_descriptor(GOOD.replace("<Image", entity).replace('"1021"', '"&side;"'))


def test_refusal_says_which_value_is_wrong():
    with pytest.raises(CheckError, match="8193"):
        parse_descriptor(GOOD.replace('"254"', '"8193"'))


@given(st.text() | st.text(alphabet='<>/="&; Image').map(lambda text: GOOD[:60] + text))
def test_garbage_is_refused(text):
    with pytest.raises(CheckError):
        parse_descriptor(text)


def test_key_is_level_then_column_and_row():
    layout = DziLayout("slide.one", "jpg")
    assert layout.key(TileAddress(12, 3, 4)) == "slide.one_files/12/3_4.jpg"
    assert layout.folder == "slide.one_files"


def test_layout_describes_the_pyramid_in_one_file():
    pyramid = Pyramid(Size(1021, 769))
    assert DziLayout("name", "jpeg").descriptor(pyramid) == {"name.dzi": GOOD.encode()}


@given(pyramids(largest=40), suffixes)
def test_keys_are_unique_and_lead_back_to_their_tiles(pyramid, suffix):
    layout = DziLayout("name", suffix)
    sizes = list(layout.keys(pyramid))
    keys = [key for key, _ in sizes]
    assert len(set(keys)) == len(keys) == pyramid.tile_count
    for key, size in sizes:
        match = re.fullmatch(rf"name_files/(\d+)/(\d+)_(\d+)\.{suffix}", key)
        assert match
        tile = TileAddress(*(int(number) for number in match.groups()))
        assert layout.key(tile) == key
        assert pyramid.tile_box(tile).size == size
