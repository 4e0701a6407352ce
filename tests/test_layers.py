"""The house keeps its order: who may import whom, what a start may cost, and how long a file may be."""

from __future__ import annotations

import ast
import graphlib
import io
import os
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import tileframe
from tests.pictures import jpeg, photo, png, svs

ROOT = Path(__file__).parents[1]
CORE = ROOT / "tileframe"
# Where the command begins is no plugin: it loads the command line, and nothing before that.
BEGINNING = ROOT / "plugins" / "tileframe_start"
PLUGINS = sorted(set((ROOT / "plugins").glob("tileframe_*/")) - {BEGINNING})

LAYERS = (
    {"errors", "frozen", "slides"},
    {"distributions", "executors", "files", "fingerprint", "geometry", "locations", "machine", "options", "serialize"},
    {"facts"},
    {"findings", "pixels", "records"},
    {"protocols", "work"},
    {"absent", "reading"},
    {"guards", "ledger", "pyramids", "sources", "tiles"},
    {"comparison", "journal"},
    {"job"},
    {"discovery", "hooks"},
    {"passthrough", "registry"},
    {"associated", "colour", "quickcheck"},
    {"manifest", "opening", "selection"},
    {"against", "planning"},
    {"verification"},
    {"pipeline"},
    {"__init__"},  # the public names; only what is below this line may import them
    {"cli", "testing"},
    {"__main__"},
)
PUBLIC_MODULES = {
    "cli.later",
    "cli.parameters",
    "cli.progress",
    "cli.text",
    "executors",
    "files",
    "frozen",
    "guards",
    "options",
    "ledger",
    "machine",
    "manifest",
    "pixels",
    "registry",
    "serialize",
    "testing",
    "work",
}
FOR_PLUGINS = {"tileframe", *(f"tileframe.{name}" for name in PUBLIC_MODULES)}
IMAGE_LIBRARIES = {"PIL", "cv2", "imagecodecs", "openslide", "pyvips", "simplejpeg", "tifffile"}
# The server shows the gallery of several slides and the viewer's page, and finds slides as a run of several does.
# One slide is up to date as one of several is.
# The bench's inputs and the demo's slide are written by the same code; who reads PNGs and JPEGs judges damage
# alike; a zip file is the same one on a disk and in an object store; and buckets are opened
# alike, whatever is in them.
SHARED = {
    "tileframe_bench": {"tileframe_demo"},
    "tileframe_commands": {"tileframe_batch"},
    "tileframe_objects": {"tileframe_storage"},
    "tileframe_openslide": {"tileframe_damage"},
    "tileframe_remote": {"tileframe_objects"},
    "tileframe_stores": {"tileframe_storage"},
    "tileframe_serve": {"tileframe_batch", "tileframe_storage", "tileframe_stream", "tileframe_viewer"},
    "tileframe_vips": {"tileframe_damage"},
    "tileframe_writers": {"tileframe_damage"},
}
HEAVY = sorted(
    IMAGE_LIBRARIES
    | {"numpy", "rich", "msgspec", "psutil", "packaging", "importlib.metadata", "email", "multiprocessing"}
)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def imports(path: Path) -> list[tuple[str, str]]:
    """Every module that a file imports, and the name from it; in functions and for type checkers too."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}: imports here are absolute"
            assert node.level == 0, f"{path}: imports here are absolute"
            found += [(node.module, alias.name) for alias in node.names]
    return found


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports; ``from package import module`` is an import of that module."""
    for module, name in imports(path):
        below = CORE.parent / module.replace(".", "/") / name
        yield f"{module}.{name}" if name and (below.is_dir() or below.with_suffix(".py").is_file()) else module


def core_module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_by_checkers(path: Path) -> Path:
    """The stub of a module that has one, which says what it loads when it is used."""
    stub = path.with_suffix(".pyi")
    return stub if stub.is_file() else path


GRAPH = {
    core_module(path): {name for name in imported(read_by_checkers(path)) if name.partition(".")[0] == "tileframe"}
    for path in files(CORE)
}


def layer(module: str) -> int:
    name = module.split(".")[1] if "." in module else "__init__"
    places = [place for place, names in enumerate(LAYERS) if name in names]
    assert places, f"{module} has no place in LAYERS"
    return places[0]


def test_every_way_to_import_is_seen():
    assert "tileframe.pipeline" in GRAPH["tileframe"], "in a function, and for type checkers"
    assert "tileframe.machine" in GRAPH["tileframe.pipeline"], "from tileframe import machine"
    assert "tileframe.registry" in GRAPH["tileframe.pipeline"], "from tileframe.registry import Registry"
    assert GRAPH["tileframe.errors"] == set()


def test_every_module_has_one_place_and_every_place_is_taken():
    modules = {module.split(".")[1] if "." in module else "__init__" for module in GRAPH}
    assert sorted(name for names in LAYERS for name in names) == sorted(modules)


