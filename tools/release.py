"""Build sdist and wheel, look at what is in them, and try each in a fresh environment: ``python tools/release.py``.

It uploads nothing. Where all is right, both are put into ``dist``; else a line says what is wrong, and none is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Collection, Sequence
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENDOR = "plugins/tileframe_viewer/vendor/openseadragon"
FETCHED = {f"{VENDOR}/openseadragon.min.js", f"{VENDOR}/LICENSE.txt"}
"""What no commit has: the build brings it from npm."""
PICTURE = "from PIL import Image; Image.linear_gradient('L').resize((1500, 1100)).convert('RGB').save('picture.png')"
PLACES = "import tileframe, tileframe_viewer; print(tileframe.__file__, tileframe_viewer.__file__, sep='\\n')"
LOADED = (
    "from tileframe.registry import load; all = load(); "
    "print(*all.installed.keys() - {one.owner for one in all.broken})"
)


class WrongError(Exception):
    """Something is not as a release must be; the message is one line."""


def main() -> int:
    """Take every step, and return the exit code."""
    try:
        if lacking := [name for name in ("build", "twine") if find_spec(name) is None]:
            raise WrongError(f"{' and '.join(lacking)} must be installed: pip install '.[release]'")
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        version = project["project"]["version"]
        changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        say("version", agreed(version, changes, run("git", "tag", "--points-at", "HEAD").split()))
        if changed := run("git", "status", "--porcelain", "--untracked-files=no"):
            raise WrongError(f"what is not committed would be released: {changed.split()[-1]}")
        with tempfile.TemporaryDirectory(prefix="tileframe-release-", ignore_cleanup_errors=True) as name:
            built = build(Path(name, "dist"), version)
            tracked = set(filter(None, run("git", "ls-files", "-z").split("\0")))
            compare(built[0], f"tileframe-{version}/", in_sdist(tracked, project))
            compare(built[1], "", in_wheel(tracked, project))
            for package in built:
                try_out(package, version, project["project"]["entry-points"]["tileframe"], Path(name, package.suffix))
            for package in built:
                (ROOT / "dist").mkdir(exist_ok=True)
                shutil.copy(package, ROOT / "dist")
    except WrongError as error:
        print(f"release: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    say("done", f"dist/{built[0].name} and dist/{built[1].name}; nothing was uploaded")
    return 0


def say(step: str, what: str) -> None:
    """Print what a step has found right."""
    print(f"{step:8} {what}", flush=True)


def run(*command: str | Path, folder: Path | None = None) -> str:
    """Return what a command prints in ``folder``, else the repository's; `WrongError`, with all it said, if it fails.

    Of the environment, it sees nothing that could bring the repository's own code in.
    """
    hidden = ("PYTHON", "TILEFRAME_", "VIRTUAL_ENV")
    seen = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    seen |= {"PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        cwd=folder or ROOT,
        env=seen,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WrongError(f"{Path(command[0]).name} {' '.join(map(str, command[1:]))}: {done.stdout}{done.stderr}")
    return done.stdout


def agreed(version: str, changes: str, tags: Sequence[str]) -> str:
    """Return the version as it is named everywhere; `WrongError` where one says otherwise.

    A tag of the commit must be the version's own, and then the changelog must have a date for it.
    """
    heading = re.search(r"^## (\S+) \((not released|\d{4}-\d\d-\d\d)\)$", changes, re.MULTILINE)
    if heading is None or heading[1] != version:
        found = f"begins with {heading[1]}" if heading else "has no heading like '## 1.2.3 (2026-12-31)'"
        raise WrongError(f"pyproject.toml has version {version}, and CHANGELOG.md {found}")
    if wrong := [tag for tag in tags if tag.startswith("v") and tag != f"v{version}"]:
        raise WrongError(f"pyproject.toml has version {version}, and the commit has the tag {wrong[0]}")
    if tags and heading[2] == "not released":
        raise WrongError(f"the commit has the tag v{version}, and CHANGELOG.md says 'not released'")
    return f"{version}, {'tagged' if tags else 'without a tag'}, {heading[2]}"


def build(folder: Path, version: str) -> list[Path]:
    """Build sdist, and the wheel out of it, into ``folder``; return both."""
    run(sys.executable, "-m", "build", "--outdir", folder)
    built = [folder / f"tileframe-{version}.tar.gz", folder / f"tileframe-{version}-py3-none-any.whl"]
    if sorted(folder.iterdir()) != sorted(built):
        raise WrongError(f"the build made {', '.join(sorted(path.name for path in folder.iterdir()))}")
    run(sys.executable, "-m", "twine", "check", "--strict", *built)
    say("built", f"{', '.join(f'{path.name} ({path.stat().st_size:,} bytes)' for path in built)}; metadata are right")
    return built


def in_sdist(tracked: Collection[str], project: dict[str, Any]) -> set[str]:
    """Return what an sdist has to hold: what is committed, of what it takes; what npm gave; and its metadata."""
    wanted = {name.removeprefix("/") for name in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    files = {path for path in tracked if wanted & {path, *map(str, PurePosixPath(path).parents)}}
    return files | FETCHED | {f"{VENDOR}/integrity.txt", "PKG-INFO", "pyproject.toml", ".gitignore"}


def in_wheel(tracked: Collection[str], project: dict[str, Any]) -> set[str]:
    """Return what a wheel has to hold: what is committed of core and plugins, what npm gave, licences and metadata."""
    exclude = project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    files = set()
    for path in map(PurePosixPath, {*tracked, *FETCHED}):
        left_out = any(fnmatch(str(one), name) for one in (path, *path.parents) for name in exclude)
        if fnmatch(str(path), "tileframe/*") and not left_out:
            files.add(str(path))
        if fnmatch(str(path), "plugins/tileframe_*/*") and not left_out:
            files.add(str(path.relative_to("plugins")))
    metadata = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    return files | {f"tileframe-{project['project']['version']}.dist-info/{name}" for name in metadata}


def compare(package: Path, prefix: str, wanted: set[str]) -> None:
    """Raise `WrongError` if a package holds other files than ``wanted``, or names a folder of this machine."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    else:
        with tarfile.open(package) as archive_:
            members = {one.name.removeprefix(prefix): archive_.extractfile(one) for one in archive_ if not one.isdir()}
            files = {name: stream.read() if stream else b"" for name, stream in members.items()}
    for what, names in {"lacks": wanted - files.keys(), "has, and should not have,": files.keys() - wanted}.items():
        if names:
            raise WrongError(f"{package.name} {what} {min(names)}{f' and {len(names) - 1} more' * (len(names) > 1)}")
    if found := [name for name, content in files.items() if str(ROOT).encode() in content]:
        raise WrongError(f"{package.name}: {found[0]} names {ROOT}")
    say("inside", f"{package.name}: {len(files)} files, all of them committed or from npm; licences among them")


