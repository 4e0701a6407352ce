"""Every way in which people write where a pyramid is to be, through the command line."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pictures import gradient, png
from tests.plugins.objects import Offers
from tileframe import LayoutPlugin, Location, OptionError, StorePlugin, hookimpl, open_pyramid, run
from tileframe import registry as registry_module
from tileframe.registry import Registry
from tileframe_start.command import run_command

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="such a name is none there")


@dataclass
class Planner:
    """Asks the command line where it would write a pyramid of ``slide.png``."""

    capsys: pytest.CaptureFixture[str]

    def target(self, output: str, *options: str) -> str:
        assert run_command(["run", "slide.png", "-o", output, "--dry-run", "--json", *options]) == 0
        return str(json.loads(self.capsys.readouterr().out)["target"]).replace("\\", "/")

    def refusal(self, output: str, *options: str) -> str:
        assert run_command(["run", "slide.png", "-o", output, "--dry-run", *options]) == 2
        out, err = self.capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        return err.removeprefix("tileframe: ").strip()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "slide.png", gradient(20, 10))
    return tmp_path


@pytest.fixture
def planner(here: Path, capsys: pytest.CaptureFixture[str]) -> Planner:
    return Planner(capsys)


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("name", "name.dzi"),
        ("name.dzi", "name.dzi"),
        ("name.DZI", "name.dzi"),
        ("out/name", "out/name.dzi"),
        ("out//name", "out/name.dzi"),
        ("./name", "name.dzi"),
        ("slide.v2", "slide.v2.dzi"),
        ("slide.png", "slide.png.dzi"),
        ("a.tar.dzi", "a.tar.dzi"),
        ("tar", "tar.dzi"),
        ("two words", "two words.dzi"),
        ("Füße 玻片", "Füße 玻片.dzi"),
        ("file:///name", "/name.dzi"),
        ("name.szi", "name.szi"),
        ("name.zip", "name.zip"),
        ("out/slide.v2.szi", "out/slide.v2.szi"),
    ],
)
def test_a_name_is_taken_as_it_was_written(planner, output, target):
    assert planner.target(output) == target


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("out/", "out/slide.dzi"),
        (".", "slide.dzi"),
        ("..", "../slide.dzi"),
        ("out/.", "out/./slide.dzi"),
        ("out/..", "out/../slide.dzi"),
        (".dzi", "slide.dzi"),
        ("out/.dzi", "out/slide.dzi"),
        (".szi", "slide.szi"),
        ("out/.zip", "out/slide.zip"),
    ],
)
def test_without_a_name_of_its_own_the_pyramid_bears_the_slides(planner, output, target):
    assert Path(planner.target(output)) == Path(target)


def test_without_an_output_the_pyramid_is_made_here(here, planner):
    assert run_command(["run", "slide.png", "--dry-run", "--json"]) == 0
    assert json.loads(planner.capsys.readouterr().out)["target"] == "slide.dzi"


@POSIX
def test_a_path_of_windows_is_a_name_elsewhere(planner):
    assert planner.target("C:\\out\\name.dzi") == "C:/out/name.dzi"


def test_an_empty_output_is_refused(planner):
    assert planner.refusal("") == "'' is no name of an output; give FOLDER/NAME"


@pytest.mark.parametrize("output", ["...szi", "..zip", "...dzi", "out/..dzi"])
def test_dots_are_no_name(planner, output):
    """As a name they would be the folder above, also inside of an archive."""
    assert "is no name of a pyramid; give FOLDER/NAME" in planner.refusal(output)


def test_a_name_with_a_nul_is_refused(here, registry):
    with pytest.raises(OptionError, match=r"'a\\x00b' is no name of an output"):
        run(here / "slide.png", "a\0b", registry=registry)


@pytest.mark.parametrize("output", ["ftp://host/x.dzi", "FTP://host/x", "swift://b", "https://x/y/", "dav://c/x.szi"])
def test_a_scheme_that_nobody_serves_is_refused_with_those_that_are(here, planner, output):
    scheme = output.partition(":")[0].lower()
    assert planner.refusal(output) == f"{output}: no store serves '{scheme}://' (have: az, file, gs, memory, s3)"
    assert [path.name for path in here.iterdir()] == ["slide.png"]


@pytest.mark.parametrize("output", [Path("s3://bucket/x.dzi"), "s3:/bucket/x.dzi"])
def test_an_address_that_has_lost_a_slash_is_no_folder_here(here, registry, output):
    with pytest.raises(OptionError, match=r"looks an address; give s3://bucket/x\.dzi, as text"):
        run(here / "slide.png", output, registry=registry)
    assert [path.name for path in here.iterdir()] == ["slide.png"]


@pytest.mark.parametrize("output", ["s3:/u:secret@bucket/x", "s3:/bucket/x?X-Amz-Signature=secret"])
def test_a_path_that_was_an_address_is_refused_without_what_is_secret_in_it(output, planner):
    assert "secret" not in planner.refusal(output)


@pytest.mark.parametrize(
    "output",
    ["name.tar", "name.7z", "out/slide.v2.rar", "name.tar.gz", "out/slide.v2.TAR.GZ", "x.tgz", ".zst", "a.Tar"],
)
def test_an_archive_that_nobody_serves_is_refused_with_those_that_are(planner, output):
    ending = re.search(r"(tar\.)?\w+$", output, re.IGNORECASE)[0]  # type: ignore[index]
    assert planner.refusal(output) == f"{output}: no store serves .{ending.lower()} archives (have: .szi, .zip)"


@pytest.mark.parametrize("name", ["name.SZI", "name.Zip"])
def test_an_archive_keeps_the_case_in_which_it_was_named(here, registry, name):
    assert run(here / "slide.png", name, registry=registry).target == name
    assert name in [path.name for path in here.iterdir()]
    with open_pyramid(name, registry=registry) as pyramid:
        assert pyramid.target == name


def test_an_archive_that_was_renamed_is_found_in_any_case(here, registry):
    run(here / "slide.png", "name.szi", registry=registry)
    (here / "name.szi").rename("SLIDE.SZI")
    assert run_command(["verify", "SLIDE.SZI", "--quiet"]) == 0
    assert run_command(["info", "SLIDE.SZI"]) == 0


@pytest.mark.parametrize("container", ["szi", "zip"])
@pytest.mark.parametrize("layout", ["zoomify", "google", "iiif3"])
def test_a_store_that_cannot_hold_the_layout_says_so(planner, layout, container):
    if container == "zip":
        assert planner.target("name.zip", "--layout", layout) == "name.zip"
    else:
        said = planner.refusal("name.szi", "--layout", layout)
        assert said == f"name.szi: the store szi holds dzi alone, not {layout}"


@pytest.mark.parametrize(
    ("layout", "target"),
    [("zoomify", "out/name/ImageProperties.xml"), ("iiif3", "out/name/info.json"), ("google", "out/name")],
)
def test_a_layout_in_a_folder_of_its_own_is_named_by_that_folder(planner, layout, target):
    assert planner.target("out/name", "--layout", layout) == target


@pytest.mark.parametrize("layout", ["zoomify", "google", "iiif3"])
@pytest.mark.parametrize("output", ["out/name.dzi", "out/name.DZI"])
def test_the_descriptor_of_another_layout_is_refused(planner, layout, output):
    said = planner.refusal(output, "--layout", layout)
    assert said == f"{output}: is a descriptor of the layout dzi, not of {layout}; give {Path('out', 'name')}"


@pytest.mark.parametrize(("layout", "file"), [("zoomify", "ImageProperties.xml"), ("iiif3", "info.json")])
def test_a_descriptor_inside_the_pyramids_folder_names_it_too(planner, layout, file):
    """A report names it as the target: what a program was told, it can give back."""
    output = f"out/name/{file}"
    assert planner.target(output, "--layout", layout) == output
    said = planner.refusal(output)
    assert said == f"{output}: is a descriptor of the layout {layout}, not of dzi; give {Path('out', 'name')}"


# Each in a folder, and one of each kind in an archive.
@pytest.mark.parametrize(
    ("layout", "output"),
    [
        pytest.param(
            layout, output, marks=[] if output == "name" or layout in ("dzi", "google") else [pytest.mark.thorough]
        )
        for layout in ("dzi", "zoomify", "google", "iiif3")
        for output in ("name", "name.zip")
    ],
)
def test_the_target_of_a_report_is_found_again_and_overwritten(here, registry, layout, output):
    first = run(here / "slide.png", output, layout=layout, registry=registry).target
    with open_pyramid(first, registry=registry) as pyramid:
        assert (pyramid.layout_name, pyramid.target) == (layout, first)
    assert run(here / "slide.png", first, layout=layout, overwrite=True, registry=registry).target == first


@pytest.mark.parametrize("target", ["name", "name.dzi", "./name.dzi"])
def test_a_pyramid_is_found_by_its_name_as_by_its_descriptor(here, registry, target):
    run(here / "slide.png", "name", registry=registry)
    assert run_command(["verify", target]) == 0
    assert run_command(["info", target]) == 0


@pytest.mark.parametrize("layout", ["zoomify", "google", "iiif3"])
def test_a_pyramid_in_a_folder_of_its_own_is_found_by_that(here, registry, layout):
    run(here / "slide.png", "out/name", layout=layout, registry=registry)
    for command in ("verify", "info"):
        for target in ("out/name", "out/name/"):
            assert run_command([command, target]) == 0, (command, target)


@pytest.mark.parametrize("name", ["a.tar", "a.szi", "a.zip"])
def test_a_folder_of_tiles_may_be_called_as_an_archive(here, registry, name):
    made = run(here / "slide.png", f"{name}.dzi", registry=registry)
    assert made.target == f"{name}.dzi"
    assert run_command(["verify", made.target, "--quiet"]) == 0


def test_a_slide_beside_its_pyramid_of_the_same_name_stays_a_slide(here, registry, capsys):
    run(here / "slide.png", "slide.png", registry=registry)
    assert run_command(["info", "slide.png"]) == 0
    assert "deep zoom" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["verify", "info", "view"])
@pytest.mark.parametrize("target", ["ftp://host/x.dzi", "ftp://host/x/info.json", "ftp://host/x"])
def test_commands_that_read_refuse_a_scheme_that_nobody_serves(here, capsys, command, target):
    assert run_command([command, target]) == 2
    assert capsys.readouterr().err == (
        f"tileframe: {target}: no store serves 'ftp://' (have: az, file, gs, memory, s3)\n"
    )


@pytest.mark.parametrize("command", ["verify", "info", "view"])
@pytest.mark.parametrize("target", ["none.dzi", "none.szi", "none/", "none/info.json"])
def test_what_is_not_there_is_said_to_be_missing(here, capsys, command, target):
    assert run_command([command, target]) == 3
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "none" in err


class Elsewhere:
    """A plugin with a scheme, and a layout whose descriptor ends as Deep Zoom's does."""

    def __init__(self, registry: Registry) -> None:
        self._directory, self._dzi = registry.store("directory"), registry.layout("dzi")

    @hookimpl
    def tileframe_stores(self) -> list[StorePlugin]:
        return [StorePlugin("cloud", "in tests", self._directory.make, self._directory.open, ("mem",), ("", "pack"))]

    @hookimpl
    def tileframe_layouts(self) -> list[LayoutPlugin]:
        return [LayoutPlugin("adeep", "in tests", self._dzi.make, "{name}.dzi", self._dzi.read)]


