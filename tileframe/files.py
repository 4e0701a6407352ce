"""Files that the user names, as reports and pages: refused before the work, or written whole."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from tileframe.errors import OutputError


def refuse_unwritable(path: Path) -> None:
    """Raise `OutputError` if `write_whole` cannot write ``path``, or if standard output or error go into that file."""
    folder = Path(os.path.realpath(path)).parent
    if not os.path.isdir(folder):
        raise OutputError(f"{path}: cannot be written there ({path.parent} is not a folder)")
    needed = [path, folder] if os.path.isfile(path) else [path] if os.path.exists(path) else [folder]
    if os.path.isdir(path) or not all(os.access(one, os.W_OK) for one in needed):
        raise OutputError(f"{path}: cannot be written there; give a file in a folder that can be written")
    if os.path.isfile(path) and any(_is_open_as(descriptor, path) for descriptor in (1, 2)):
        raise OutputError(f"{path}: is where standard output or error goes; give another file")


def refuse_report(path: Path, schema: str) -> None:
    """Raise `OutputError` if no report may be written to ``path``: a report of that ``schema`` replaces such alone.

    It is JSON that begins with its schema. An empty file is replaced, too, as `mktemp` makes one.
    """
    refuse_unwritable(path)
    if os.path.isfile(path):
        try:
            with open(path, "rb") as file:
                first = file.read(100)
        except OSError as error:
            raise OutputError(f"{path}: is there, and cannot be read ({error.strerror}); give another file") from error
        kind = schema.partition("/")[0].encode()  # of whatever version
        if first and not re.match(rb'\{\s*"schema":\s*"%b/' % kind, first):
            raise OutputError(f"{path}: is there, and is no report; give another file for the report")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file: a former one is kept until all of the new one is there; a pipe or a device is just written to.

    A link stays a link. `OutputError` if it cannot be written; the former file has not changed then.
    """
    real = Path(os.path.realpath(path))  # the file that a link leads to
    partial = real.with_name(f".{os.getpid()}.{threading.get_ident()}.partial")  # no longer than its own name may be
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            path.write_bytes(data)
            return
        try:
            partial.write_bytes(data)
            partial.replace(real)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _is_open_as(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:  # closed
        return False
