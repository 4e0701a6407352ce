"""A stranger's stores and layout are used from the command line with no line of tileframe changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Install
from tests.pictures import gradient, png
from tests.plugins.objects import Offers
from tileframe import Location, PluginError, StorePlugin, open_pyramid
from tileframe.registry import load
from tileframe_start.command import run_command

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture
def here(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a slide, where the stranger's package is installed."""
    install("elsewhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEM2DISK", str(tmp_path / "shelves"))
    png(tmp_path / "slide.png", gradient(300, 200))
    return tmp_path


def tileframe(*words: str) -> None:
    assert run_command(words) == 0, words


def files(path: Path) -> dict[str, bytes]:
    """What the stranger's stores keep, seen without them."""
    return {key: bytes.fromhex(text) for key, text in json.loads(path.read_text(encoding="utf-8")).items()}


def make(output: str, *more: str) -> None:
    tileframe("run", "slide.png", "-o", output, "--format", "png", "--tile-size", "100", "--quiet", *more)


def test_an_installed_package_is_all_that_it_takes(here):
    environment = {**os.environ, "PYTHONPATH": str(PLUGINS / "elsewhere")}
    commands = (
        ["run", "slide.png", "-o", "mem2disk://attic/a", "--layout", "flat", "--format", "png"],
        ["verify", "mem2disk://attic/a"],
        ["run", "slide.png", "-o", "a", "--format", "png"],
        ["compare", "mem2disk://attic/a", "a.dzi", "--require", "pixels"],
        ["info", "mem2disk://attic/a"],
    )
    # All in one process: each start takes longer than the command.
    code = f"from tileframe_start import command; print('ended with', [command.run_command(one) for one in {commands}])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("ended with [0, 0, 0, 0, 0]\n"), (done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("output", "path"), [("mem2disk://attic/old/a", "shelves/attic/old/a.json"), ("kept/a.pack", "kept/a.pack")]
)
def test_a_run_keeps_all_files_where_the_store_says_under_the_layouts_names(output, path, here):
    make(output, "--layout", "flat")
    kept = files(here / path)
    grid = {f"a/9-{col}-{row}.png" for col in range(3) for row in range(2)}
    assert {key for key in kept if key.startswith("a/9-")} == grid
    assert {key for key in kept if "/" not in key} == {"a.flat", "a.sha256", "a.tileframe.json"}
    assert kept["a.flat"] == b"flat 300 200 100 1 png\n"
    assert [path.name for path in here.iterdir() if path.name.startswith("a")] == []


def test_a_scheme_takes_the_bundled_layouts_and_a_folder_the_strangers(here):
    make("mem2disk://attic/a", "--layout", "zoomify", "--overlap", "0")
    assert "a/ImageProperties.xml" in files(here / "shelves/attic/a.json")
    make("b", "--layout", "flat")
    assert {path.name for path in here.glob("b*")} == {"b", "b.flat", "b.sha256", "b.tileframe.json"}
    assert (here / "b" / "9-2-1.png").is_file()


def test_options_reach_store_and_layout_and_are_remembered(here):
    make("a.pack", "--layout", "flat", "--layout-option", "between=_", "--store-option", "indent=4")
    text = (here / "a.pack").read_text()
    assert '\n    "a/9_2_1.png": "' in text
    tileframe("verify", "a.pack")
    with open_pyramid("a.pack") as pyramid:
        assert pyramid.manifest is not None
        assert pyramid.manifest.plan.layout_options == {"between": "_"}
        assert pyramid.manifest.plan.store_options == {"indent": 4}


@pytest.mark.parametrize("output", ["mem2disk://attic/a", "mem2disk://attic/a.flat", "MEM2DISK://attic/a"])
def test_verify_finds_the_pyramid_by_its_location_and_its_descriptor(output, here, capsys):
    make(output, "--layout", "flat")
    tileframe("verify", output)
    assert capsys.readouterr().out == f"{output}: 16 tiles, nothing is wrong\n"


def test_verify_finds_a_missing_tile_in_the_strangers_store(here, capsys):
    make("a.pack", "--layout", "flat")
    kept = json.loads((here / "a.pack").read_text())
    del kept["a/9-1-1.png"]
    (here / "a.pack").write_text(json.dumps(kept))
    assert run_command(["verify", "a.pack", "--quiet"]) == 5
    assert run_command(["verify", "a.pack"]) == 5
    assert "error: a/9-1-1.png: the tile is missing (files)" in capsys.readouterr().out


def test_compare_sees_the_same_pixels_in_another_layout_and_store(here, capsys):
    make("mem2disk://attic/a", "--layout", "flat")
    make("b.dzi")
    assert run_command(["compare", "mem2disk://attic/a", "b.dzi", "--require", "pixels"]) == 0
    assert "pixels: identical, 16 of 16" in capsys.readouterr().out


def test_compare_sees_a_difference(here, capsys):
    make("a.pack", "--layout", "flat")
    kept = json.loads((here / "a.pack").read_text())
    kept["a/9-1-1.png"] = kept["a/9-1-0.png"]
    (here / "b.pack").write_text(json.dumps({key.replace("a", "b", 1): text for key, text in kept.items()}))
    assert run_command(["compare", "a.pack", "b.pack", "--require", "base"]) == 5
    assert "9/1_1" in capsys.readouterr().out


