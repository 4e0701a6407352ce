"""The application of ``tileframe view --serve``: the folder of a page, and pyramids in object stores."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tileframe import InputError, StoredFiles
from tileframe_serve.answers import Answer, Part, Refused, whole
from tileframe_serve.kitchen import Receive
from tileframe_serve.requests import Request
from tileframe_serve.settings import Settings
from tileframe_serve.web import Web
from tileframe_storage.media import media_type

MISSING = "there is no such file here"
PARTS = ("accept-ranges", "bytes")


class Files(Web):
    """Serves the files below ``folders``, as they are below ``root``, whole or one part of each; lists no folder."""

    def __init__(
        self, root: Path, folders: Sequence[Path], *, stored: Mapping[Path, StoredFiles] | None = None
    ) -> None:
        """``stored`` are pyramids that are shown as if they were in those folders, which have nothing else of them."""
        # Files are asked for again each time, and answered with 304: tiles may be remade.
        super().__init__(Settings(paths=(str(root),)), "no-cache")
        self.root, self.folders = root.resolve(), [folder.resolve() for folder in folders]
        self._stored = {folder.resolve(): files for folder, files in (stored or {}).items()}

    async def answer(self, request: Request, receive: Receive, base: str) -> tuple[str, Answer]:
        """Return a file, or the part of it that was asked for."""
        if any(not segment or "/" in segment for segment in request.segments):
            raise Refused(404, MISSING)
        return "file", await asyncio.to_thread(self.file, request, self.root.joinpath(*request.segments))

    def file(self, request: Request, path: Path) -> Answer:
        """Return what a request for ``path`` is answered with."""
        if not self._is_served(path):
            return self._from_store(path)
        try:
            part, tag = whole(path)
        except OSError as error:
            raise Refused(404, MISSING) from error
        length, wanted = part.length, request.header(b"range")
        # If-Range asks for the whole file if it has changed; we always send the whole, for we compare no versions.
        is_part = request.method == "GET" and not request.header(b"if-range")
        found = parse_range(wanted, length) if wanted and is_part else None
        if found is None:
            return Answer(type=media_type(path.name), tag=tag, headers=[PARTS], part=part)
        first, end = found
        if first == end:
            part.file.close()
            return Answer(status=416, headers=[PARTS, ("content-range", f"bytes */{length}")])
        part.file.seek(first)
        headers = [PARTS, ("content-range", f"bytes {first}-{end - 1}/{length}")]
        part = Part(part.file, end - first)
        return Answer(type=media_type(path.name), status=206, tag=tag, headers=headers, part=part)

    def _from_store(self, path: Path) -> Answer:
        """Return a file of a pyramid that is somewhere else."""
        for folder, files in self._stored.items():
            if folder in path.parents:
                key = path.relative_to(folder).as_posix()
                try:
                    return Answer(files.get(key), media_type(key), headers=[("cache-control", "no-cache")])
                except KeyError:
                    break
                except InputError as error:
                    raise Refused(500, f"{key}: cannot be read from where it is") from error
        raise Refused(404, MISSING)

    def _is_served(self, path: Path) -> bool:
        try:
            path = path.resolve()  # a link may not lead out either
            return path.is_file() and any(folder in path.parents for folder in self.folders)
        except (OSError, ValueError):
            return False  # no file can be called that


def parse_range(header: str, length: int) -> tuple[int, int] | None:
    """Return the part of a file of ``length`` bytes that a ``Range`` header asks for: from, and to before which byte.

    None where the whole file is the answer: several parts, another unit, or no header that RFC 9110 knows. The part
    is empty if no byte of it exists.
    """
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header.strip(), re.IGNORECASE)
    if match is None or match[0].endswith("=-"):
        return None
    if not match[1]:
        return max(0, length - int(match[2])), length
    first = int(match[1])
    end = min(int(match[2]) + 1, length) if match[2] else length
    if match[2] and int(match[2]) < first:
        return None
    return first, max(first, end)