@pytest.fixture
def wider(registry: Registry) -> Registry:
    return registry_module.load([Elsewhere(registry)])


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("mem://bucket/a/x.dzi", Location("mem", "bucket/a", "x")),
        ("mem://bucket/a/x", Location("mem", "bucket/a", "x")),
        ("MEM://bucket/x.pack", Location("mem", "bucket", "x", "pack")),
        ("mem://bucket/", Location("mem", "bucket", "slide")),
        ("mem://x", Location("mem", "", "x")),
    ],
)
def test_a_strangers_scheme_and_archive_are_parsed_as_ours(wider, text, location):
    assert wider.location(text, default_name="slide", layout="dzi") == location
    assert wider.store_for(location).name == "cloud"


def test_two_layouts_may_have_descriptors_that_end_alike(wider):
    for layout in ("dzi", "adeep"):
        assert wider.location("out/x.dzi", layout=layout).name == "x"


def test_an_archive_at_a_scheme_whose_store_has_none_is_refused(wider):
    with pytest.raises(OptionError, match=r"no store keeps \.szi archives at mem://"):
        wider.store_for(wider.location("mem://bucket/x.szi"))


@pytest.mark.parametrize(
    "location",
    [Location("file", "out", "x"), Location("mem", "bucket/a", "x"), Location("mem", "b", "x", "pack")],
)
def test_a_location_is_printed_as_it_can_be_written(wider, location):
    assert wider.location(str(location)) == location


def test_without_any_store_nothing_can_be_written(here):
    alone = registry_module.load([Offers()], installed=False)
    with pytest.raises(OptionError, match="no store serves 'file://'"):
        alone.location("x")


@POSIX
@pytest.mark.parametrize("name", ["a\nb", "back\\slash", "-o", "#1 50%", "a:b", "*?"])
def test_odd_names_make_sound_pyramids(here, registry, name):
    made = run(here / "slide.png", f"./{name}", format="png", registry=registry)
    assert run_command(["verify", f"./{made.target}", "--against", "slide.png", "--quiet"]) == 0