def test_info_says_what_is_there(here, capsys):
    make("mem2disk://attic/a", "--layout", "flat")
    tileframe("info", "mem2disk://attic/a")
    said = capsys.readouterr().out
    assert said.startswith("mem2disk://attic/a.flat\n")
    assert "layout    flat" in said
    tileframe("info", "mem2disk://attic/a", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["layout"], told["manifest"]["plan"]["store"]) == ("flat", "mem2disk")


def test_what_the_strangers_store_refuses_ends_with_its_words(here, capsys):
    make("mem2disk://attic/a")
    assert run_command(["run", "slide.png", "-o", "mem2disk://attic/a"]) == 4
    assert capsys.readouterr().err == f"tileframe: {here / 'shelves' / 'attic' / 'a.json'}: is there already\n"


def test_a_dry_run_names_store_and_layout(here, capsys):
    tileframe("run", "slide.png", "-o", "mem2disk://attic/a", "--layout", "flat", "--dry-run")
    said = capsys.readouterr().out
    assert "layout   flat" in said
    assert "store    mem2disk" in said
    assert not (here / "shelves").exists()


@pytest.mark.parametrize(("flag", "who"), [("--viewer", "viewer"), ("--viewer=page", "viewer page")])
def test_a_page_that_cannot_show_the_strangers_layout_is_refused_before_the_run(flag, who, here, capsys):
    before = sorted(path.name for path in here.iterdir())
    assert run_command(["run", "slide.png", "-o", "a", "--layout", "flat", flag]) == 2
    message = f"no {who} shows the layout flat (it may be: dzi, google, iiif3, zoomify)"
    assert capsys.readouterr().err == f"tileframe: {message}\n"
    assert sorted(path.name for path in here.iterdir()) == before


def store(name: str, scheme: str, container: str) -> StorePlugin:
    def never(*arguments: object) -> None:
        raise AssertionError("nobody picks it")

    return StorePlugin(name, f"store {name}", never, never, (scheme,), (container,))  # type: ignore[arg-type]


def test_two_stores_that_serve_the_same_place_are_an_error_naming_both():
    offers = Offers(stores=[store("one", "box", ""), store("other", "box", "")])
    registry = load([offers], installed=False)
    location = registry.location("box://a/b")
    assert location == Location("box", "a", "b")
    with pytest.raises(PluginError, match=r"^box://a/b: two stores serve it: 'one' and 'other'; name those to load"):
        registry.store_for(location)


def test_a_strangers_store_of_a_bundled_archive_is_an_error_and_the_folder_still_works(here):
    registry = load([Offers(stores=[store("zipper", "file", "zip")])])
    with pytest.raises(PluginError, match=r"^a\.zip: two stores serve it: 'zip' and 'zipper'"):
        registry.store_for(registry.location("a.zip"))
    assert registry.store_for(registry.location("a")).name == "directory"


def test_an_unknown_scheme_names_the_known_ones(here, capsys):
    assert run_command(["run", "slide.png", "-o", "ftp://host/a"]) == 2
    known = "az, file, gs, mem2disk, memory, s3"
    assert capsys.readouterr().err == f"tileframe: ftp://host/a: no store serves 'ftp://' (have: {known})\n"


@pytest.mark.parametrize("suffix", ["tar", "7z", "rar", "tar.gz"])
def test_an_archive_that_nobody_serves_names_those_that_somebody_does(suffix, here, capsys):
    assert run_command(["run", "slide.png", "-o", f"out/a.{suffix}"]) == 2
    said = capsys.readouterr().err
    assert said == f"tileframe: out/a.{suffix}: no store serves .{suffix} archives (have: .pack, .szi, .zip)\n"
    assert not (here / "out").exists()


def test_a_scheme_without_archives_says_so(here, capsys):
    assert run_command(["run", "slide.png", "-o", "mem2disk://attic/a.zip"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tileframe: mem2disk://attic/a.zip: no store keeps .zip archives at mem2disk://")


def test_the_options_of_a_plugin_are_listed_with_their_help(capsys):
    assert run_command(["plugins", "jpeg"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("writer jpeg: JPEG tiles that end in .jpeg (tileframe ")
    assert "--format-option quality=INT  4:2:0 below 90, 4:4:4 from there on. from 1 to 100 (default: 75)" in said


def test_the_options_of_a_strangers_plugin_are_listed_too(here, capsys):
    tileframe("plugins", "flat")
    said = capsys.readouterr().out
    assert said.startswith("layout flat: all tiles in one folder (elsewhere 0.4)\n")
    assert "--layout-option between=STR  What stands between level, column and row. one of -, _ (default: -)" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format-option", "qality=80"], "the format jpeg has no option 'qality' (have: quality)"),
        (["--format-option", "quality=0"], "quality of the format jpeg must be from 1 to 100, not 0"),
        (["--format-option", "quality=good"], "quality of the format jpeg must be from 1 to 100, not 'good'"),
        (["--format-option", "quality"], "--format-option takes NAME=VALUE, not 'quality'"),
        (["--quality", "101"], "quality of the format jpeg must be from 1 to 100, not 101"),
        (["--quality", "80", "--format-option", "quality=90"], "the quality is given twice: 80 and 90"),
        (
            ["--layout", "flat", "--layout-option", "between=."],
            "between of the layout flat must be one of -, _, not '.'",
        ),
        (["--store-option", "indent=9"], "the store directory has no option 'indent' (have: sync)"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_refused_before_anything_is_written(words, message, here, capsys):
    before = sorted(path.name for path in here.iterdir())
    assert run_command(["run", "slide.png", "-o", "out/a", *words]) == 2
    assert capsys.readouterr().err == f"tileframe: {message}\n"
    assert sorted(path.name for path in here.iterdir()) == before
