"""The files that the user asked for: replaced in one step if they are regular, written once if they are streams."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tileframe import OutputError


def refuse_unwritable(files: Sequence[Path], slides: Sequence[Path]) -> None:
    """Raise `OutputError` for a file that cannot be written, or that is one of ``slides``."""
    real = [path.resolve() for path in files]
    if len(set(real)) < len(files):
        raise OutputError(f"{files[0]}: cannot be both the report and the page; give two files")
    for path in files:
        if path.resolve() in [slide.resolve() for slide in slides]:
            raise OutputError(f"{path}: would be written over the slide; give another file")
        if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise OutputError(f"{path}: cannot be written there; give a file in a folder that can be written")


def is_stream(path: Path) -> bool:
    """Say whether ``path`` is a pipe or a device, or the file that standard output or error goes to."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(status.st_mode) or any(_is_open_as(descriptor, status) for descriptor in (1, 2))


def _is_open_as(descriptor: int, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), status)
    except OSError:
        return False  # closed


def write(path: Path, text: str) -> None:
    """Write ``text``: what was in a regular file before is replaced by the whole of it, or kept.

    `OutputError` if it cannot be written.
    """
    partial = None
    try:
        if is_stream(path):
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        else:
            target = path.resolve()  # a link stays a link
            partial = target.with_name(f".{target.name}.partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(target)
    except OSError as error:
        if partial is not None:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
