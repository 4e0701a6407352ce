"""The site has every public name, each says what it is, and the build refuses what is broken."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tileframe
from tests.pictures import gradient, svs
from tests.test_layers import PUBLIC_MODULES
from tileframe import hooks

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").glob("*.md")))
SHOWN = re.findall(r"^\.\. (?:auto\w+|py:\w+):: (?:tileframe\.)?([\w.]+)", REFERENCE, re.MULTILINE)
MODULES = [importlib.import_module(f"tileframe.{name}") for name in sorted(PUBLIC_MODULES)]
HOOKS = {name for name in vars(hooks) if name.startswith("tileframe_")}


def public() -> Iterator[tuple[str, object]]:
    """Every public name, and what it is."""
    yield from ((name, getattr(tileframe, name)) for name in tileframe.__all__)
    for module in MODULES:
        own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
        for name in getattr(module, "__all__", own):
            if not name.startswith("_"):
                yield f"{module.__name__}.{name}", getattr(module, name)


PUBLIC = dict(public())
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}
CLASSES = {name: thing for name, thing in PUBLIC.items() if inspect.isclass(thing) and thing.__module__ != "builtins"}


def silent(kind: type) -> Iterator[str]:
    """The fields, members and methods of a class that do not say what they are."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    for thing, after in zip(definition.body, [*definition.body[1:], None], strict=True):
        match thing:
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Assign(targets=[ast.Name(id=name)]) if issubclass(kind, enum.Enum):
                pass
            case ast.FunctionDef(name=name) if not name.startswith("test_"):  # whose name is a sentence
                after = thing.body[0]
            case _:
                continue
        says = (
            isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        )
        if not says and not name.startswith("_"):
            yield name


def test_there_are_names_of_every_kind():
    assert len(FUNCTIONS) > 60
    assert len(CLASSES) > 100


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_public_function_says_what_it_does(name):
    assert inspect.getdoc(FUNCTIONS[name])


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_public_class_says_what_it_is_and_what_all_of_it_is(name):
    assert CLASSES[name].__doc__
    if "testing" not in CLASSES[name].__module__:  # what must be stated, the docstrings of the kit's classes say
        assert list(silent(CLASSES[name])) == []


def test_a_field_a_member_and_a_method_that_say_nothing_are_found():
    class Silent(enum.Enum):
        ONE = 1
        two: int

        def three(self): ...

    assert list(silent(Silent)) == ["ONE", "two", "three"]


def test_the_reference_has_every_public_name_once():
    # A module shows its functions and classes; a tuple says nothing of itself, and has an entry of its own.
    tuples = [name.removeprefix("tileframe.") for name, thing in PUBLIC.items() if type(thing) is tuple]
    assert tuples == ["testing.CASES", "testing.FAULTS"]
    shown = [name for name in SHOWN if name not in PUBLIC_MODULES]
    assert sorted(shown) == sorted([*tileframe.__all__, *HOOKS, *tuples])
    assert {name for name in SHOWN if name in PUBLIC_MODULES} == PUBLIC_MODULES


def test_the_python_of_the_reference_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    svs(tmp_path / "slide.svs", gradient(600, 520))
    (code,) = re.findall(r"^```python\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["report"].tiles > 4
    assert names["pixels"].shape == (255, 255, 3)
    assert names["corner"].shape == (512, 512, 3)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of the pages in ``folder`` as the gate does."""
    options = ["-q", "-W", "--keep-going", "-c", str(DOCS)]
    command = [sys.executable, "-m", "sphinx", *options, str(folder), str(folder / "out")]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


ELSEWHERE = """# Lost

![](https://example.org/a.png) [only a link](https://example.org/)

<script src="//example.org/b.js"></script><p style="background: url(http://example.org/c.png)"></p>

<style>@import 'https://example.org/d.css';</style>
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A site in which all is wrong that the build is to refuse, and how its build ended."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "docs").mkdir()
    (folder / "docs" / "one.md").write_text("# Two\n\n[two](two.md) [here](#nowhere) [there](../README.md#nowhere)\n")
    (folder / "docs" / "lost.md").write_text(ELSEWHERE)
    (folder / "README.md").write_text("# Start\n\n**Guide**\n\n* [One](docs/one.md): first.\n")
    return folder / "out", build(folder)


def test_the_build_refuses_broken_links_pages_nobody_leads_to_and_what_is_loaded_from_elsewhere(broken):
    _, done = broken
    assert done.returncode != 0
    warnings = [line.partition("WARNING: ")[2] for line in done.stderr.splitlines() if "WARNING: " in line]
    said = [
        "document isn't included",
        "'two.md'",
        "'nowhere'",
        "'README': 'nowhere'",
        "a.png",
        "b.js",
        "c.png",
        "d.css",
    ]
    assert [one for one, part in zip(warnings, said, strict=True) if part not in one] == []


def test_the_groups_of_links_that_end_the_readme_are_the_navigation(broken):
    out, _ = broken
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'href="docs/one.html">One</a>' in page
    assert ">Guide<" in page


@pytest.mark.thorough  # as the gate, which builds the whole of the site
def test_the_build_takes_what_is_right_without_a_word(tmp_path):
    (tmp_path / "README.md").write_text("# Start\n")
    done = build(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
