"""Every plugin that docs/plugins.md shows does what the page says, and keeps the contracts of the kit."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.contracts.calling import failing
from tests.pictures import gradient, photo, png, svs
from tests.plugin_page import FILES, grey8
from tests.pyramids import assembled, differing, tiles
from tileframe import (
    CheckError,
    Equality,
    Finding,
    InputError,
    OptionError,
    OutputError,
    PluginError,
    Rgb,
    Severity,
    UnsupportedInput,
    compare,
    open_pyramid,
    open_slide,
    run,
    verify,
)
from tileframe.registry import load
from tileframe_start.command import build_cli

BACKENDS = [
    pytest.param("openslide", marks=pytest.mark.thorough),
    "stream",
    "vips",
]  # it puts tile by tile, as stream does

# What the page's plugins promise that it does not test itself, nor does plugins/example, which has the others.
CONTRACTS = """
import io
from pathlib import Path

import compatible_plugin, negative, ppm
import numpy as np
from PIL import Image
from tileframe import testing


def pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


class TestPpm(testing.WriterContract):
    plugin = ppm.tileframe_writers()[0]
    bad_options = ({"comment": "one\\ntwo"},)
    decode = staticmethod(pillow)


class TestNegative(testing.ReaderContract):
    plugin = negative.tileframe_readers()[0]
    suffix = "png"

    def make(self, path, pixels):
        Image.fromarray(255 - pixels).save(path)
        return path

    # It offers itself for no file.
    def test_guess_knows_its_own_files(self):
        assert self.plugin.guess(Path("a.png"), b"") == 0


for module in (compatible_plugin, negative, ppm):
    name = f"Test_{module.__name__}"
    globals()[name] = type(name, (testing.PluginContract,), {"module": module.__name__})
