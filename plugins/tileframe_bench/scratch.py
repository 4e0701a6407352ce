"""The folder of outputs, and how their disk is given back between measurements.

For minutes after files were deleted, ext4 passes over their inodes one by one when it makes new ones
(``recently_deleted`` in fs/ext4/ialloc.c), and the next run would pay: there files are emptied, and deleted at the end.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tileframe import OutputError, machine
from tileframe_bench.environment import file_system

# File systems on which files are emptied; the last may lie on one of the others.
EMPTIED_ON = ("ext3", "ext4", "overlay")
# Emptied files are kept if this many times their number can still be made.
SPARE_INODES = 4


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
    if file_system(folder) in EMPTIED_ON:
        for path in (Path(parent, name) for parent, _, names in os.walk(folder) for name in names):
            number += 1
            with suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                    os.truncate(path, 0)
    free = machine.free_inodes(folder)
    if not number or (free is not None and free < SPARE_INODES * number):
        shutil.rmtree(folder)
