"""The plugin that authors copy, as they have it: built, installed into an environment of its own, tested and used."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

from tests.pictures import gradient
from tests.pyramids import assembled, descriptor, tiles

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "plugins" / "example"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")


def output(*command: str | Path, folder: Path) -> str:
    """What ``command`` prints, run in ``folder`` and without the settings of this process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "TILEFRAME"))}
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, where an author has copied it."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("author") / "example", ignore=ignored))


@pytest.fixture(scope="module")
def python(copy: Path) -> Path:
    """The interpreter of a new environment with the example's wheel; all else it borrows from this environment."""
    folder, wheels = copy.parent / "environment", copy.parent / "wheels"
    venv.create(folder, symlinks=os.name != "nt")
    paths = {"base": str(folder), "platbase": str(folder)}
    interpreter = Path(sysconfig.get_path("scripts", "venv", paths)) / Path(sys.executable).name
    borrowed = Path(sysconfig.get_path("purelib", "venv", paths)) / "borrowed.pth"
    borrowed.write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    output(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", wheels, copy, folder=copy.parent)
    (wheel,) = wheels.iterdir()
    output(*pip, "--python", interpreter, "install", "--no-index", "--no-deps", wheel, folder=copy.parent)
    return interpreter


def tileframe(python: Path, *arguments: str, folder: Path) -> str:
    return output(python, "-c", "from tileframe.cli import main; main()", *arguments, folder=folder)


def test_its_own_tests_pass(python, copy):
    assert " passed" in output(python, "-m", "pytest", "-p", "no:cacheprovider", folder=copy)


def test_it_is_listed_with_its_package(python, copy):
    listed = [line.split()[:5] for line in tileframe(python, "plugins", folder=copy).splitlines()]
    assert ["reader", "npy", "example", "tileframe-example", "0.1.0"] in listed
    assert ["writer", "bmp", "example", "tileframe-example", "0.1.0"] in listed


@pytest.mark.parametrize("tile_format", ["bmp", "jpeg", "png"])
def test_an_array_becomes_a_pyramid_in_its_format_and_in_ours(tile_format, python, tmp_path):
    array = gradient(300, 200)
    np.save(tmp_path / "array.npy", array)
    tileframe(python, "run", "array.npy", "--format", tile_format, folder=tmp_path)
    dzi = tmp_path / "array.dzi"
    assert descriptor(dzi)["Format"] == tile_format
    assert {path.suffix for path in tiles(dzi).values()} == {f".{tile_format}"}
    base = assembled(dzi, 9)
    assert base.shape == array.shape
    assert tile_format == "jpeg" or np.array_equal(base, array)


def test_its_option_reaches_the_manifest(python, tmp_path):
    np.save(tmp_path / "array.npy", gradient(30, 20))
    tileframe(python, "run", "array.npy", "--reader-option", "mpp=0.5", folder=tmp_path)
    plan = json.loads((tmp_path / "array.tileframe.json").read_text(encoding="utf-8"))["plan"]
    assert (plan["source"]["mpp"], plan["reader_options"]) == ([0.5, 0.5], {"mpp": 0.5})


def test_importing_it_loads_no_heavy_library(python, tmp_path):
    code = "import sys, tileframe_example; print(*{'numpy', 'PIL', 'pyvips', 'openslide'} & set(sys.modules))"
    assert output(python, "-c", code, folder=tmp_path).split() == []


def test_its_readme_names_its_files():
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    files = {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*.py")}
    assert set(re.findall(r"`(\w+/\w+\.py)`", readme)) == files


def test_the_readmes_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", (EXAMPLE / "README.md").read_text(encoding="utf-8")):
        assert (EXAMPLE / target).exists(), target
