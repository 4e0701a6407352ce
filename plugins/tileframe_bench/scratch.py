"""Where outputs go, of which nothing is deleted while there is something to be measured.

For minutes, ext4 passes over the inodes of deleted files when it makes new ones (``recently_deleted`` in
fs/ext4/ialloc.c): whoever is next would pay for thousands of them.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tileframe import OutputError


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


def empty(folder: Path) -> None:
    """Give the disk back that the files in ``folder`` take, and leave them there with nothing in them."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            # Not what is elsewhere as well: somebody's backend may have made links to the slide.
            with suppress(OSError):
                facts = os.lstat(path)
                if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
                    os.truncate(path, 0)
