"""``tileframe verify``: every kind of damage is found and named, and a sound pyramid is left alone."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import pyvips
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

from tests.pictures import jpeg, photo, png, svs
from tests.pyramids import Dzi, tiles
from tileframe import Finding, Severity, run, verify
from tileframe.registry import Registry
from tileframe_start.command import run_command


def found(dzi: Dzi, registry: Registry, *checks: str) -> dict[str, Finding]:
    """The faults of a pyramid by file name below ``NAME_files``, or the file's own name."""
    findings = [one for one in verify(dzi, checks=checks, registry=registry) if one.severity is not Severity.NOTE]
    return {finding.key.removeprefix(f"{Path(dzi).stem}_files/"): finding for finding in findings}


@pytest.fixture(scope="module")
def sound(tmp_path_factory, registry) -> dict[str, Path]:
    """A folder with one good pyramid of each format, 8 levels of tiles of 60 pixels and an overlap of 2."""
    folder = tmp_path_factory.mktemp("sound")
    slide = png(folder / "slide.png", photo(540, 420, seed=5))
    for name in ("jpeg", "png"):
        run(slide, folder / name, format=name, tile_size=60, overlap=2, registry=registry)
    return {name: folder / f"{name}.dzi" for name in ("jpeg", "png")}


@pytest.fixture
def copied(sound, tmp_path) -> Callable[[str], Path]:
    """Copies a good pyramid, to be damaged."""

    def of(name: str) -> Path:
        source = sound[name]
        for path in source.parent.glob(f"{source.stem}*"):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
        return tmp_path / source.name

    return of


@pytest.fixture
def copy(copied) -> Path:
    """A copy of a good pyramid, for what is no matter of its format."""
    return copied("jpeg")


@pytest.fixture(params=["jpeg", "png"])
def of_any_format(request, copied) -> Path:
    """A copy of a good pyramid in each format."""
    return copied(request.param)


def suffix(dzi: Path) -> str:
    return f".{dzi.stem}"


