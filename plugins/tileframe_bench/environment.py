"""The machine, the versions and the common options of a benchmark."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from tileframe import machine
from tileframe_bench.baselines import OVERLAP, QUALITY
from tileframe_bench.records import Machine

# fmt: off
PACKAGES = (
    "pyvips", "pyvips-binary", "openslide-python", "openslide-bin", "Pillow", "imagecodecs", "simplejpeg",
    "opencv-python-headless", "numpy", "tifffile",
)
# fmt: on


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
    """Return those of Python, of the libraries, and of every package that offers a backend."""
    found = {"Python": platform.python_version()}
    found |= {offer.package: offer.version for offer in registry.offers if offer.kind == "backend"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def held_equal(workers: int) -> dict[str, str]:
    """Return the options that all entrants were given."""
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


def file_system(folder: Path) -> str:
    """Return the kind of file system that ``folder`` is on; empty if the system does not tell."""
    real = folder.resolve()
    mounted = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    return next((mounted[path] for path in (real, *real.parents) if path in mounted), "")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []  # not Linux
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
