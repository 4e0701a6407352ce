"""What docs/plugins.md says of plugins is so: signatures, every plugin that it shows, every message."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from tests.pictures import gradient, photo, png, svs
from tests.plugin_page import FILES, PAGE
from tests.pyramids import assembled, differing, tiles
from tests.test_layers import FOR_PLUGINS
from tileframe import (
    CheckError,
    Equality,
    Finding,
    InputError,
    JobSpec,
    OptionError,
    OutputError,
    PluginError,
    Severity,
    StoredPyramid,
    UnsupportedInput,
    hookspecs,
    run,
)
from tileframe import registry as registry_module
from tileframe.cli import build_cli, run_command
from tileframe.planning import plan
from tileframe.registry import RECORDS

SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)}
HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("tileframe_")}
PLUGINS = sorted(name for name, code in FILES.items() if "hookimpl" in code)
CONSOLES = re.findall(r"^```console\n(\$ (?:TILEFRAME_PLUGINS=\S+ )?tileframe .*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def signature(hook: str) -> str:
    return f"{hook}({', '.join(inspect.signature(HOOKS[hook]).parameters)})"


def test_every_hook_has_a_section_and_a_line_with_its_exact_signature():
    assert {signature(hook) for hook in HOOKS} == set(re.findall(r"^## `(\w+\(\w*\))`$", PAGE, re.MULTILINE))
    assert {signature(hook) for hook in HOOKS} == set(re.findall(r"^\| \[`(\w+\(\w*\))`\]", PAGE, re.MULTILINE))


def test_every_record_is_described_with_its_fields_and_how_it_is_made():
    for kind, record in RECORDS.items():
        section = SECTIONS[f"`{signature(f'tileframe_{kind}s')}`"]
        fields = ", ".join(field.name for field in dataclasses.fields(record))
        assert f"`{record.__name__}({fields})`" in section
        made = re.search(r"make\([^)]*\)", record.__doc__ or "")
        assert made is not None, f"{record.__name__} does not say how make is called"
        assert f"`{made[0]}` returns a" in section


def test_every_hook_has_a_plugin_that_is_shown():
    for hook in HOOKS:
        assert re.search(rf"hookimpl\ndef {re.escape(signature(hook))}:", SECTIONS[f"`{signature(hook)}`"])


def test_the_speeds_of_the_bundled_backends_are_the_real_ones(registry):
    speeds = {(offer.plugin.name, offer.plugin.speed) for offer in registry.offers if offer.kind == "backend"}
    section = SECTIONS["`tileframe_backends()`"]
    assert speeds == {(name, int(speed)) for speed, name in re.findall(r"(\d+) \(`(\w+)`\)", section)}


def test_what_plugins_may_rely_on_is_named():
    assert {name for name in FOR_PLUGINS if f"`{name}`" in SECTIONS["Publish it"]} == FOR_PLUGINS


def test_the_plugins_load_beside_each_other_and_beside_the_bundled_ones(shown):
    registry = registry_module.load([shown(name) for name in PLUGINS])
    assert {offer.owner for offer in registry.offers} > set(PLUGINS) - {"batch"}


# What the page's plugins promise beyond what it tests itself.
CONTRACTS = """
import io
import zipfile

import batch, compatible_plugin, plain, ppm, processes, sheet, weight, zipped
import numpy as np
from PIL import Image
from tileframe.testing import CASES, BackendContract, CheckContract, PluginContract, StoreContract, WriterContract


def pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


class TestPpm(WriterContract):
    plugin = ppm.tileframe_writers()[0]
    decode = staticmethod(pillow)


class TestPlain(BackendContract):
    plugin = plain.tileframe_backends()[0]
    decode = staticmethod(pillow)
    cases = (*CASES[:4], *CASES[-3:])  # tests here look at others


class TestZip(StoreContract):
    plugin = zipped.tileframe_stores()[0]

    def look(self, target):
        files = {path.name: path.read_bytes() for path in target.parent.glob("*")}
        if "made.zip" in files:
            with zipfile.ZipFile(io.BytesIO(files.pop("made.zip"))) as kept:
                files.update((name, kept.read(name)) for name in kept.namelist())
        return files


