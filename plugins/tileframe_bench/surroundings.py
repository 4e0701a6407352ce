"""The machine and the versions that figures are measured with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from tileframe import machine
from tileframe_bench.baselines import OVERLAP, QUALITY
from tileframe_bench.records import Machine

PACKAGES = (
    "pyvips",
    "pyvips-binary",
    "openslide-python",
    "openslide-bin",
    "Pillow",
    "imagecodecs",
    "simplejpeg",
    "opencv-python-headless",
    "numpy",
    "tifffile",
)


def this_machine(scratch: Path) -> Machine:
    """Return what this process may use; the disk is that of ``scratch``."""
    return Machine(
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        processor=_processor(),
        cores=machine.available_cores(),
        memory=psutil.virtual_memory().total,
        disk=file_system(scratch),
    )


def versions(registry: Any) -> dict[str, str]:
    """Return those of Python, of the packages that do the work, and of every one that offers a backend."""
    packages = {offer.package: offer.version for offer in registry.offers if offer.kind == "backend"}
    installed = {name: found for name in PACKAGES if (found := _version(name))}
    return {"Python": platform.python_version(), **packages, **installed}


def held_equal(workers: int) -> dict[str, str]:
    """Return the options that everyone was given."""
    return {
        "layout": "Deep Zoom, down to 1x1",
        "overlap": f"{OVERLAP}",
        "format": f"JPEG, quality {QUALITY}, 4:2:0, baseline",
        "bounds": "the whole slide",
        "background": "the slide's own, else white",
        "colour profile": "not applied, not written",
        "workers": f"{workers}; the generator loop has one",
        "input": "in the system's cache",
        "each run": "a process of its own, in a fresh folder",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []  # not Linux
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def file_system(folder: Path) -> str:
    """Return the kind of file system that ``folder`` is on; nothing if the system does not say."""
    real = folder.resolve()
    mounted = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    above = [path for path in (real, *real.parents) if path in mounted]
    return mounted[above[0]] if above else ""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
