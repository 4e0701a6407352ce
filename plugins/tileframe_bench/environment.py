"""The machine of a benchmark, the versions of its software, and the folder of its outputs.

For six minutes after files were deleted, ext4 without a journal passes over their inodes one by one when it makes new
ones (``recently_deleted`` in fs/ext4/ialloc.c): a file then takes 200 to 500 microseconds in place of 40, and the next
run would pay. So nothing is deleted before the last run has ended: what has been compared is emptied.
"""

from __future__ import annotations

import os
import platform
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from tileframe import OutputError, machine
from tileframe_bench.records import Machine
from tileframe_bench.text import weight

# fmt: off
PACKAGES = (
    "pyvips", "pyvips-binary", "openslide-python", "openslide-bin", "Pillow", "imagecodecs", "simplejpeg",
    "opencv-python-headless", "numpy", "tifffile",
)
# fmt: on
# What a file takes of a disk beside its bytes, at most, for disks hand out whole pages.
PAGE = 4096
NO_JOURNAL = "ext4 without a journal"
# Seconds for which deleted files slow down others there.
RECENT = 361


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
def scratch_folder(where: Path | None, *, settled: bool = False) -> Iterator[Path]:
    """Give a folder in ``where``, by default among the temporary files, and delete it at the end.

    If ``settled``, only when what was deleted before slows down nothing. `OutputError` if a file of it cannot be
    written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tileframe-bench-", dir=where) as name:
            if settled and _file_system(Path(name)) == NO_JOURNAL:
                time.sleep(RECENT)
            yield Path(name)
    except BrokenPipeError:
        raise  # the reader of the tables has gone; nothing is wrong with the folder
    except OSError as error:
        at = error.filename or where or tempfile.gettempdir()
        raise OutputError(f"{at}: cannot be written ({error.strerror}); give --scratch a folder with room") from error


def refuse_too_little_room(made: Path, times: int) -> None:
    """Raise `OutputError` unless the disk has room for what lies in the folder ``made``, so many ``times`` more."""
    sizes = [path.lstat().st_size + PAGE for path in made.rglob("*")]
    needed, files = times * sum(sizes), times * len(sizes)
    free, left = machine.free_disk(made), machine.free_inodes(made)
    if needed > free or (left is not None and files > left):
        room = weight(free) if needed > free else f"{left:,} files"
        more = f"up to {weight(needed)} in {files:,} files are to come, and there is room for {room}"
        raise OutputError(f"{made}: {more}; give --scratch a folder with more")


def give_back(folder: Path) -> None:
    """Empty the files in ``folder``: their room is free again, and nothing was deleted.

    A file that has other names keeps its content: a backend may have made links to the slide.
    """
    for path in (Path(parent, name) for parent, _, names in os.walk(folder) for name in names):
        with suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                os.truncate(path, 0)


def _file_system(folder: Path) -> str:
    """Return the kind of file system that ``folder`` is on; empty if the system does not tell."""
    real = folder.resolve()
    mounted = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    kind = next((mounted[path] for path in (real, *real.parents) if path in mounted), "")
    if kind == "ext4":
        with suppress(OSError):
            device = real.stat().st_dev
            name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
            if Path(f"/sys/fs/ext4/{name}/journal_task").read_text(encoding="ascii") == "<none>\n":
                return NO_JOURNAL
    return kind


def _processor() -> str:
    with suppress(OSError):  # not Linux
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