class TestWeight(CheckContract):
    plugin = weight.tileframe_checks()[0]
    faults = ()  # the kit's are for other checks to find; they must not stop this one


for module in (batch, compatible_plugin, plain, ppm, processes, sheet, weight, zipped):
    name = f"Test_{module.__name__}"
    globals()[name] = type(name, (PluginContract,), {"module": module.__name__})
"""


def test_the_plugins_keep_the_contracts_of_the_kit(shown, tmp_path):
    (tmp_path / "shown" / "test_shown.py").write_text(CONTRACTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "no:cacheprovider"]
    (tmp_path / "shown" / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = -q\nfilterwarnings = error\n")
    done = subprocess.run(command, cwd=tmp_path / "shown", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


def grey8(folder: Path, width: int, height: int) -> Path:
    path = folder / f"a_{width}x{height}.grey8"
    path.write_bytes(gradient(width, height)[:, :, 0].tobytes())
    return path


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


@pytest.mark.parametrize("backend", ["openslide", "stream", "vips"])
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
    writer = shown("ppm").make(None)
    data = writer.encode(gradient(5, 4))
    assert np.array_equal(writer.decode(data), gradient(5, 4))
    for damaged in (b"", data[:-1], data + b"\0", b"P5" + data[2:], b"P6 0 4 255\n"):
        with pytest.raises(CheckError):
            writer.decode(damaged)
    with pytest.raises(OptionError):
        shown("ppm").make(80)


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


def test_the_store_keeps_what_a_backend_makes(loaded, tmp_path):
    slide, registry = png(tmp_path / "a.png", gradient(300, 200)), loaded("zipped")
    plain = run(slide, tmp_path / "folder" / "a", backend="openslide", registry=registry)
    planned = plan(JobSpec(slide, tmp_path / "a.dzi", backend="openslide", workers=2), registry)
    store = registry.store("zip").make(tmp_path / "a.dzi", False)
    job = dataclasses.replace(planned.job, store=store)
    with job.source:
        store.prepare()
        planned.backend.run(job, lambda tiles, pixels: None)
        assert not (tmp_path / "a.zip").exists()
        store.commit(job.layout.descriptor(job.pyramid))
        store.discard()
    kept = registry.store("zip").open(tmp_path / "a.dzi")
    expected = {f"a_files/{key}": path.read_bytes() for key, path in tiles(plain.target).items()}
    assert {key: kept.get(key) for key in kept.keys()} == {**expected, "a.dzi": plain.target.read_bytes()}  # noqa: SIM118
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".zip", ".partial")) == ["a.zip"]


def test_the_store_keeps_its_promises(shown, tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    store = shown("zipped").ZipStore(folder / "a.dzi", False)
    store.prepare()
    with pytest.raises(KeyError):
        store.get("a_files/0/0_0.png")
    keys = [f"a_files/9/{number}_0.png" for number in range(50)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: store.put(key, key.encode()), keys))
    assert {key: store.get(key) for key in store.keys()} == {key: key.encode() for key in keys}  # noqa: SIM118
    store.discard()
    assert list(folder.iterdir()) == []
    store.prepare()
    store.commit({"a.dzi": b"text"})
    with pytest.raises(OutputError, match="was committed already"):
        store.commit({})
    with pytest.raises(OutputError, match="exists already"):
        shown("zipped").ZipStore(folder / "a.dzi", False).prepare()
    with pytest.raises(OutputError, match="cannot be written"):
        shown("zipped").ZipStore(folder / "a.zip" / "a.dzi", False).prepare()


def test_the_check_finds_what_it_looks_for_and_minds_nothing_else(loaded, tmp_path):
    registry = loaded("weight")
    slide = png(tmp_path / "a.png", gradient(300, 200))
    target = run(slide, tmp_path / "out", tile_size=128, registry=registry).target
    job = plan(JobSpec(slide, tmp_path / "out.dzi", tile_size=128, overwrite=True), registry).job
    job.source.close()
    files = registry.store("directory").open(target)
    pyramid = StoredPyramid(target, job.pyramid, job.layout, job.writer, files, {}, workers=1)
    told: list[tuple[int, int]] = []

    def found() -> list[Finding]:
        return list(registry.check("weight").make()(pyramid, lambda *done: told.append(done)))

    assert found() == []
    assert told[-1] == (job.pyramid.tile_count, job.pyramid.pixel_count)
    tiles(target)["9/1_0.jpeg"].write_bytes(bytes(200_001))
    tiles(target)["9/2_0.jpeg"].unlink()
    message = "has 200,001 bytes; up to 200,000 load quickly"
    assert found() == [Finding("out_files/9/1_0.jpeg", "weight", Severity.WARNING, message)]


def test_the_command_commands(loaded, tmp_path, capsys):
    registry = loaded("batch")
    slides = [str(png(tmp_path / name, gradient(30, 20))) for name in ("a.png", "b.png")]
    build_cli(registry).main(["batch", *slides, "-o", str(tmp_path / "out")], standalone_mode=False, obj=registry)
    assert capsys.readouterr().out == "".join(f"{tmp_path / 'out' / name}.dzi  6 tiles\n" for name in "ab")


def test_the_viewer_makes_a_page(loaded, tmp_path, capsys):
    registry = loaded("sheet")
    slide = png(tmp_path / "a <b>.png", gradient(600, 400))
    command = ["run", str(slide), "-o", str(tmp_path / "a <b>"), "--viewer=sheet"]
    build_cli(registry).main(command, standalone_mode=False, obj=registry)
    page = tmp_path / "a <b>-sheet.html"
    assert f"page     {page}" in capsys.readouterr().out
    source = re.search(r'<p>a &lt;b&gt;<p><img src="([^"]*)"', page.read_text(encoding="utf-8"))
    assert source is not None
    assert (tmp_path / unquote(source[1])).is_file()


def plugin(name: str) -> str:
    """The code of a plugin that the page's messages are about."""
    codes: dict[str, str] = {
        "grey8": FILES["grey8"],
        "scanner": "import scannerlib",
        "slip": "import tileframe\n@tileframe.hookimpl\ndef tileframe_readerz(): return []",
        "rerun": FILES["batch"].replace("def batch", "def run").replace("(batch)", "(run)"),
    }
    return codes.get(name, FILES["ppm"])


