"""Let other processes find the reader of the contract's slides, as an installed plugin."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

PATH = "PYTHONPATH"


@contextmanager
def discoverable() -> Iterator[None]:
    """Within it, `tileframe.registry.load` finds the plugin `tileframe.testing.slides` here and in new processes.

    New ones are those of multiprocessing, which get this one's ``sys.path``, and any others that get its environment.
    """
    folder, before = _distribution(), os.environ.get(PATH)
    sys.path.append(folder)
    os.environ[PATH] = folder if before is None else f"{before}{os.pathsep}{folder}"
    try:
        yield
    finally:
        sys.path.remove(folder)
        if before is None:
            del os.environ[PATH]
        else:
            os.environ[PATH] = before


@cache
def _distribution() -> str:
    """Return a folder in which a distribution with the plugin counts as installed.

    It stays until this process ends: workers that were started in one run may be used by the next.
    """
    folder = mkdtemp(prefix="tileframe-testing-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    facts = Path(folder, "tileframe_testing-1.dist-info")
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tileframe-testing\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[tileframe]\ntileframe-testing = tileframe.testing.slides\n")
    return folder