def try_out(package: Path, version: str, plugins: Collection[str], folder: Path) -> None:
    """Install a package into a fresh environment, and use it in a folder of its own; `WrongError` for what is wrong."""
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    python, tileframe = shutil.which("python", path=scripts), scripts / "tileframe"
    if python is None:
        raise WrongError(f"{scripts} has no python")
    work = folder / "work"
    work.mkdir()
    run(python, "-m", "pip", "install", "--quiet", package, folder=work)
    run(python, "-m", "pip", "check", folder=work)
    if outside := [one for one in run(python, "-c", PLACES, folder=work).split("\n")[:-1] if str(folder) not in one]:
        raise WrongError(f"{package.name}: {outside[0]} was imported, not what is installed")
    if (said := run(tileframe, "--version", folder=work).strip()) != f"tileframe {version}":
        raise WrongError(f"{package.name}: --version says '{said}'")
    if lost := set(plugins) - set(run(python, "-c", LOADED, folder=work).split()):
        raise WrongError(f"{package.name}: these plugins are missing or broken: {', '.join(sorted(lost))}")
    run(tileframe, "plugins", folder=work)
    run(tileframe, "demo", "--megapixels", "4", "--no-open", folder=work)
    for name in ("tileframe-demo.html", "tileframe-viewer/openseadragon*.js"):
        if not list((work / "tileframe-demo").glob(name)):
            raise WrongError(f"{package.name}: the demo made no {name}")
    run(python, "-c", PICTURE, folder=work)
    run(tileframe, "run", "picture.png", "-o", "out/", "--viewer", "--quiet", folder=work)
    run(tileframe, "verify", "out/picture.dzi", "--against", "picture.png", folder=work)
    say("tried", f"{package.name}: installed alone; --version, plugins, demo, run and verify do what they should")


if __name__ == "__main__":
    sys.exit(main())
