"""What docs/plugins.md says of plugins is so: signatures, commands and messages."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pictures import photo, svs
from tests.plugin_page import FILES, PAGE, grey8
from tests.test_layers import FOR_PLUGINS
from tileframe import hooks
from tileframe import registry as registry_module
from tileframe.registry import RECORDS
from tileframe_start.command import build_cli, run_command

ROOT = Path(__file__).parents[1]
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)}
HOOKS = {name: hook for name, hook in vars(hooks).items() if name.startswith("tileframe_")}
PLUGINS = sorted(name for name, code in FILES.items() if "hookimpl" in code)
CONSOLES = re.findall(r"^```console\n(\$ (?:TILEFRAME_PLUGINS=\S+ )?tileframe .*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def signature(hook: str) -> str:
    return f"{hook}({', '.join(inspect.signature(HOOKS[hook]).parameters)})"


def test_every_hook_has_a_section_and_a_line_with_its_exact_signature():
    assert {signature(hook) for hook in HOOKS} == set(re.findall(r"^## `(\w+\([\w, ]*\))`$", PAGE, re.MULTILINE))
    assert {signature(hook) for hook in HOOKS} == set(re.findall(r"^\| \[`(\w+\([\w, ]*\))`\]", PAGE, re.MULTILINE))


def test_every_record_is_described_with_its_fields_and_how_it_is_made():
    for kind, record in RECORDS.items():
        section = SECTIONS[f"`{signature(f'tileframe_{kind}s')}`"]
        fields = ", ".join(field.name for field in dataclasses.fields(record))
        assert f"`{record.__name__}({fields})`" in section
        made = re.search(r"make\([^)]*\)", record.__doc__ or "")
        assert made is not None, f"{record.__name__} does not say how make is called"
        assert f"`{made[0]}` returns a" in section


def test_every_block_of_code_is_of_a_kind_that_is_run():
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"console", "python", "sh", "toml"}
    assert len([kind for kind, _ in blocks if kind == "python"]) == len(FILES)
    assert len([kind for kind, _ in blocks if kind == "console"]) == len(CONSOLES)


def test_every_hook_has_a_plugin_that_is_shown():
    for hook in HOOKS:
        assert re.search(rf"hookimpl(\([^)]*\))?\ndef {hook}\(", SECTIONS[f"`{signature(hook)}`"])


def test_the_speeds_of_the_bundled_backends_are_the_real_ones(registry):
    speeds = {(offer.plugin.name, offer.plugin.speed) for offer in registry.offers if offer.kind == "backend"}
    section = SECTIONS["`tileframe_backends()`"]
    assert speeds == {(name, int(speed)) for speed, name in re.findall(r"(\d+) \(`(\w+)`\)", section)}


def test_what_plugins_may_rely_on_is_named():
    assert {name for name in FOR_PLUGINS if f"`{name}`" in SECTIONS["Versions"]} == FOR_PLUGINS


def test_the_plugins_load_beside_each_other_and_beside_the_bundled_ones(shown):
    registry = registry_module.load([shown(name) for name in PLUGINS])
    assert {offer.owner for offer in registry.offers} > set(PLUGINS) - {"batch", "queued"}  # which offer nothing


def plugin(name: str) -> str:
    """The code of a plugin that the page's messages are about."""
    codes: dict[str, str] = {
        "grey8": FILES["grey8"],
        "scanner": "import scannerlib",
        "slip": "import tileframe\n@tileframe.hookimpl\ndef tileframe_readerz(): return []",
        "faint": FILES["ppm"].replace('"ppm"', '"faint"').replace("height, width, _ = pixels.shape", "1 / 0"),
        "later": "raise AssertionError('it is not imported')",
        "rerun": FILES["batch"].replace("def batch", "def run").replace("(batch)", "(run)"),
    }
    return codes.get(name, FILES["ppm"])


# Each plugin, the package it is in, and the module.
INSTALLED = [
    ("grey8", "tileframe-grey8", "installed_grey8"),
    ("scanner", "tileframe-scanner", "installed_scanner"),
    ("slip", "tileframe-slip", "installed_slip"),
    ("faint", "tileframe-faint", "installed_faint"),
    ("later", "tileframe-later", "installed_later"),
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
                (facts / "METADATA").write_text(
                    f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
                    + "Requires-Dist: tileframe>=0.2\n" * (name == "later")
                )
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
        wrong_option = "no format named" in expected or "has no option" in expected
        assert exit_code == (2 if wrong_option else 6 if expected.startswith("tileframe: ") else 0)


def test_the_commands_of_the_page_work_one_after_the_other(shown, tmp_path, monkeypatch):
    registry = registry_module.load([shown("database"), shown("flat")])
    svs(tmp_path / "slide.svs", photo(600, 421))
    monkeypatch.chdir(tmp_path)
    lines = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)).splitlines()
    assert len(lines) == 5
    for line in lines:
        _, *words = shlex.split(line)
        assert not build_cli(registry).main(words, standalone_mode=False, obj=registry), line


def test_the_files_that_the_example_has_too_are_the_same():
    example = ROOT / "plugins" / "example" / "tileframe_example"
    same = {name for name in FILES if (example / f"{name}.py").is_file()}
    assert same == {"batch", "database", "flat", "plain", "pool", "sheet", "weight", "zipped"}
    for name in same:
        assert (example / f"{name}.py").read_text(encoding="utf-8") == FILES[name], name


def test_the_files_of_the_page_are_typed_strictly(tmp_path):
    for name, code in FILES.items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\nwarn_unreachable = true\n")
    # The cache of the repository's own runs, where there is one, saves reading numpy's types.
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "plugin_page"), "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