# Each plugin, the package it is in, and the module.
INSTALLED = [
    ("grey8", "tileframe-grey8", "installed_grey8"),
    ("scanner", "tileframe-scanner", "installed_scanner"),
    ("slip", "tileframe-slip", "installed_slip"),
    ("first", "tileframe-first", "installed_first"),
    ("second", "tileframe-second", "installed_second"),
    ("twin", "tileframe-other", "installed_other"),
    ("twin", "tileframe-twin", "installed_twin"),
    ("rerun", "tileframe-rerun", "installed_rerun"),
]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Make the plugins that a text names count as installed."""

    def put_on_path(text: str) -> None:
        for name, package, module in INSTALLED:
            if re.search(rf"\b{name}\b", text):
                facts = tmp_path / module / f"{package.replace('-', '_')}-1.0.dist-info"
                facts.mkdir(parents=True)
                (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
                (facts / "entry_points.txt").write_text(f"[tileframe]\n{name} = {module}\n")
                (facts.parent / f"{module}.py").write_text(plugin(name), encoding="utf-8")
                monkeypatch.syspath_prepend(facts.parent)

    yield put_on_path
    for name in [name for name in sys.modules if name.startswith("installed_")]:
        del sys.modules[name]


@pytest.mark.parametrize("console", CONSOLES, ids=lambda text: text.partition("\n")[0])
def test_the_program_says_what_the_page_shows(console, install, tmp_path, monkeypatch, capfd):
    install(console)
    grey8(tmp_path, 2, 3)
    monkeypatch.chdir(tmp_path)
    for block in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        line, _, expected = block.partition("\n")
        words = shlex.split(line)
        monkeypatch.delenv("TILEFRAME_PLUGINS", raising=False)
        if words[0].startswith("TILEFRAME_PLUGINS="):
            monkeypatch.setenv(*words.pop(0).split("=", 1))
        assert words.pop(0) == "tileframe"
        exit_code = run_command(words)
        said = capfd.readouterr()
        assert said.out + said.err == expected
        assert exit_code == (2 if "no format named" in expected else 6 if "tileframe: " in expected else 0)
