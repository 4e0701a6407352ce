"""Remove a folder that something may still be writing into."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

# In seconds. A dzsave that was stopped goes on writing for a moment, and Windows holds deleted files open for one.
PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` with all that is in it, and with what is still being written there."""
    shutil.rmtree(folder, ignore_errors=True)
    for pause in PAUSES:
        if not folder.exists():
            return
        time.sleep(pause)
        shutil.rmtree(folder, ignore_errors=True)
