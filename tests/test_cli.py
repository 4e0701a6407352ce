"""The command line as people and programs use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from PIL import Image

from tests.pictures import MPP, gradient, jpeg, photo, png, svs
from tests.pyramids import descriptor, tiles
from tileframe import Location, OptionError, Plan, Report, Rgb, Spec, __version__, run
from tileframe.pipeline import location_for
from tileframe_start.command import build_cli, run_command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option, capsys):
    assert run_command([option]) == 0
    assert capsys.readouterr().out == f"tileframe {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["run", "--help"], ["info", "-h"], ["plugins", "-h"]])
def test_help_exits_with_0(arguments, capsys):
    assert run_command(arguments) == 0
    assert "Usage: tileframe" in capsys.readouterr().out


@pytest.mark.parametrize(("short", "long"), [("-q", "--quiet"), ("-v", "--verbose")])
def test_an_option_has_its_short_form_in_every_command(short, long, registry):
    commands = [
        getattr(command, "loaded", lambda one=command: one)() for command in build_cli(registry).commands.values()
    ]
    options = [parameter.opts for command in commands for parameter in command.params]
    having = [names for names in options if long in names]
    assert having
    assert all(short in names for names in having)


@pytest.mark.parametrize(
    "words", [["info"], ["verify"], ["compare", "a"], ["view"], ["view", "a"], ["run"], ["run", "-o"]]
)
def test_a_shell_completes_the_names_of_files(words, registry):
    completed = ShellComplete(build_cli(registry), {}, "tileframe", "_TILEFRAME_COMPLETE").get_completions(words, "sl")
    assert [item.type for item in completed] == ["file"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell, capsys, monkeypatch):
    monkeypatch.setenv("_TILEFRAME_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit, match=r"^0$"):
        run_command([])
    assert f"_TILEFRAME_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_no_command_shows_the_help_and_exits_with_2(capsys):
    assert run_command([]) == 2
    assert "Commands:" in capsys.readouterr().err


def read_by_nobody(*arguments: str | Path, stderr: bool = False) -> tuple[int, bytes]:
    """Run a command into a pipe that is closed; return its exit code and what it says."""
    command = [sys.executable, "-m", "tileframe", *arguments]
    errors = subprocess.STDOUT if stderr else subprocess.PIPE
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as started:
        assert started.stdout is not None
        started.stdout.close()
        said = b"" if started.stderr is None else started.stderr.read()
    return started.returncode, said


CLOSED = pytest.mark.skipif(sys.platform == "win32", reason="it has no error of its own for a closed pipe")


@CLOSED
@pytest.mark.parametrize("arguments", [["plugins"], ["--help"], ["info", "a.png", "--json"]])
@pytest.mark.parametrize("buffering", ["", pytest.param("1", marks=pytest.mark.thorough)])
def test_whoever_reads_no_further_is_told_nothing(arguments, buffering, here, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", buffering)
    png(here / "a.png", photo(300, 200))
    assert read_by_nobody(*arguments) == (141, b"")


@CLOSED
def test_nor_is_a_failed_check_a_success_that_nobody_reads(here):
    png(here / "a.png", photo(300, 200))
    made = run(here / "a.png", here / "a").target
    next((here / "a_files").rglob("0_0.jpeg")).write_bytes(b"no JPEG")
    assert read_by_nobody("verify", made) == (141, b"")


@CLOSED
def test_where_errors_go_nowhere_either_nothing_is_left(here):
    svs(here / "a.svs", photo(1500, 1100))
    assert read_by_nobody("run", "a.svs", "--backend", "no such", stderr=True) == (141, b"")
    assert read_by_nobody("run", "a.svs", stderr=True)[0] == 141
    assert not list(here.glob(".*"))


@CLOSED
def test_a_plugins_own_broken_pipe_is_the_plugins_fault():
    command = [sys.executable, "-m", "tileframe", "talk"]
    path = Path(__file__).parent / "plugins" / "piping"
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": f"{path}"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6
    assert done.stderr.startswith("tileframe: the plugin 'pipes' (pipes 0.1) failed: BrokenPipeError: ")


def test_run_writes_beside_you_and_reports(here, capsys):
    svs(here / "slide.svs", photo(1500, 1100))
    assert run_command(["run", "slide.svs"]) == 0
    out, err = capsys.readouterr()
    words = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()[1:]}
    assert out.splitlines()[0] == "slide.dzi"
    assert (words["size"], words["levels"], words["tiles"]) == ("1500x1100", "12", "52")
    assert set(words) == {"size", "levels", "tiles", "bytes", "time", "speed", "cpu", "memory", "reader", "backend"}
    assert (words["reader"], words["backend"]) == ("tiff", "stream: in one pass, by squares of 8x8 tiles")
    assert err == ""
    assert descriptor(here / "slide.dzi")["Width"] == "1500"


def test_a_small_picture_is_made_by_the_backend_that_starts_quickest(here, capsys):
    jpeg(here / "a.jpg", photo(300, 200))
    assert run_command(["run", "a.jpg"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  backend  vips: libvips reads the file itself"


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--verbose"], ["--verbose", "--dry-run"]])
def test_quiet_prints_nothing(more, here, capsys):
    png(here / "a.png", gradient(30, 20))
    assert run_command(["run", "a.png", "-q", *more]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--dry-run", "--json"]])
def test_verbose_says_what_was_taken_and_why_not_the_rest(more, here, capsys):
    png(here / "a.png", gradient(30, 20)).rename(here / "a.czi")
    assert run_command(["run", "a.czi", "--backend", "openslide", "-v", *more]) == 0
    err = capsys.readouterr().err
    assert "not taken: reader openslide: is in no format that OpenSlide knows\n" in err
    assert "taken: reader vips, the best that can\n" in err
    assert "taken: backend openslide, as asked (tile by tile from the base, held in memory)\n" in err


def test_a_dry_run_has_no_figures_to_report(here, capsys):
    assert run_command(["run", "a.png", "--dry-run", "--report", "report.json"]) == 2
    assert "--report report.json is for the figures of a run" in capsys.readouterr().err
    assert not (here / "report.json").exists()


def test_json_is_the_report_for_machines(here, capsys):
    png(here / "a.png", gradient(300, 200))
    assert run_command(["run", "a.png", "--json", "--report", "report.json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((here / "report.json").read_text())
    assert (printed["levels"], printed["tiles"], printed["target"]) == (10, 11, "a.dzi")
    assert printed["tile_bytes"] == sum(path.stat().st_size for path in tiles(here / "a.dzi").values())
    assert (printed["backend"], printed["promises"], printed["size"]) == (
        "vips",
        "pixels",
        {"width": 300, "height": 200},
    )
    assert set(printed) == set(Report.__dataclass_fields__)


def test_dry_run_says_everything_and_writes_nothing(here, capsys):
    svs(here / "slide.svs", photo(1500, 1100))
    assert run_command(["run", "slide.svs", "--dry-run", "--json", "-o", "new/folder/x"]) == 0
    coming = json.loads(capsys.readouterr().out)
    assert os.listdir(here) == ["slide.svs"]
    done = run("slide.svs", "x")
    assert (coming["levels"], coming["tiles"], coming["plan"]["reader"]) == (done.levels, done.tiles, done.reader)
    assert coming["target"] == str(Path("new/folder/x.dzi"))
    assert 0.5 < coming["estimated_bytes"] / done.tile_bytes < 2
    assert coming["free_bytes"] > 0


def test_dry_run_counts_the_slides_own_tiles_where_they_are_passed_through(here, capsys):
    svs(here / "slide.svs", photo(1500, 1100))
    asked = ["run", "slide.svs", "-o", "x", "--json", "--passthrough", "--quality", "5"]
    assert run_command([*asked, "--dry-run"]) == 0
    coming = json.loads(capsys.readouterr().out)
    assert run_command(asked) == 0
    done = json.loads(capsys.readouterr().out)
    assert 0.5 < coming["estimated_bytes"] / done["tile_bytes"] < 2


@pytest.mark.parametrize("name", ["a.png", "a.svs"])
def test_dry_run_is_readable(name, here, capsys):
    (png if name == "a.png" else svs)(here / name, photo(600, 400))
    assert run_command(["run", name, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("a.dzi (not written)\n")
    assert "are free" in out
    assert os.listdir(here) == [name]


def test_info_says_what_is_known(here, capsys):
    svs(here / "slide.svs", photo(1500, 1100))
    assert run_command(["info", "slide.svs"]) == 0
    out = capsys.readouterr().out
    for part in (
        "tiff",
        "aperio",
        "1500x1100",
        f"{MPP} x {MPP} µm",
        "20x",
        "375x275 (1/4)",
        "thumbnail",
        "12 levels",
    ):
        assert part in out
    assert run_command(["info", "slide.svs", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["facts"]
    assert (facts["mpp"], facts["access"], facts["background"]) == ([MPP, MPP], "regions", [255, 255, 255])


def test_plugins_lists_all_and_where_they_come_from(capsys):
    assert run_command(["plugins", "--json"]) == 0
    listed = {(row["kind"], row["name"]) for row in json.loads(capsys.readouterr().out)["plugins"]}
    assert listed >= {
        ("reader", "openslide"), ("reader", "imageslide"), ("reader", "tiff"), ("reader", "vips"),
        ("backend", "openslide"), ("backend", "stream"), ("backend", "vips"), ("executor", "threads"),
        ("executor", "processes"),
        ("writer", "jpeg"), ("writer", "jpg"), ("writer", "png"), ("store", "directory"), ("store", "szi"),
        ("layout", "dzi"), ("layout", "zoomify"), ("viewer", "page"), ("check", "tiles"),
    }  # fmt: skip
    assert run_command(["plugins"]) == 0
    assert f"tileframe  {__version__}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "target"),
    [
        (None, "CMU-1.ome.dzi"),
        ("out/name", "out/name.dzi"),
        ("out/name.dzi", "out/name.dzi"),
        ("out/name.DZI", "out/name.dzi"),
        ("out/", "out/CMU-1.ome.dzi"),
        ("name.v2", "name.v2.dzi"),
        (".", "CMU-1.ome.dzi"),
        ("..", "../CMU-1.ome.dzi"),
    ],
)
def test_where_the_output_goes(output, target, registry):
    location = location_for(output, Path("slides/CMU-1.ome.tif"), "dzi", registry)
    assert Path(location.shown(f"{location.name}.dzi")) == Path(target)


def test_a_pyramid_is_not_written_to_standard_output(here, capsys):
    png(here / "a.png", gradient(30, 20))
    assert run_command(["run", "a.png", "-o", "-"]) == 2
    said = "a pyramid cannot be written to standard output; give FOLDER/NAME, or ./- for that name"
    assert capsys.readouterr() == ("", f"tileframe: -: {said}\n")
    assert run_command(["run", "a.png", "-o", "./-", "-q"]) == 0
    assert sorted(os.listdir(here)) == ["-.dzi", "-.sha256", "-.tileframe.json", "-_files", "a.png"]


def test_overwrite_replaces_and_its_lack_refuses(here, capsys):
    png(here / "a.png", gradient(30, 20))
    assert run_command(["run", "a.png", "--quiet"]) == 0
    assert run_command(["run", "a.png", "--quiet"]) == 4
    assert run_command(["run", "a.png", "--quiet", "--overwrite", "--format", "png"]) == 0
    assert descriptor(here / "a.dzi")["Format"] == "png"
    assert not [key for key in tiles(here / "a.dzi") if key.endswith("jpeg")]
    assert "exists; give --overwrite" in capsys.readouterr().err


def test_the_background_option_shows_through_transparency(here):
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(here / "a.png")
    assert run_command(["run", "a.png", "--quiet", "--background", "#102030", "--format", "png"]) == 0
    with Image.open(tiles(here / "a.dzi")["3/0_0.png"]) as tile:
        assert tile.getpixel((4, 4)) == (0x10, 0x20, 0x30)


def test_the_package_can_be_run_as_a_module():
    command = [sys.executable, "-m", "tileframe", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == f"tileframe {__version__}\n"


def test_the_command_starts_without_image_libraries():
    code = (
        "import sys, tileframe_start.command as cli; cli.run_command(['--help']);"
        "loaded = {'PIL', 'numpy', 'pyvips', 'openslide', 'tifffile', 'imagecodecs', 'rich'} & set(sys.modules);"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_bug_shows_its_traceback_and_exits_with_1(here, capsys, monkeypatch):
    monkeypatch.setattr("tileframe_start.command.registry_module.load", lambda: 1 // 0)
    assert run_command(["plugins"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert err.splitlines()[-1].startswith("tileframe: this is a bug in tileframe: please report it")


def test_an_error_of_a_bundled_plugin_is_a_bug_too(here, capsys, monkeypatch):
    png(here / "a.png", photo(30, 20))
    monkeypatch.setattr("tileframe_writers.png.PngWriter.encode", lambda self, pixels: 1 // 0)
    assert run_command(["run", "a.png", "--format", "png", "--backend", "stream"]) == 1
    assert "this is a bug in tileframe" in capsys.readouterr().err


def test_output_may_be_cut_by_its_reader(here):
    command = f'"{sys.executable}" -c "from tileframe_start.command import main; main()" plugins --json | head -n 1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_the_python_call_does_what_the_command_does(here):
    svs(here / "slide.svs", photo(700, 500))
    seen: list[tuple[int, int]] = []
    report = run("slide.svs", "api", tile_size=128, overlap=2, progress=lambda *done: seen.append(done), workers=1)
    assert run_command(["run", "slide.svs", "-o", "cli", "--tile-size", "128", "--overlap", "2", "--quiet"]) == 0
    ours, theirs = tiles(here / "api.dzi"), tiles(here / "cli.dzi")
    assert {key: path.read_bytes() for key, path in ours.items()} == {
        key: path.read_bytes() for key, path in theirs.items()
    }
    assert seen[-1] == (report.tiles, round(report.megapixels * 1e6))
    assert seen == sorted(seen)


def test_the_plan_that_a_run_is_told_first_says_how_much_there_is_to_do(here):
    svs(here / "slide.svs", photo(700, 500))
    told: list[Plan | tuple[int, int]] = []
    report = run("slide.svs", "o", on_plan=told.append, progress=lambda *done: told.append(done))
    plan = told[0]
    assert isinstance(plan, Plan)
    assert (plan.backend, plan.reader) == (report.backend, report.reader)
    assert told[-1] == (plan.pyramid.tile_count, plan.pyramid.pixel_count)


def test_a_plan_that_is_not_wanted_ends_the_run_before_a_pixel_is_read(here):
    svs(here / "slide.svs", photo(700, 500))

    def refuse(plan: Plan) -> None:
        raise TimeoutError("too large")

    def never(tiles: int, pixels: int) -> None:
        raise AssertionError("it has begun")

    with pytest.raises(TimeoutError, match="too large"):
        run("slide.svs", "out/a", on_plan=refuse, progress=never)
    assert os.listdir(here) == ["slide.svs"]


def test_a_progress_that_raises_ends_the_run_and_leaves_nothing(here):
    slide = svs(here / "slide.svs", photo(1500, 1100))

    def stop(tiles: int, pixels: int) -> None:
        raise TimeoutError("enough")

    for backend in ("stream", "vips", "openslide"):
        with pytest.raises(TimeoutError, match="enough"):
            run(slide, "out/a", backend=backend, progress=stop)
        assert os.listdir(here) == ["slide.svs"]


def test_a_spec_can_be_sent_to_another_process():
    import pickle

    location = Location("file", "out", "a")
    spec = Spec(Path("a.svs"), location, background=Rgb(1, 2, 3))
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(OptionError, match="must be 1 or more, not 0"):
        Spec(Path("a.svs"), location, workers=0)


def test_a_log_gets_a_line_now_and_then(here, capsys, monkeypatch):
    monkeypatch.setattr("tileframe.cli.progress.SECONDS", 0.0)
    svs(here / "slide.svs", photo(1500, 1100))
    assert run_command(["run", "slide.svs", "--backend", "openslide"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("tileframe: 100 %  52/52 tiles")
