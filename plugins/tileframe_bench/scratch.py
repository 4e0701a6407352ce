"""Where outputs go, and how their disk is given back while there is something to be measured.

For minutes, ext4 passes over the inodes of deleted files, one by one, when it makes new ones (``recently_deleted`` in
fs/ext4/ialloc.c): whoever is next would pay for thousands of them.
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
from tileframe_bench.surroundings import file_system

# File systems on which deleting is dear; the last may lie on one of the others.
DEAR = ("ext3", "ext4", "overlay")
# So many times the files of one trial are to be free, if they are to be kept.
ENOUGH = 4


@contextmanager
def scratch_folder(where: Path | None) -> Iterator[Path]:
    """Give a folder for outputs in ``where``, by default among the temporary files, and delete it at the end.

    `OutputError` if what is in it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tileframe-bench-", dir=where) as name:
            yield Path(name)
    except BrokenPipeError:
        raise  # whoever read the tables has gone; nothing is wrong with the folder
    except OSError as error:
        place = error.filename or where or tempfile.gettempdir()
        raise OutputError(
            f"{place}: cannot be written ({error.strerror}); give --scratch a folder with room"
        ) from error


def give_back(folder: Path) -> None:
    """Give the disk back that ``folder`` takes: delete it, or leave its files with nothing in them where that is dear.

    A file that has other names keeps what is in it: somebody's backend may have made links to the slide.
    """
    if file_system(folder) not in DEAR:
        shutil.rmtree(folder)
        return
    number = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with suppress(OSError):
                facts = os.lstat(path)
                if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
                    os.truncate(path, 0)
            number += 1
    if (free := machine.free_inodes(folder)) is not None and free < ENOUGH * number:
        shutil.rmtree(folder)
