"""Open a finished pyramid, of tileframe's or of any other tool's making."""

from __future__ import annotations

from pathlib import Path

from tileframe import machine
from tileframe.dzi import DziLayout, parse_descriptor
from tileframe.errors import CheckError, InputError
from tileframe.interfaces import StoredPyramid
from tileframe.manifest import read_manifest
from tileframe.registry import Registry, load


def open_pyramid(target: str | Path, *, registry: Registry | None = None, workers: int | None = None) -> StoredPyramid:
    """Open the pyramid whose descriptor is ``target``.

    `InputError` if there is no such file, `CheckError` if it is no Deep Zoom descriptor, `OptionError` if no
    plugin knows its tile format. Its tiles are not looked at.
    """
    registry = registry or load()
    target = Path(target)
    files = registry.store("directory").open(target)
    try:
        text = files.get(target.name).decode("utf-8-sig")
    except KeyError:
        raise InputError(f"{target}: no such file") from None
    except UnicodeDecodeError as error:
        raise CheckError(f"{target}: the descriptor is not UTF-8 text ({error.reason})") from error
    except InputError as error:
        raise InputError(f"{target}: {error}") from error
    try:
        pyramid, suffix = parse_descriptor(text)
    except CheckError as error:
        raise CheckError(f"{target}: {error}") from error
    return StoredPyramid(
        target=target,
        pyramid=pyramid,
        layout=DziLayout(target.stem, suffix),
        writer=registry.writer(suffix.lower()).make(None),
        files=files,
        manifest=read_manifest(target),
        workers=workers or machine.available_cores(),
    )
