"""The machine of a benchmark, the versions of its software, and the folder of its outputs.

For minutes after files were deleted, ext4 passes over their inodes one by one when it makes new ones
(``recently_deleted`` in fs/ext4/ialloc.c), and the next run would pay: there files are emptied, and deleted at the end.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from tileframe import OutputError, machine
from tileframe_bench.records import Machine

# fmt: off
PACKAGES = (
    "pyvips", "pyvips-binary", "openslide-python", "openslide-bin", "Pillow", "imagecodecs", "simplejpeg",
    "opencv-python-headless", "numpy", "tifffile",
)
# fmt: on
# File systems on which files are emptied; the last may lie on one of the others.
EMPTIED_ON = ("ext3", "ext4", "overlay")
# Emptied files are kept if this many times their number can still be made.
SPARE_INODES = 4


def this_machine(scratch: Path) -> Machine:
    """Return what this process may use; the disk is that of ``scratch``."""
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    memory = psutil.virtual_memory().total
    return Machine(system, _processor(), machine.available_cores(), memory, _file_system(scratch))


def versions(registry: Any) -> dict[str, str]:
    """Return those of Python, of the libraries, and of every package that offers a backend."""
    found = {"Python": platform.python_version()}
    found |= {offer.package: offer.version for offer in registry.offers if offer.kind == "backend"}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@contextmanager
def scratch_folder(where: Path | None) -> Iterator[Path]:
    """Give a folder in ``where``, by default among the temporary files, and delete it at the end.

    `OutputError` if a file of it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tileframe-bench-", dir=where) as name:
            yield Path(name)
    except BrokenPipeError:
        raise  # the reader of the tables has gone; nothing is wrong with the folder
    except OSError as error:
        place = error.filename or where or tempfile.gettempdir()
        raise OutputError(
            f"{place}: cannot be written ({error.strerror}); give --scratch a folder with room"
        ) from error


def give_back(folder: Path) -> None:
    """Delete ``folder``, or empty its files where deleting would slow down the next run.

    A file that has other names keeps its content: a backend may have made links to the slide.
    """
    number = 0
    if _file_system(folder) in EMPTIED_ON:
        for path in (Path(parent, name) for parent, _, names in os.walk(folder) for name in names):
            number += 1
            with suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                    os.truncate(path, 0)
    free = machine.free_inodes(folder)
    if not number or (free is not None and free < SPARE_INODES * number):
        shutil.rmtree(folder)


def _file_system(folder: Path) -> str:
    """Return the kind of file system that ``folder`` is on; empty if the system does not tell."""
    real = folder.resolve()
    mounted = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    return next((mounted[path] for path in (real, *real.parents) if path in mounted), "")


def _processor() -> str:
    with suppress(OSError):  # not Linux
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
