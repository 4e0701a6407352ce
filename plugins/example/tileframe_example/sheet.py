from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tileframe import (
    Comparison,
    InputError,
    Location,
    OptionError,
    OutputError,
    StoredPyramid,
    TileAddress,
    ViewerPlugin,
    hookimpl,
)

HEAD = "<!doctype html><meta name=generator content=sheet>"


class Sheet:
    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        first = locations[0]
        if first.scheme != "file":
            raise OptionError(f"{first}: a page is written only beside pyramids on this machine")
        page = first.page.with_name(f"{first.name}-sheet.html")
        if page.is_dir():
            raise OutputError(f"{page}: is a folder")
        if page.exists() and not overwrite and not page.read_bytes().startswith(HEAD.encode()):
            raise OutputError(f"{page}: exists and is no sheet; --overwrite replaces it")
        return page

    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        page = self.prepare([pyramid.location for pyramid in pyramids], overwrite=overwrite)
        lines = [HEAD, "<meta charset=utf-8>"]
        for one in pyramids:
            level = max(level for level in one.layout.levels if one.pyramid.grid(level).area == 1)
            key = one.layout.key(TileAddress(level, 0, 0))
            try:
                tile = b64encode(one.files.get(key)).decode()
            except KeyError as error:
                raise InputError(f"{one.target}: the tile {key} is missing") from error
            kind = one.writer.encoding.format
            lines.append(f'<p>{escape(one.location.name)}<p><img src="data:image/{kind};base64,{tile}" alt="">')
        try:
            page.write_text("\n".join(lines), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{page}: cannot be written ({error.strerror})") from error
        return page


@hookimpl
def tileframe_viewers() -> Sequence[ViewerPlugin]:
    return [ViewerPlugin("sheet", "each slide as large as one tile, for a report", Sheet)]
