"""The Deep Zoom layout: its descriptor, to text and back, and the names of the tiles."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openslide import ImageSlide
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

from tileframe import CheckError, Pyramid, Size, TileAddress, tiles_of
from tileframe_layouts.dzi import DziLayout, read


def descriptor(pyramid: Pyramid, suffix: str) -> bytes:
    return DziLayout("name", suffix, pyramid).descriptor()["name.dzi"]


GOOD = descriptor(Pyramid(Size(1021, 769)), "jpeg").decode()

suffixes = st.sampled_from(["jpeg", "jpg", "png", "webp", "jxl"])


@st.composite
def pyramids(draw, *, largest: int) -> Pyramid:
    tile_size = draw(st.integers(1, 8192))
    base = Size(draw(st.integers(1, largest)), draw(st.integers(1, largest)))
    return Pyramid(base, tile_size, draw(st.integers(0, tile_size - 1)))


@given(pyramids(largest=10_000_000), suffixes)
def test_descriptor_gives_back_its_pyramid(pyramid, suffix):
    assert read(descriptor(pyramid, suffix)) == (pyramid, suffix)


def test_descriptor_is_this_text():
    assert descriptor(Pyramid(Size(30000, 21952), 256, 2), "png").decode() == (
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
    assert read(generator.get_dzi("jpeg").encode()) == (Pyramid(Size(70, 30), 16, 3), "jpeg")


def test_descriptor_without_a_namespace_can_be_read():
    bare = GOOD.replace(' xmlns="http://schemas.microsoft.com/deepzoom/2008"', "")
    assert read(bare.encode()) == (Pyramid(Size(1021, 769)), "jpeg")


def test_descriptor_with_a_byte_order_mark_can_be_read():
    assert read(GOOD.encode("utf-8-sig")) == (Pyramid(Size(1021, 769)), "jpeg")


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
        read(GOOD.replace(right, wrong).encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_never_expanded(encoding):
    entity = '<!DOCTYPE Image [<!ENTITY side "1021">]>\n<Image'
    text = GOOD.replace("<Image", entity).replace('"1021"', '"&side;"').replace("UTF-8", encoding.upper())
    with pytest.raises(CheckError, match="document type"):
        read(text.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_descriptor_with_a_mark_of_byte_order_is_read(encoding):
    assert read(GOOD.replace("UTF-8", encoding.removesuffix("-sig")).encode(encoding)) == read(GOOD.encode())


def test_a_collection_is_named():
    with pytest.raises(CheckError, match="it is a Deep Zoom collection, of many pyramids; give the descriptor of one"):
        read(GOOD.replace("<Image", "<Collection").replace("</Image", "</Collection").encode())


def test_refusal_says_which_value_is_wrong():
    with pytest.raises(CheckError, match="8193"):
        read(GOOD.replace('"254"', '"8193"').encode())


@given(st.binary() | st.text(alphabet='<>/="&; Image').map(lambda text: (GOOD[:60] + text).encode()))
def test_garbage_is_refused(data):
    with pytest.raises(CheckError):
        read(data)


def test_key_is_level_then_column_and_row():
    layout = DziLayout("slide.one", "jpg", Pyramid(Size(4000, 3000)))
    assert layout.key(TileAddress(12, 3, 4)) == "slide.one_files/12/3_4.jpg"
    assert layout.folder == "slide.one_files"


def test_layout_describes_the_pyramid_in_one_file():
    assert DziLayout("name", "jpeg", Pyramid(Size(1021, 769))).descriptor() == {"name.dzi": GOOD.encode()}


def test_every_level_is_kept_down_to_one_pixel():
    pyramid = Pyramid(Size(1021, 769))
    levels = DziLayout("name", "jpeg", pyramid).levels
    assert levels == range(pyramid.level_count)
    assert pyramid.level_size(levels[0]) == Size(1, 1)


@given(pyramids(largest=40), suffixes)
def test_keys_are_unique_and_lead_back_to_their_tiles(pyramid, suffix):
    layout = DziLayout("name", suffix, pyramid)
    tiles = {layout.key(tile): tile for tile in tiles_of(layout, pyramid)}
    assert len(tiles) == pyramid.tile_count
    assert {key: layout.address(key) for key in tiles} == tiles


@pytest.mark.parametrize(
    "key",
    [
        "name_files/10/00_1.jpeg",
        "name_files/010/0_1.jpeg",
        "name_files/10/0_1.jpg",
        "name_files/10/0_1.jpegs",
        "name_files/10/0_1",
        "name_files/10/0_ 1.jpeg",
        "name_files/10/0_1.jpeg\n",
        "name_files/10/\N{ARABIC-INDIC DIGIT ZERO}_1.jpeg",
        "name_files/10/5_0.jpeg",
        "name_files/11/0_0.jpeg",
        "name_files/10/0/1.jpeg",
        "name_files/vips-properties.xml",
        "other_files/10/0_1.jpeg",
        "10/0_1.jpeg",
        "name.dzi",
    ],
)
def test_what_is_not_exactly_a_key_is_no_tile(key):
    layout = DziLayout("name", "jpeg", Pyramid(Size(1021, 769)))
    assert layout.address("name_files/10/0_1.jpeg") == TileAddress(10, 0, 1)
    assert layout.address(key) is None


@pytest.mark.parametrize("key", ["name_files/0/0_0.png", "name_files/15/99_99.jpg", "name_files/vips-properties.xml"])
def test_files_of_any_deep_zoom_pyramid_are_known(key):
    assert DziLayout("name", "jpeg", Pyramid(Size(1, 1))).owns(key)


@pytest.mark.parametrize(
    "key",
    [
        "name_files/notes.txt",
        "name_files/7/notes.txt",
        "name_files/7/photo.jpg",
        "name_files/7/1_2.jpg/x",
        "name_files/3/8_0.jpg",
        "name_files/x/vips-properties.xml",
        "other_files/0/0_0.jpg",
        "x.svs",
    ],
)
def test_other_files_are_somebody_elses(key):
    assert not DziLayout("name", "jpeg", Pyramid(Size(1021, 769))).owns(key)
