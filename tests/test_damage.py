"""The table of damage in docs/contract.md: lost pixels are refused by every reader in the same words, oddities read."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.agreement import OTHERS, disagreement
from tests.pictures import photo
from tests.test_png import chunk
from tileframe import Box, InputError, OptionError, run
from tileframe.pixels import Pixels
from tileframe.registry import Registry
from tileframe_damage import warnings
from tileframe_damage.png import PNG_END, PNG_SIGNATURE
from tileframe_damage.warnings import SILENCES, Warnings

WIDTH, HEIGHT = 300, 200
PHOTO = photo(WIDTH, HEIGHT)
READERS, BACKENDS = ("vips", "imageslide"), ("stream", "vips", "openslide")


def saved(kind: str, pixels: Pixels = PHOTO, **how: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


JPEG = saved("jpeg", quality=90)
PROGRESSIVE = saved("jpeg", quality=90, progressive=True)
SCAN = JPEG.index(b"\xff\xda")
DATA = SCAN + 2 + int.from_bytes(JPEG[SCAN + 2 : SCAN + 4], "big")


def png(*, rows: int = HEIGHT, header: bytes | None = None, before: bytes = b"", between: bytes = b"") -> bytes:
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in PHOTO[:rows]), 1)
    half = len(packed) // 2
    header = header or struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", packed[:half]) + between + chunk(b"IDAT", packed[half:])
    return PNG_SIGNATURE + chunk(b"IHDR", header) + before + pixels + PNG_END


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def refused_codes() -> bytes:
    """Restart markers where the data have none."""
    return JPEG[: DATA + 3000] + b"\xff\xd3" * 40 + JPEG[DATA + 3000 :]


TEXT = chunk(b"tEXt", b"a\0bcd")
DAMAGED: dict[str, tuple[bytes, str]] = {
    "half.jpg": (JPEG[: len(JPEG) // 2], "premature end of data segment"),
    "half with an end.jpg": (JPEG[: len(JPEG) // 2] + b"\xff\xd9", "premature end of data segment"),
    "a bit less than all.jpg": (JPEG[:-60], "premature end of data segment"),
    "half a progressive one.jpg": (PROGRESSIVE[: len(PROGRESSIVE) // 2], "Premature end of JPEG file"),
    "two scan headers.jpg": (JPEG[:DATA] + JPEG[SCAN:], "Didn't expect more than one scan"),
    "markers in the data.jpg": (refused_codes(), "Corrupt JPEG data"),
    "words and half.jpg": (JPEG[:SCAN] + b"words" + JPEG[SCAN : len(JPEG) // 2] + b"\xff\xd9", "premature end of data"),
    "no header.jpg": (b"\xff\xd8\xff\xe0" + bytes(500), "cannot be decoded"),
    "half.png": (saved("png")[:20_000], "cut short; its end chunk is missing"),
    "fewer rows.png": (png(rows=150), f"it has {150 * (1 + 3 * WIDTH)} of {HEIGHT * (1 + 3 * WIDTH)} bytes of pixels"),
    "pixels changed.png": (flipped(saved("png"), 5000), "its chunk IDAT does not have its checksum"),
    "header changed.png": (flipped(saved("png"), 19), "its chunk IHDR does not have its checksum"),
    "text changed.png": (flipped(png(before=TEXT), 43), "its chunk tEXt does not have its checksum"),
    "a depth of 3.png": (png(header=struct.pack(">IIBBBBB", WIDTH, HEIGHT, 3, 2, 0, 0, 0)), "what no PNG can be"),
    "apart.png": (png(between=TEXT), "in chunks that do not follow each other"),
    "bad deflate.png": (PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
                        + chunk(b"IDAT", b"no deflate") + PNG_END, "its pixels cannot be unpacked"),
}  # fmt: skip
HARMLESS: dict[str, bytes] = {
    "no end.jpg": JPEG[:-2],
    "zeros behind.jpg": JPEG + bytes(3000),
    "text behind.jpg": JPEG + b"and more" * 20,
    "a second one behind.jpg": JPEG + saved("jpeg", PHOTO[:50]),
    "zeros before the end.jpg": JPEG[:-2] + bytes(5) + JPEG[-2:],
    "words between segments.jpg": JPEG[:SCAN] + b"words" + JPEG[SCAN:],
    "text behind.png": saved("png") + b"and more" * 20,
    "an unknown chunk.png": png(before=chunk(b"anCh", b"anything")),
}


# Each reader and each backend, and libvips with what it reads itself and with what it is fed; then the other pairs.
WITH = [("vips", "vips"), ("vips", "stream"), ("imageslide", "vips"), ("imageslide", "openslide")]
OTHER_PAIRS = [pair for pair in product(READERS, BACKENDS) if pair not in WITH]


@pytest.mark.parametrize("pairs", [WITH, pytest.param(OTHER_PAIRS, marks=pytest.mark.thorough)], ids=["some", "others"])
@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_lost_is_refused_by_every_reader_and_backend_in_the_same_words(name, pairs, tmp_path, registry, capfd):
    content, words = DAMAGED[name]
    (tmp_path / name).write_bytes(content)
    for reader, backend in pairs:
        with pytest.raises(InputError) as found:
            run(tmp_path / name, tmp_path / "o", reader=reader, backend=backend, registry=registry)
        said = str(found.value)
        assert said.startswith(f"{tmp_path / name}: the {name[-3:].upper().replace('JPG', 'JPEG')} is ")
        assert words in said
        assert os.listdir(tmp_path) == [name]
    assert capfd.readouterr() == ("", "")


# By `stream` and one of the others, in turn.
@pytest.mark.parametrize(
    ("name", "backend"),
    [
        pytest.param(name, backend, marks=[] if backend == OTHERS[number % 2] else [pytest.mark.thorough])
        for number, name in enumerate(HARMLESS)
        for backend in OTHERS
    ],
)
def test_what_loses_no_pixel_is_read_by_every_reader_and_backend(name, backend, tmp_path, registry, capfd):
    (tmp_path / name).write_bytes(HARMLESS[name])
    with Image.open(io.BytesIO(JPEG)) as image:
        expected = np.asarray(image) if name.endswith("jpg") else PHOTO
    for reader in READERS:
        with registry.reader(reader).create().open(tmp_path / name) as source:
            assert np.array_equal(source.read(Box(0, 0, WIDTH, HEIGHT)), expected)
            assert source.facts.notes == ()
    assert disagreement(tmp_path / name, tmp_path / "o", registry, others=[backend]) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["dmg-cut-eoi.jpg", "warns.jpg"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_damaged_files_of_public_reports_are_refused(backend, name, shared_data, tmp_path, registry, capfd):
    with pytest.raises(InputError, match=r"the JPEG is damaged \(Corrupt JPEG data: premature end of data segment\)"):
        run(shared_data / "reports" / name, tmp_path / "o", backend=backend, registry=registry)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("backend", ["stream", "vips"])
def test_a_damaged_picture_is_told_in_one_line_to_the_end_of_the_process(backend, tmp_path):
    # What libvips warns of when it lets go of the picture: pyvips keeps that from stderr only until Python ends.
    (tmp_path / "cut.jpg").write_bytes(JPEG[: len(JPEG) // 2])
    code = "from tileframe_start.command import main; main()"
    command = [sys.executable, "-c", code, "run", "cut.jpg", "--backend", backend, "-o", "o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("tileframe: cut.jpg: the JPEG is damaged")


def test_what_libvips_refuses_is_told_in_one_line_without_marks_of_our_own(tmp_path):
    place = PROGRESSIVE.index(b"\xff\xda") + 500
    # The first is a warning, the second an error; neither is known to all readers as damage.
    (tmp_path / "odd.jpg").write_bytes(PROGRESSIVE[:place] + b"\xff\x07" + PROGRESSIVE[place:])
    code = "from tileframe_start.command import main; main()"
    command = [sys.executable, "-c", code, "run", "odd.jpg", "--backend", "vips", "-o", "o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "Unsupported marker type 0x07" in done.stderr
    assert "tileframe-" not in done.stderr


def test_damage_is_found_though_libvips_drops_its_warning_while_it_saves_png(tmp_path, registry, monkeypatch):
    monkeypatch.setattr(warnings, "is_damage", lambda said: False)
    (tmp_path / "cut.jpg").write_bytes(JPEG[: len(JPEG) // 2])
    with pytest.raises(InputError, match="the JPEG is damaged"):
        run(tmp_path / "cut.jpg", tmp_path / "o", format="png", backend="vips", registry=registry)


def test_warnings_may_be_lost_while_another_picture_is_saved_as_png():
    before = Warnings()
    assert not before.may_be_of_damage()
    with SILENCES.silence():
        during = Warnings()
        assert before.may_be_of_damage()
        assert during.may_be_of_damage()
    assert before.may_be_of_damage()
    assert during.may_be_of_damage()
    assert not Warnings().may_be_of_damage()


def test_a_sound_picture_is_read_while_a_damaged_one_is(tmp_path, registry):
    (tmp_path / "bad.jpg").write_bytes(DAMAGED["half with an end.jpg"][0])
    (tmp_path / "good.jpg").write_bytes(JPEG)
    offer = registry.reader("vips")
    with offer.create().open(tmp_path / "good.jpg") as good, offer.create().open(tmp_path / "bad.jpg") as bad:
        good.read(Box(0, 0, WIDTH, 16))
        with pytest.raises(InputError):
            bad.read(Box(0, 0, WIDTH, HEIGHT))
        assert good.read(Box(0, 16, WIDTH, HEIGHT - 16)).shape == (HEIGHT - 16, WIDTH, 3)


def several(kind: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        pictures = [Image.fromarray(pixels) for pixels in (PHOTO, PHOTO[::-1], PHOTO[:, ::-1])]
        path = folder / f"a.{'jpg' if kind == 'MPO' else kind.lower()}"
        pictures[0].save(
            path, kind, save_all=True, append_images=pictures[1:], **({"lossless": True} if kind == "WEBP" else {})
        )
        return path

    return make


@pytest.mark.parametrize(("kind", "readers"), [("MPO", READERS), ("PNG", READERS), ("WEBP", ("imageslide",))])
def test_of_several_pictures_the_first_is_taken_by_every_reader_which_says_so(kind, readers, tmp_path, registry):
    path = several(kind)(tmp_path)
    for reader in readers:
        with registry.reader(reader).create().open(path) as source:
            assert source.facts.notes == ("the first of 3 pictures in the file was taken; --page N takes another",)


def test_another_picture_is_taken_when_asked(tmp_path, registry):
    path = several("WEBP")(tmp_path)
    offer = registry.reader("imageslide")
    with offer.create(options=offer.resolved({"page": 2}, "reader")).open(path) as source:
        assert np.array_equal(source.read(Box(0, 0, WIDTH, HEIGHT)), PHOTO[:, ::-1])
        assert source.facts.notes == ()
    with pytest.raises(OptionError, match="page is from 0 to 2 in this file, not 3"):
        offer.create(options=offer.resolved({"page": 3}, "reader")).open(path)
    assert run(path, tmp_path / "o", reader_options={"page": 1}, registry=registry).reader == "imageslide"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_imagemagicks_orientation_of_a_png_is_applied_by_every_reader(orientation, tmp_path, registry: Registry):
    (tmp_path / "a.png").write_bytes(png(before=chunk(b"orNT", bytes([orientation]))))
    (tmp_path / "b.png").write_bytes(
        png(before=chunk(b"eXIf", b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)))
    )
    found = []
    for reader in READERS:
        for name in ("a.png", "b.png"):
            with registry.reader(reader).create().open(tmp_path / name) as source:
                size = source.facts.size
                found.append(source.read(Box(0, 0, size.width, size.height)))
    assert all(np.array_equal(found[0], other) for other in found[1:])
    assert np.array_equal(found[0], PHOTO) == (orientation == 1)


def test_a_photoshop_document_is_its_merged_picture(shared_data, registry):
    with registry.reader("imageslide").create().open(shared_data / "reports" / "buttons.psd") as source:
        assert source.facts.notes == ()
