"""Addresses of files, as a page names them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from tileframe import OutputError


def address(path: Path, folder: Path) -> str:
    """Return the relative URL that leads from ``folder`` to ``path``, whatever characters are in the names."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError as error:
        raise OutputError(f"{path}: no link leads there from {folder}, which is on another drive") from error
    return quote(os.fsencode(relative.replace(os.sep, "/")))
