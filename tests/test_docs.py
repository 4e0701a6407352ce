"""What the README and the docs say is so."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
import types
from pathlib import Path

import click
import numpy as np
import pytest
import yaml

from tests.pictures import gradient, svs
from tests.pyramids import assembled
from tileframe import errors, run
from tileframe import registry as registry_module
from tileframe_start.command import INTERRUPTED, READER_GONE, build_cli, run_command

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The arguments of every tileframe command that the README gives with all its options."""
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(part)[1:] for part in parts if part.startswith("tileframe ")]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_the_readmes_commands_are_understood(arguments, registry):
    cli = build_cli(registry)
    command = cli.get_command(click.Context(cli), arguments[0])
    assert command is not None
    command.make_context(arguments[0], arguments[1:], resilient_parsing=False)


def test_the_readmes_plugin_works_with_every_backend(tmp_path):
    plugin = types.ModuleType("my_module")
    exec(next(block for block in blocks("python") if "hookimpl" in block), plugin.__dict__)
    registry = registry_module.load([plugin])
    np.save(tmp_path / "array.npy", gradient(300, 200))
    for backend in ("stream", "vips", "openslide"):
        report = run(tmp_path / "array.npy", tmp_path / backend, format="png", backend=backend, registry=registry)
        assert report.reader == "array"
        assert np.array_equal(assembled(report.target, report.levels - 1), gradient(300, 200))


def test_the_readmes_plugin_is_about_twenty_lines():
    plugin = next(block for block in blocks("python") if "hookimpl" in block)
    assert len([line for line in plugin.splitlines() if line.strip()]) <= 20


def test_the_readmes_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    svs(tmp_path / "slide.svs", gradient(300, 200))
    exec(next(block for block in blocks("python") if "tileframe.run(" in block), {})
    assert (tmp_path / "out" / "slide.dzi").exists()


def test_the_readmes_output_is_what_a_run_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    svs(tmp_path / "slide.svs", gradient(1500, 1100), levels=(1, 4, 16))
    shown = [block.splitlines() for block in blocks("console") if block.startswith("$ tileframe run")]
    assert len(shown) == 3
    for lines in shown:
        options = shlex.split(lines[0][2:])[3:]
        assert run_command(["run", "slide.svs", *options]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in printed] == [line.split()[0] for line in lines[1:]]
        assert printed[-2:] == lines[-2:]


def test_the_readmes_proof_is_what_the_commands_say(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    svs(tmp_path / "slide.svs", gradient(1500, 1100))
    for name, backend in (("fast", "auto"), ("vips", "vips")):
        run("slide.svs", name, backend=backend)
    (block,) = [block for block in blocks("console") if "compare" in block]
    lines = block.splitlines()
    for command, shown in zip(lines[::2], lines[1::2], strict=True):
        arguments = command.replace("tileframe-demo/tileframe-demo.svs", "slide.svs").split()[2:]
        assert run_command(arguments) == 0
        assert capsys.readouterr().out.strip() == shown.replace("2,219", "52")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_ignores_what_the_readmes_commands_write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    (tmp_path / "tileframe-demo").mkdir()
    slide = svs(tmp_path / "tileframe-demo" / "tileframe-demo.svs", gradient(300, 200))
    assert run_command(["run", str(slide), "-o", "fast", "--viewer", "-q"]) == 0
    assert run_command(["run", str(slide), "-o", "slow.szi", "-q"]) == 0
    assert run_command(["view", "fast.dzi", "--no-open"]) == 0
    subprocess.run(["git", "init", "--quiet"], check=True)
    status = subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
    assert status == "?? .gitignore\n"


def test_the_workflow_tries_every_version_of_python_that_the_package_names():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [text.rpartition(" ")[2] for text in project["classifiers"] if ":: 3." in text]
    assert workflow["jobs"]["gate"]["strategy"]["matrix"]["python"] == named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for name, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        target = page.parent / name if name else page
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_documented_exit_codes_are_the_real_ones():
    table = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8").partition("## Exit codes")[2]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    real = {kind.exit_code for kind in classes if issubclass(kind, errors.TileframeError)}
    assert documented == {0, INTERRUPTED, READER_GONE} | real


def test_the_readmes_formats_are_the_readers(registry):
    table = README.partition("## Formats")[2].partition("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {offer.name for offer in registry.readers}