def test_imports_go_in_no_circle():
    graphlib.TopologicalSorter(GRAPH).prepare()


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_imports_point_down(module):
    package = module.split(".")[:2]
    for other in GRAPH[module]:
        own = len(package) == 2 and other.split(".")[:2] == package
        assert own or layer(other) < layer(module), f"{module} imports {other}"


@pytest.mark.parametrize("path", files(CORE), ids=lambda path: core_module(path))
def test_core_knows_no_image_library(path):
    assert not {module.partition(".")[0] for module, _ in imports(path)} & IMAGE_LIBRARIES


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_plugin_imports_public_names_and_no_other_plugin(folder):
    others = {other.name for other in PLUGINS} - {folder.name} - SHARED.get(folder.name, set())
    for path in files(folder):
        for module in imported(path):
            top = module.partition(".")[0]
            assert top not in others, f"{path} imports {module}"
            assert top != "tileframe" or module in FOR_PLUGINS, f"{path} imports {module}"
        names = {name for module, name in imports(path) if module == "tileframe" and name}
        public = {module.partition(".")[2] for module in FOR_PLUGINS} | set(tileframe.__all__)
        assert names <= public, f"{path} imports {names - public}"


def loaded_by(statement: str) -> list[str]:
    """The heavy libraries that a fresh interpreter has loaded after ``statement``."""
    code = f"{statement}; import sys; print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stderr.split()


def test_import_loads_no_heavy_library():
    modules = ["tileframe", "tileframe_start.command", *(folder.name for folder in PLUGINS)]
    assert loaded_by(f"import {', '.join(modules)}") == []


def loaded_by_commands(*commands: list[str]) -> list[str]:
    """The same of commands, one after the other, each of which ends with exit code 0."""
    return loaded_by(f"from tileframe_start.command import run_command; assert not any(map(run_command, {commands}))")


def test_commands_that_touch_no_pixel_load_no_heavy_library():
    assert loaded_by_commands(["--help"], ["run", "--help"], ["plugins"]) == []


@pytest.mark.parametrize(
    ("commands", "needed"),
    [
        (["info a.jpg", "run a.jpg", "run a.png -o b", "run a.png -o c --format png --backend vips"], ["pyvips"]),
        (["run a.jpg --backend stream"], ["cv2", "imagecodecs", "numpy", "pyvips"]),
        (["run a.svs"], ["cv2", "imagecodecs", "numpy", "simplejpeg", "tifffile"]),
    ],
    ids=lambda value: ", ".join(value),
)
def test_commands_load_the_libraries_that_their_plans_need_and_no_other(commands, needed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, make in {"a.jpg": jpeg, "a.png": png, "a.svs": svs}.items():
        make(tmp_path / name, photo(400, 300))
    assert loaded_by_commands(*(command.split() for command in commands)) == needed


def test_where_the_command_begins_loads_nothing_of_it():
    code = "import tileframe_start, sys; print(*(name for name in sys.modules if name.startswith('tileframe')))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert loaded == ["tileframe_start"]


def test_the_type_of_pixels_can_be_had_without_numpy():
    assert loaded_by("from tileframe import Pixels") == []


def test_a_heavy_library_would_be_noticed():
    assert loaded_by("import numpy") == ["numpy"]


def modules_of_a_start(path: Path) -> set[str]:
    """What a fresh interpreter has loaded after ``tileframe --help``, with plugins installed at ``path``."""
    code = "import sys, tileframe_start.command as c; c.run_command(['--help']); print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return set(done.stderr.split())


def test_a_start_loads_little_more_than_the_plugins_that_are_installed(tmp_path):
    for number in range(10):
        folder = tmp_path / f"fake_{number}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: fake-{number}\nVersion: 1.0\nRequires-Dist: tileframe<9,>=0.1\n"
        )
        (folder / "entry_points.txt").write_text(f"[tileframe]\nfake{number} = fake_{number}\n")
        (tmp_path / f"fake_{number}.py").write_text("import tileframe")
    more = modules_of_a_start(tmp_path) - modules_of_a_start(tmp_path / "nothing")
    assert {f"fake_{number}" for number in range(10)} <= more
    # Whether they fit this version. The whole of packaging would take longer than all of them.
    assert len(more) < 30, more
    assert "packaging.requirements" not in more


def lines_of_code(path: Path) -> int:
    """How many lines of a file are more than blanks, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    written = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.string.strip() and token.type != tokenize.COMMENT
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            written -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(written)


def test_what_counts_as_code(tmp_path):
    path = tmp_path / "three.py"
    path.write_text('"""Two\n\nlines."""\n\n# why\nx = (  # so\n    """text"""\n)\n"""About x."""\n')
    assert lines_of_code(path) == 3


def test_the_core_stays_below_4000_lines_of_code():
    core = [*CORE.glob("*.py"), *CORE.glob("cli/*.py")]
    assert len(core) > 30
    assert sum(lines_of_code(path) for path in core) < 4000


@pytest.mark.parametrize("folder", ["tileframe", "plugins", "tests", "benchmarks"])
def test_no_file_is_longer_than_400_lines(folder):
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files(ROOT / folder)}
    assert lengths
    assert {path: length for path, length in lengths.items() if length > 400} == {}
