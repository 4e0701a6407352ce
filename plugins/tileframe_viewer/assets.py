"""The files that every page needs, in one folder beside it: OpenSeadragon, our script, our style.

Their names carry a digest of their contents. So pages of several pyramids, and of several versions of tileframe, share
the folder, an old page keeps the files it was written for, and no browser shows an old file for a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tileframe import OutputError, PluginError
from tileframe.files import write_whole

FOLDER = "tileframe-viewer"
OPENSEADRAGON = "6.1.1"
HERE = Path(__file__).parent
VENDOR = HERE / "vendor" / "openseadragon"
# In the order in which they are loaded: each after those it uses. main runs the page.
SCRIPTS = (
    "scale",
    "layouts",
    "absent",
    "coordinates",
    "link",
    "problems",
    "formats",
    "zip",
    "members",
    "ranges",
    "source",
    "panels",
    "theme",
    "fullpage",
    "stage",
    "together",
    "curtain",
    "figures",
    "pair",
    "readouts",
    "loading",
    "address",
    "plane",
    "layer",
    "ruler",
    "light",
    "geojson",
    "annotations",
    "snapshot",
    "power",
    "actions",
    "keyboard",
    "main",
)
STYLES = ("theme", "layout", "parts", "panels")


@dataclass(frozen=True)
class Assets:
    """The names of the files, as the page refers to them, and their contents."""

    openseadragon: str
    script: str
    style: str
    icon: str
    files: Mapping[str, bytes]


def read_assets() -> Assets:
    """Return the files; `PluginError`, with what to do about it, if OpenSeadragon was not installed with tileframe."""
    try:
        library = (VENDOR / "openseadragon.min.js").read_bytes()
        licence = (VENDOR / "LICENSE.txt").read_bytes()
    except OSError as error:
        raise PluginError(
            f"the viewer's page needs OpenSeadragon {OPENSEADRAGON}, which could not be fetched when tileframe was "
            "installed: install tileframe again where the npm registry can be reached, or put openseadragon.min.js and "
            f"LICENSE.txt of that version (https://openseadragon.github.io) into {VENDOR}"
        ) from error
    script = _joined([f"{name}.js" for name in SCRIPTS])
    style = _joined([f"{name}.css" for name in STYLES])
    icon = (HERE / "page" / "icon.svg").read_bytes()
    names = Assets(
        openseadragon=_named("openseadragon", library, "js"),
        script=_named("viewer", script, "js"),
        style=_named("viewer", style, "css"),
        icon=_named("icon", icon, "svg"),
        files={},
    )
    files = {
        names.openseadragon: library,
        names.script: script,
        names.style: style,
        names.icon: icon,
        "openseadragon-LICENSE.txt": licence,
    }
    return Assets(names.openseadragon, names.script, names.style, names.icon, files)


def write_assets(folder: Path, assets: Assets) -> None:
    """Write the files into ``folder`` that are missing there or differ; `OutputError` if that cannot be done."""
    try:
        folder.mkdir(exist_ok=True)
        for name, data in assets.files.items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != data:
                write_whole(path, data)
    except OSError as error:
        raise OutputError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error


def _named(name: str, data: bytes, suffix: str) -> str:
    return f"{name}-{hashlib.sha256(data).hexdigest()[:10]}.{suffix}"


def _joined(names: list[str]) -> bytes:
    return b"\n".join((HERE / "page" / name).read_bytes() for name in names)