def half_with_end(data: bytes) -> bytes:
    return data[: len(data) // 2] + (data[-2:] if data[:2] == b"\xff\xd8" else data[-12:])


def flipped(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3] + bytes([data[len(data) * 2 // 3] ^ 1]) + data[len(data) * 2 // 3 + 1 :]


def saved(path: Path, image: Image.Image) -> None:
    how: dict[str, Any] = {"quality": 75} if path.suffix == ".jpeg" else {}
    image.save(path, **how)


def shorter(path: Path) -> None:
    with Image.open(path) as image:
        saved(path, image.crop((0, 0, image.width, image.height - 1)))


def grey(path: Path) -> None:
    with Image.open(path) as image:
        saved(path, Image.new("RGB", image.size, (128, 128, 128)))


def foreign(path: Path) -> None:
    with Image.open(path) as image:
        saved(path, Image.fromarray(255 - photo(*image.size, seed=99)))


def swap(one: Path) -> None:
    other = one.with_name(one.name.replace("4_3", "5_3"))
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "truncated by one byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in half with an end marker": lambda path: path.write_bytes(half_with_end(path.read_bytes())),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"not a tile"),
    "one pixel short": shorter,
    "all grey": grey,
    "from another slide": foreign,
    "swapped with its neighbour": swap,
    "a bit flipped": lambda path: path.write_bytes(flipped(path.read_bytes())),
}


# JPEG without digests each of them; PNG what its decoder has to see, and digests what nothing else would tell.
PNG_DAMAGES = {"truncated by one byte", "cut in half with an end marker", "one pixel short", "a bit flipped"}
DIGEST_DAMAGES = {"missing", "from another slide", "a bit flipped"}


@pytest.mark.parametrize(
    ("damage", "tile_format", "digests"),
    [
        pytest.param(damage, tile_format, digests, marks=[] if damage in quick else [pytest.mark.thorough])
        for damage in DAMAGES
        for tile_format, digests, quick in (
            ("jpeg", False, set(DAMAGES)),
            ("jpeg", True, DIGEST_DAMAGES),
            ("png", False, PNG_DAMAGES),
            ("png", True, set()),
        )
    ],
)
def test_a_damaged_tile_is_found_and_named(damage, tile_format, digests, copied, registry):
    copy = copied(tile_format)
    key = f"10/4_3{suffix(copy)}"
    DAMAGES[damage](tiles(copy)[key])
    if not digests:
        copy.with_suffix(".sha256").unlink()
        copy.with_name(f"{copy.stem}.tileframe.json").unlink()
    faulty = found(copy, registry)
    if damage == "a bit flipped" and copy.stem == "jpeg" and not digests:
        return  # without a digest, a JPEG with other data is a JPEG
    assert key in faulty
    allowed = {key, key.replace("4_3", "5_3")} if damage == "swapped with its neighbour" else {key}
    assert set(faulty) <= allowed


@pytest.mark.parametrize("level", [0, pytest.param(3, marks=pytest.mark.thorough), 9])
def test_a_grey_tile_of_a_lower_level_is_the_one_that_is_named(level, of_any_format, registry):
    key = f"{level}/0_0{suffix(of_any_format)}"
    before = np.asarray(Image.open(tiles(of_any_format)[key]))
    saved(tiles(of_any_format)[key], Image.fromarray(np.full_like(before, 255 * (before.mean() < 128))))
    assert key in found(of_any_format, registry, "levels")


def test_extra_and_stale_tiles_are_found_and_known_extras_are_notes(copy, registry):
    folder = copy.with_name(f"{copy.stem}_files")
    some = tiles(copy)[f"10/0_0{suffix(copy)}"].read_bytes()
    for name in (f"10/99_99{suffix(copy)}", f"11/0_0{suffix(copy)}", f"10/0_0{suffix(copy)}.bak"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(some)
    (folder / "vips-properties.xml").write_text("<x/>")
    assert set(found(copy, registry)) == {
        f"10/99_99{suffix(copy)}",
        f"11/0_0{suffix(copy)}",
        f"10/0_0{suffix(copy)}.bak",
    }
    notes = [one for one in verify(copy, registry=registry) if one.severity is Severity.NOTE]
    assert [one.key for one in notes] == [f"{copy.stem}_files/vips-properties.xml"]


def test_a_missing_level_is_one_finding(copy, registry):
    shutil.rmtree(copy.with_name(f"{copy.stem}_files") / "8")
    assert {key: one.message for key, one in found(copy, registry).items()} == {
        "8/": "the whole level 8 is missing; 6 tiles were expected"
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('Overlap="2"', 'Overlap="1"'),
        ('TileSize="60"', 'TileSize="61"'),
        ('Width="540"', 'Width="539"'),
        ('Height="420"', 'Height="540"'),
    ],
)
def test_a_wrong_descriptor_is_found(old, new, copy, registry):
    copy.write_text(copy.read_text().replace(old, new))
    faulty = found(copy, registry)
    assert "the manifest says" in faulty[copy.name].message
    copy.with_name(f"{copy.stem}.tileframe.json").unlink()
    copy.with_suffix(".sha256").unlink()
    assert found(copy, registry), "and without a manifest the tiles give it away"


def test_a_wrong_format_is_found(of_any_format, registry):
    other = "png" if of_any_format.stem == "jpeg" else "jpeg"
    of_any_format.write_text(of_any_format.read_text().replace(f'Format="{of_any_format.stem}"', f'Format="{other}"'))
    faulty = found(of_any_format, registry)
    assert of_any_format.name in faulty
    assert "10/" in faulty


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is closed to root or on Windows")
def test_an_unreadable_file_is_found(copy, registry):
    tiles(copy)[f"10/4_3{suffix(copy)}"].chmod(0)
    assert "Permission denied" in found(copy, registry)[f"10/4_3{suffix(copy)}"].message


def test_a_folder_in_place_of_a_tile_is_found(copy, registry):
    key = f"10/4_3{suffix(copy)}"
    tiles(copy)[key].unlink()
    (copy.with_name(f"{copy.stem}_files") / key).mkdir()
    assert key in found(copy, registry)


@pytest.mark.parametrize("damage", ["gone", "another list", "no list"])
def test_a_list_of_digests_that_is_not_the_runs_is_found(damage, copy, registry):
    listed = copy.with_suffix(".sha256")
    if damage == "gone":
        listed.unlink()
    else:
        listed.write_text("nothing\n" if damage == "no list" else listed.read_text() + "0" * 64 + "  x\n")
    assert listed.name in found(copy, registry)


# The worst quality in every layout, each of the others in one.
@pytest.mark.parametrize(
    ("tile_size", "overlap", "quality"),
    [
        pytest.param(*layout, quality, marks=[] if quality in (1, other) else [pytest.mark.thorough])
        for layout, other in (((254, 1), 10), ((256, 0), 50), ((64, 2), 75), ((31, 4), 95))
        for quality in (1, 10, 50, 75, 95)
    ],
)
def test_a_good_jpeg_pyramid_gives_no_finding(tile_size, overlap, quality, tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(400, 300))
    report = run(slide, tmp_path / "a", tile_size=tile_size, overlap=overlap, quality=quality, registry=registry)
    assert found(report.target, registry) == {}


# The largest in every layout, each of the others in one, in whose tiles it is many or one.
@pytest.mark.parametrize(
    ("size", "tile_size", "overlap"),
    [
        pytest.param(size, *layout, marks=[] if layout in quick else [pytest.mark.thorough])
        for layout in ((254, 1), (256, 0), (31, 4), (5, 2), (1, 0))
        for size, quick in (((1, 1), [(254, 1)]), ((1, 40), [(5, 2)]), ((23, 19), [layout]))
    ],
)
def test_a_good_png_pyramid_gives_no_finding(size, tile_size, overlap, tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(*size))
    options = {"tile_size": tile_size, "overlap": overlap, "format": "png", "registry": registry}
    assert found(run(slide, tmp_path / "a", **options).target, registry) == {}


def test_a_pyramid_from_a_scanners_own_levels_gives_no_finding(tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(900, 700), levels=(1, 4))
    for tile_format in ("jpeg", "png"):
        report = run(slide, tmp_path / tile_format, backend="openslide", format=tile_format, registry=registry)
        assert found(report.target, registry) == {}


def test_a_pyramid_of_bare_dzsave_is_good(tmp_path, registry):
    source = jpeg(tmp_path / "a.jpg", photo(900, 700))
    for overlap, tile_suffix in ((0, ".jpeg"), (1, ".png")):
        image = pyvips.Image.new_from_file(str(source))
        image.dzsave(
            str(tmp_path / f"v{overlap}"), tile_size=128, overlap=overlap, suffix=tile_suffix, depth="onepixel"
        )
        assert found(tmp_path / f"v{overlap}.dzi", registry) == {}


def test_the_generators_undersized_tiles_are_found_and_named(tmp_path, registry):
    # A picture of 3x20 in tiles of 8: level 4 is 2 pixels wide, and its first tile comes out 1 wide.
    generator = DeepZoomGenerator(openslide.ImageSlide(Image.fromarray(photo(3, 20))), 8, 0, limit_bounds=False)
    for level in range(generator.level_count):
        folder = tmp_path / "g_files" / str(level)
        folder.mkdir(parents=True)
        columns, rows = generator.level_tiles[level]
        for col in range(columns):
            for row in range(rows):
                generator.get_tile(level, (col, row)).save(folder / f"{col}_{row}.png")
    (tmp_path / "g.dzi").write_text(generator.get_dzi("png"))
    faulty = found(tmp_path / "g.dzi", registry)
    assert faulty["4/0_0.png"].message == "the tile is 1x8, not 2x8"
    assert {one.check for one in faulty.values()} == {"tiles"}


@pytest.mark.parametrize("namespace", ["2008", "2009"])
def test_descriptors_of_other_tools_are_understood(namespace, of_any_format, registry):
    of_any_format.with_name(f"{of_any_format.stem}.tileframe.json").unlink()
    of_any_format.write_bytes(
        f"""\ufeff<?xml version='1.0' encoding='utf-8'?>
        <Image TileSize='60' Format='{of_any_format.stem}' Overlap='2' ServerFormat='Default'
               xmlns='http://schemas.microsoft.com/deepzoom/{namespace}'>
          <DisplayRects><DisplayRect MinLevel='1' MaxLevel='2'><Rect X='0' Y='0' Width='9' Height='9'/></DisplayRect>
          </DisplayRects><Size Height='420' Width='540'/></Image>""".encode()
    )
    assert found(of_any_format, registry) == {}


def test_the_command_lists_findings_and_exits_with_5(copy, capsys):
    key = f"{copy.stem}_files/10/4_3{suffix(copy)}"
    (copy.parent / key).unlink()
    assert run_command(["verify", str(copy)]) == 5
    out = capsys.readouterr().out.splitlines()
    assert out == [f"error: {key}: the tile is missing (files)", f"{copy}: 98 tiles, 1 finding"]
    assert run_command(["verify", str(copy), "--json"]) == 5
    result = json.loads(capsys.readouterr().out)
    assert (result["ok"], result["tiles"], len(result["findings"])) == (False, 98, 1)
    assert result["findings"][0] == {
        "key": key, "check": "files", "severity": "error", "message": "the tile is missing",
    }  # fmt: skip


def test_the_command_is_content_with_a_good_pyramid(sound, capsys):
    assert run_command(["verify", str(sound["png"])]) == 0
    assert capsys.readouterr().out == f"{sound['png']}: 98 tiles, nothing is wrong\n"
    assert run_command(["verify", str(sound["png"]), "--quiet", "--check", "tiles"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_descriptor_that_is_none_is_a_finding(tmp_path, capsys):
    (tmp_path / "a.dzi").write_text("<!DOCTYPE x><Image/>")
    assert run_command(["verify", str(tmp_path / "a.dzi")]) == 5
    assert "error: a.dzi: the descriptor has a document type" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nope.dzi"], 3, "nope.dzi: no such file"),
        (["x.dzi", "--check", "colour"], 2, "no check named 'colour' (have: descriptor, digests, files"),
        (["x.dzi", "--sample", "3"], 2, "--sample and --seed go with --against"),
        (["x.dzi", "--workers", "0"], 2, "must be 1 or more, not 0"),
    ],
)
def test_wrong_calls_say_what_is_wrong(arguments, code, words, sound, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sound["png"], "x.dzi")
    assert run_command(["verify", *arguments]) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["rows", "regions"])
def test_against_the_slide_a_foreign_tile_is_found(kind, tmp_path, registry, capsys):
    slide = jpeg(tmp_path / "a.jpg", photo(900, 700)) if kind == "rows" else svs(tmp_path / "a.svs", photo(900, 700))
    report = run(slide, tmp_path / "o", registry=registry, tile_size=100, overlap=2)
    command = ["verify", str(report.target), "--against", str(slide), "--check", "files"]
    assert run_command(command) == 0
    foreign(tiles(report.target)["10/4_3.jpeg"])
    assert run_command(command) == 5
    assert "error: o_files/10/4_3.jpeg: differs by" in capsys.readouterr().out
    other = jpeg(tmp_path / "b.jpg", photo(90, 70)) if kind == "rows" else svs(tmp_path / "b.svs", photo(90, 70))
    assert run_command([*command[:3], str(other)]) == 5
    assert "its size is 900x700, and the slide's 90x70" in capsys.readouterr().out


def test_the_slide_is_read_by_the_reader_and_the_region_that_the_manifest_names(tmp_path, registry, capsys):
    slide = svs(tmp_path / "a.svs", photo(900, 700))
    report = run(slide, tmp_path / "o", reader="openslide", region=(31, 45, 500, 400), quality=60, registry=registry)
    assert run_command(["verify", report.target, "--against", str(slide)]) == 0
    other = png(tmp_path / "b.png", photo(900, 700))
    assert run_command(["verify", report.target, "--against", str(other)]) == 3
    assert str(other) in capsys.readouterr().err


def test_a_slide_that_no_longer_has_the_region_is_another_one(tmp_path, registry, capsys):
    slide = svs(tmp_path / "a.svs", photo(900, 700))
    report = run(slide, tmp_path / "o", region=(500, 300, 400, 400), registry=registry)
    other = svs(tmp_path / "b.svs", photo(800, 700))
    assert run_command(["verify", report.target, "--against", str(other)]) == 5
    assert "its size is 400x400, and the slide's 800x700" in capsys.readouterr().out


def test_a_sample_against_the_slide_is_the_same_for_the_same_seed(tmp_path, registry, capsys):
    slide = jpeg(tmp_path / "a.jpg", photo(900, 700))
    report = run(slide, tmp_path / "o", registry=registry, tile_size=50, overlap=0)
    for key, path in tiles(report.target).items():
        if key.startswith("10/"):
            grey(path)

    def named(seed: int) -> list[str]:
        command = ["verify", str(report.target), "--against", str(slide), "--check", "descriptor", "--sample", "5"]
        assert run_command([*command, "--seed", str(seed), "--json"]) == 5
        return [one["key"] for one in json.loads(capsys.readouterr().out)["findings"]]

    assert len(named(1)) == 5
    assert named(1) == named(1) != named(2)
