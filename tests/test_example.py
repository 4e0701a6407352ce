"""The package that authors copy, as they have it: built, installed into an environment of its own, tested and used.

It offers every kind of plugin; its own tests are the contracts of all.
"""

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
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.contracts.wrong_example import QUICK, WRONG
from tests.pictures import gradient
from tests.pyramids import assembled, descriptor, tiles
from tileframe.registry import RECORDS

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "plugins" / "example"

SLOW = sorted({test.partition(".")[0] for test in WRONG} - set(QUICK))

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")


def output(*command: str | Path, folder: Path) -> str:
    """What ``command`` prints, run in ``folder`` and without the settings of this process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "TILEFRAME"))}
    kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # an author has none of those that this repository's tests need
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
    folder = copy.parent / "environment"
    venv.create(folder, symlinks=os.name != "nt")
    paths = {"base": str(folder), "platbase": str(folder)}
    interpreter = Path(sysconfig.get_path("scripts", "venv", paths)) / Path(sys.executable).name
    borrowed = Path(sysconfig.get_path("purelib", "venv", paths)) / "borrowed.pth"
    borrowed.write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8")
    # Only `install` builds the wheel as well: each start of pip costs a second.
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", interpreter, "install", "--quiet")
    output(*pip, "--no-index", "--no-deps", "--no-build-isolation", copy, folder=copy.parent)
    return interpreter


ALL = """
import contextlib, io, json, sys
from tileframe_start.command import run_command
said = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert run_command(command) == 0, command
    said.append(out.getvalue())
print(json.dumps(said))
"""


def tileframe_all(python: Path, *commands: list[str], folder: Path) -> list[str]:
    """What each of ``commands`` prints; in one process, for each costs half a second."""
    said: list[str] = json.loads(output(python, "-c", ALL, json.dumps(commands), folder=folder))
    return said


@pytest.mark.parametrize("but", ["TestPool or TestSheet or TestPlain", pytest.param("", marks=pytest.mark.thorough)])
def test_its_own_tests_pass(but, python, copy):
    chosen = ["-k", f"not ({but})"] if but else []
    assert " passed" in output(python, "-m", "pytest", "-p", "no:cacheprovider", *chosen, folder=copy)


@pytest.mark.parametrize("kinds", [QUICK, pytest.param(SLOW, marks=pytest.mark.thorough)], ids=["quick", "slow"])
def test_each_thing_that_is_wrong_on_purpose_fails_the_contract_meant_for_it_and_no_other(
    kinds, python, copy, tmp_path
):
    found = json.loads(output(python, "-m", "tests.contracts.wrong_example", copy, tmp_path, *kinds, folder=ROOT))
    assert found == {test: [test] for test in found}
    assert {test.partition(".")[0] for test in found} == set(kinds)
    assert len(QUICK) + len(SLOW) == len(OFFERED), "each kind but the origin, which has no contract, and the module"


OFFERED = {
    "reader": "npy", "writer": "bmp", "layout": "flat", "store": "database", "backend": "plain", "executor": "pool",
    "check": "weight", "viewer": "sheet", "origin": "zipped",
}  # fmt: skip


def test_it_offers_one_of_every_kind_and_is_listed_with_its_package(python, copy):
    told, shown = tileframe_all(python, ["plugins", "--json"], ["plugins"], folder=copy)
    listed = json.loads(told)["plugins"]
    assert {offer["kind"]: offer["name"] for offer in listed if offer["package"] == "tileframe-example"} == OFFERED
    lines = [line.split()[:5] for line in shown.splitlines()]
    assert ["reader", "npy", "example", "tileframe-example", "0.1.0"] in lines
    assert ["writer", "bmp", "example", "tileframe-example", "0.1.0"] in lines
    assert set(OFFERED) == set(RECORDS) - {"colour"}, "of which there can be one in all"


def test_all_that_it_offers_is_chosen_from_the_command_line(python, tmp_path):
    np.save(tmp_path / "array.npy", gradient(2600, 300))
    names = ["--reader", "npy", "--reader-option", "mpp=0.5", "--format", "bmp", "--format-option", "dpi=300"]
    _, _, verified, compared, info = tileframe_all(
        python,
        ["run", "array.npy", "-o", "a", *names, "--layout", "flat", "--backend", "plain", "--viewer=sheet"],
        ["run", "array.npy", "-o", "b.sqlite", *names, "--executor", "pool"],
        ["verify", "a.flat", "--check", "weight"],
        ["compare", "a.flat", "b.sqlite"],
        ["info", "b.sqlite", "--json"],
        folder=tmp_path,
    )
    assert verified.endswith("nothing is wrong\n")
    assert "pixels: identical" in compared
    told = json.loads(info)["manifest"]["plan"]
    assert [told[kind] for kind in ("reader", "format", "store")] == ["npy", "bmp", "database"]
    assert (told["format_options"], told["reader_options"]) == ({"dpi": 300}, {"mpp": 0.5})
    assert told["source"]["mpp"] == [0.5, 0.5]
    page = (tmp_path / "a-sheet.html").read_bytes()
    with zipfile.ZipFile(tmp_path / "arrays.zip", "w") as archive:
        archive.write(tmp_path / "array.npy", "array.npy")
    viewed, zipped, batch = tileframe_all(
        python,
        ["view", "a.flat", "--viewer=sheet", "--no-open"],
        ["info", "zipped://arrays.zip/array.npy"],
        ["batch", "array.npy", "-o", "many"],
        folder=tmp_path,
    )
    assert viewed == "a-sheet.html\n"
    assert (tmp_path / "a-sheet.html").read_bytes() == page
    assert "2600x300" in zipped
    assert batch.startswith(f"many{os.sep}array.dzi ")


def test_an_array_becomes_a_pyramid_in_its_format_and_in_one_of_ours(python, tmp_path):
    array, formats = gradient(300, 200), ("bmp", "png")
    np.save(tmp_path / "array.npy", array)
    tileframe_all(python, *(["run", "array.npy", "--format", one, "-o", one] for one in formats), folder=tmp_path)
    for tile_format in formats:
        dzi = tmp_path / f"{tile_format}.dzi"
        assert descriptor(dzi)["Format"] == tile_format
        assert {path.suffix for path in tiles(dzi).values()} == {f".{tile_format}"}
        base = assembled(dzi, 9)
        assert base.shape == array.shape
        assert np.array_equal(base, array)


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