"""


def test_the_plugins_keep_the_contracts_of_the_kit(shown, tmp_path):
    (tmp_path / "shown" / "contracts_shown.py").write_text(CONTRACTS, encoding="utf-8")
    contracts = {name: found for name, found in vars(shown("contracts_shown")).items() if name.startswith("Test")}
    assert len(contracts) == 5
    for name, contract in contracts.items():
        (own := tmp_path / name).mkdir()
        assert list(failing(contract, own)) == [], name


@pytest.mark.parametrize("backend", ["openslide", "stream", "vips"])
def test_the_reader_reads(backend, loaded, tmp_path):
    slide = grey8(tmp_path, 300, 200)
    report = run(slide, tmp_path / "out", format="png", backend=backend, registry=loaded("grey8"))
    assert report.reader == "grey8"
    assert np.array_equal(assembled(report.target, report.levels - 1), gradient(300, 200)[:, :, [0, 0, 0]])


def test_the_reader_tells_damage_from_another_kind_of_file(shown, tmp_path):
    reader = shown("grey8").Grey8Reader()
    slide = grey8(tmp_path, 30, 20)
    slide.write_bytes(slide.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"a_30x20.grey8: is no file of 600 bytes, which 30x20 grey pixels are"):
        reader.open(slide)
    with pytest.raises(UnsupportedInput):
        reader.open(tmp_path / "a.grey8")


def test_a_package_with_openslides_interface_takes_ten_lines():
    classes = FILES["compatible"].partition("class ")[2]
    assert len([line for line in classes.splitlines() if line.strip()]) == 10


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_package_with_openslides_interface_gives_openslides_pixels(backend, loaded, tmp_path):
    slide, registry = svs(tmp_path / "slide.svs", photo(600, 421)), loaded("compatible_plugin")
    ours = run(slide, tmp_path / "ours", format="png", reader="compatible", backend=backend, registry=registry)
    theirs = run(slide, tmp_path / "theirs", format="png", reader="openslide", backend="vips", registry=registry)
    assert differing(ours.target, theirs.target) == []


def test_a_package_that_is_missing_is_said_to_be(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "compatible", None)
    with pytest.raises(PluginError, match="the compatible reader needs its package: pip install package"):
        shown("compatible_plugin").make()


def test_the_writer_writes(loaded, tmp_path):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    report = run(slide, tmp_path / "out", format="ppm", registry=loaded("ppm"))
    assert {path.suffix for path in tiles(report.target).values()} == {".ppm"}
    assert np.array_equal(assembled(report.target, report.levels - 1), gradient(300, 200))
    assert report.backend == "stream"
    with pytest.raises(OptionError, match=r"backend vips with reader vips: .*ppm"):
        run(slide, tmp_path / "no", format="ppm", backend="vips", registry=loaded("ppm"))


def test_the_writer_is_strict(shown):
    ppm = shown("ppm")
    writer = ppm.PpmWriter(ppm.PpmOptions())
    data = writer.encode(gradient(5, 4))
    assert np.array_equal(writer.decode(data), gradient(5, 4))
    for damaged in (b"", data[:-1], data + b"\0", b"P5" + data[2:], b"P6\n0 4 255\n"):
        with pytest.raises(CheckError):
            writer.decode(damaged)


def test_the_writers_option_reaches_its_tiles(loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(30, 20)), loaded("ppm")
    how = {"format": "ppm", "format_options": {"comment": "scanned twice"}, "registry": registry}
    report = run(slide, tmp_path / "out", **how)
    assert all(path.read_bytes().startswith(b"P6\n# scanned twice\n") for path in tiles(report.target).values())
    with pytest.raises(OptionError, match=r"^the comment of a ppm must be one line, not 'a\\nb'$"):
        run(slide, tmp_path / "no", **{**how, "format_options": {"comment": "a\nb"}})


@pytest.mark.parametrize(("tile_size", "overlap"), [(254, 1), (64, 0), (100, 7)])
def test_the_backend_makes_the_same_pyramid(tile_size, overlap, loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(509, 333)), loaded("plain")
    how = {"format": "png", "tile_size": tile_size, "overlap": overlap, "registry": registry}
    ours, theirs = (run(slide, tmp_path / name, backend=name, **how) for name in ("plain", "openslide"))
    assert ours.promises is theirs.promises is Equality.PIXELS
    assert differing(ours.target, theirs.target) == []


def test_the_backend_refuses_what_does_not_fit(loaded, tmp_path, monkeypatch):
    slide, registry = png(tmp_path / "a.png", gradient(30, 20)), loaded("plain")
    monkeypatch.setattr(sys.modules["plain"], "available_memory", lambda: 1000)
    with pytest.raises(OptionError, match="backend plain with reader vips: the picture does not fit into memory"):
        run(slide, tmp_path / "out", backend="plain", registry=registry)


def test_the_backend_tells_how_far_it_is(loaded, tmp_path):
    told: list[tuple[int, int]] = []
    slide = png(tmp_path / "a.png", gradient(300, 200))
    report = run(
        slide, tmp_path / "out", backend="plain", registry=loaded("plain"), progress=lambda *done: told.append(done)
    )
    assert told == sorted(told)
    assert told[-1] == (report.tiles, round(report.megapixels * 1e6))


def test_the_view_shows_the_negative(loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(300, 200)), loaded("negative")
    how = {"format": "png", "reader": "negative", "registry": registry}
    report = run(slide, tmp_path / "out", **how)
    assert np.array_equal(assembled(report.target, report.levels - 1), 255 - gradient(300, 200))
    part = run(slide, tmp_path / "part", region=(10, 20, 100, 50), **how)
    assert np.array_equal(assembled(part.target, part.levels - 1), 255 - gradient(300, 200)[20:70, 10:110])


def test_the_view_takes_the_reader_that_is_asked_for(loaded, tmp_path):
    slide, registry = svs(tmp_path / "a.svs", photo(300, 200)), loaded("negative")
    with open_slide(slide, reader="negative", options={"reader": "openslide"}, registry=registry) as source:
        assert (source.facts.format, source.facts.background) == ("aperio", Rgb(0, 0, 0))
    with pytest.raises(OptionError, match="no reader named 'x'"):
        open_slide(slide, reader="negative", options={"reader": "x"}, registry=registry)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_layout_keeps_the_same_pixels(backend, loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(300, 200)), loaded("flat")
    how = {"format": "png", "tile_size": 100, "backend": backend, "registry": registry}
    report = run(slide, tmp_path / "out", layout="flat", **how)
    assert report.target == str(tmp_path / "out.flat")
    assert len(list((tmp_path / "out").iterdir())) == report.tiles
    run(slide, tmp_path / "other", **how)
    with (
        open_pyramid(report.target, registry=registry) as ours,
        open_pyramid(tmp_path / "other.dzi", registry=registry) as theirs,
    ):
        assert compare(ours, theirs).strength is Equality.PIXELS


def test_the_layouts_pyramid_is_replaced_by_another_of_its_kind(loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(300, 200)), loaded("flat")
    run(slide, tmp_path / "out", layout="flat", registry=registry)
    run(slide, tmp_path / "out", layout="flat", registry=registry, format="png", tile_size=64, overwrite=True)
    assert verify(tmp_path / "out.flat", registry=registry) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_store_keeps_what_a_backend_makes(backend, loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(300, 200)), loaded("database")
    plain = run(slide, tmp_path / "folder" / "a", backend=backend, registry=registry)
    report = run(slide, tmp_path / "new" / "a.sqlite", backend=backend, registry=registry)
    assert report.target == str(tmp_path / "new" / "a.sqlite")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.sqlite"]
    expected = {f"a_files/{key}": path.read_bytes() for key, path in tiles(plain.target).items()}
    with open_pyramid(report.target, registry=registry) as pyramid:
        assert {key: pyramid.files.get(key) for key in pyramid.files.keys("a_files")} == expected
        assert pyramid.files.get("a.dzi") == Path(plain.target).read_bytes()
    assert verify(report.target, registry=registry) == []


def test_the_stores_archive_may_be_renamed(loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(300, 200)), loaded("database")
    run(slide, tmp_path / "a.sqlite", registry=registry)
    (tmp_path / "a.sqlite").rename(tmp_path / "b.sqlite")
    assert verify(tmp_path / "b.sqlite", registry=registry) == []


def test_the_store_says_what_it_cannot_do(loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(30, 20)), loaded("database")
    (tmp_path / "a.sqlite").write_text("a thesis")
    with pytest.raises(OutputError, match=r"a\.sqlite: exists; give --overwrite"):
        run(slide, tmp_path / "a.sqlite", registry=registry)
    with pytest.raises(OutputError, match=r"a\.sqlite: is no database with a pyramid \(.*\); it is not overwritten$"):
        run(slide, tmp_path / "a.sqlite", overwrite=True, registry=registry)
    with pytest.raises(OutputError, match=r"x\.sqlite: cannot be written"):
        run(slide, tmp_path / "a.sqlite" / "x.sqlite", registry=registry)
    with pytest.raises(InputError, match=r"b\.sqlite: cannot be opened"):
        open_pyramid(tmp_path / "b.sqlite", registry=registry)
    assert (tmp_path / "a.sqlite").read_text() == "a thesis"


def test_the_check_finds_what_it_looks_for_and_minds_nothing_else(loaded, tmp_path):
    registry = loaded("weight")
    slide = png(tmp_path / "a.png", gradient(300, 200))
    target = run(slide, tmp_path / "out", tile_size=128, registry=registry).target
    told: list[tuple[int, int]] = []

    def found() -> list[Finding]:
        with open_pyramid(target, registry=registry) as pyramid:
            return list(registry.check("weight").make()(pyramid, lambda *done: told.append(done)))

    assert found() == []
    assert told[-1] == (16, 300 * 200 + 150 * 100 + 75 * 50 + 38 * 25 + 19 * 13 + 10 * 7 + 5 * 4 + 3 * 2 + 2 * 1 + 1)
    tiles(target)["9/1_0.jpeg"].write_bytes(bytes(200_001))
    tiles(target)["9/2_0.jpeg"].unlink()
    message = "has 200,001 bytes; up to 200,000 load quickly"
    assert found() == [Finding("out_files/9/1_0.jpeg", "weight", Severity.WARNING, message)]


def test_the_command_commands(loaded, tmp_path, capsys):
    registry = loaded("batch")
    slides = [str(png(tmp_path / name, gradient(30, 20))) for name in ("a.png", "b.png")]
    build_cli(registry).main(["batch", *slides, "-o", str(tmp_path / "out")], standalone_mode=False, obj=registry)
    assert capsys.readouterr().out == "".join(f"{tmp_path / 'out' / name}.dzi  6 tiles\n" for name in "ab")


@pytest.mark.parametrize("output", ["a <b>", "a <b>.szi"])
def test_the_viewer_makes_a_page(output, loaded, tmp_path, capsys):
    registry = loaded("sheet")
    slide = png(tmp_path / "a.png", gradient(600, 400))
    command = ["run", str(slide), "-o", str(tmp_path / output), "--viewer=sheet"]
    build_cli(registry).main(command, standalone_mode=False, obj=registry)
    page = tmp_path / "a <b>-sheet.html"
    assert f"page     {page}" in capsys.readouterr().out
    source = re.search(r'<p>a &lt;b&gt;<p><img src="data:image/jpeg;base64,([^"]*)"', page.read_text(encoding="utf-8"))
    assert source is not None
    with Image.open(io.BytesIO(b64decode(source[1]))) as shown:
        assert shown.size == (150, 100)


@pytest.mark.parametrize("output", ["a", "a.szi"])
def test_the_viewer_shows_a_finished_pyramid(output, loaded, tmp_path, capsys):
    registry = loaded("sheet")
    done = run(png(tmp_path / "a.png", gradient(600, 400)), tmp_path / output, registry=registry)
    command = ["view", done.target, "--viewer", "sheet", "--no-open"]
    build_cli(registry).main(command, standalone_mode=False, obj=registry)
    assert capsys.readouterr() == (f"{tmp_path / 'a-sheet.html'}\n", "")


def test_the_queue_is_given_each_slide_where_there_is_one(loaded, tmp_path, monkeypatch):
    registry, folder = loaded("queued"), tmp_path / "slides"
    folder.mkdir()
    png(folder / "a.png", gradient(20, 10))
    words = ["run", str(folder / "a.png"), str(folder), "-o", str(tmp_path / "out") + "/", "-q"]
    monkeypatch.setenv("SLIDE_QUEUE", "false")
    assert build_cli(registry).main(words, standalone_mode=False, obj=registry) == 1
    assert not (tmp_path / "out").exists()
    with pytest.raises(OptionError, match="SLIDE_QUEUE is set"):
        build_cli(registry).main(words[:3], standalone_mode=False, obj=registry)
    monkeypatch.delenv("SLIDE_QUEUE")
    assert build_cli(registry).main(words, standalone_mode=False, obj=registry) == 0
    assert (tmp_path / "out" / "a.dzi").is_file()


def test_a_reader_of_ranges_gives_the_pixels_of_the_file(shown, tmp_path):
    registry = load([shown("ranged"), shown("zipped")])
    slide = grey8(tmp_path, 600, 500)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(slide, slide.name)
        archive.writestr("cut_600x500.grey8", b"cut")
    report = run(f"zipped://{tmp_path}/a.zip/{slide.name}", tmp_path / "there", format="png", registry=registry)
    run(slide, tmp_path / "here", format="png", registry=registry)
    assert report.reader == "ranged"
    assert differing(tmp_path / "there.dzi", tmp_path / "here.dzi") == []
    assert np.array_equal(assembled(report.target, report.levels - 1), gradient(600, 500)[:, :, [0, 0, 0]])
    with pytest.raises(InputError, match=r"zipped:.*/cut_600x500\.grey8: is no file of 300000 bytes"):
        run(f"zipped://{tmp_path}/a.zip/cut_600x500.grey8", tmp_path / "cut", registry=registry)


def test_a_slide_in_an_archive_is_that_slide(loaded, tmp_path):
    paths = [svs(tmp_path / "a.svs", photo(600, 500)), png(tmp_path / "b.png", photo(300, 200))]
    with zipfile.ZipFile(tmp_path / "2026.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.name)
    for path in paths:
        run(f"zipped://{tmp_path}/2026.zip/{path.name}", tmp_path / f"zipped-{path.stem}", registry=loaded("zipped"))
        run(path, tmp_path / f"plain-{path.stem}")
        assert differing(tmp_path / f"zipped-{path.stem}.dzi", tmp_path / f"plain-{path.stem}.dzi") == []
    with pytest.raises(InputError, match=r"zipped:.*/2026\.zip/c\.svs: .*2026\.zip has no c\.svs"):
        run(f"zipped://{tmp_path}/2026.zip/c.svs", tmp_path / "c", registry=loaded("zipped"))
