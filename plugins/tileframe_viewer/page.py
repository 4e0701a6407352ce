"""Writes the page beside a pyramid, or beside the first of two."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

import tileframe
from tileframe import Comparison, Location, OptionError, OutputError, StoredPyramid
from tileframe.files import write_whole
from tileframe_viewer.assets import FOLDER, HERE, read_assets, write_assets
from tileframe_viewer.beside import Beside, beside
from tileframe_viewer.links import address
from tileframe_viewer.record import record_text, refuse_unknown

GENERATOR = '<meta name="generator" content="tileframe viewer '
HEAD = 2048  # bytes within which every page of ours says so


class PageViewer:
    """Writes ``NAME.html``, with its scripts and styles in one folder beside it.

    It works from any server; that of loose files also when it is opened as a file.
    """

    def prepare(self, locations: Sequence[Location], *, overwrite: bool) -> Path:
        """Return where the page of the pyramids at ``locations`` will be.

        `OptionError` if they are not on this machine; `OutputError` if another file is there that is no page of a
        pyramid, unless ``overwrite``; `PluginError` if OpenSeadragon is missing.
        """
        read_assets()
        page = page_path(locations)
        assets = page.parent / FOLDER
        if os.path.exists(page) and not page.is_file():
            raise OutputError(f"{page}: is no file; the page cannot be written there")
        if os.path.exists(assets) and not assets.is_dir():
            raise OutputError(f"{assets}: is no folder, and the page needs one of that name; move it away")
        if os.path.exists(page) and not overwrite and not is_ours(page):
            right = "move it away, or let `tileframe view --overwrite` replace it"
            raise OutputError(f"{page}: exists already and is no page of a pyramid; {right}")
        if not os.access(page.parent, os.W_OK) and os.path.exists(page.parent):
            raise OutputError(f"{page}: cannot be written there")
        return page

    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        """Write the page of one pyramid, or of two with the figures of their ``comparison``; return its path.

        `OptionError` for a layout that the page cannot show.
        """
        refuse_unknown(pyramids)
        page = self.prepare([pyramid.location for pyramid in pyramids], overwrite=overwrite)
        assets = read_assets()
        besides = [beside(pyramid, page.parent) for pyramid in pyramids]
        text = page_text(pyramids, besides, comparison, folder=page.parent, assets_folder=page.parent / FOLDER)
        write_assets(page.parent / FOLDER, assets)
        # Names of files need not be UTF-8; what is not is shown as a question mark.
        write_whole(page, text.encode("utf-8", "replace"))
        return page


def page_path(locations: Sequence[Location]) -> Path:
    """Return ``NAME.html`` beside the pyramid, or ``NAME-and-OTHER.html`` beside the first of two."""
    for location in locations:
        if location.scheme != "file":
            right = "leave out --viewer; `tileframe view --serve` shows it"
            raise OptionError(f"{location}: a page is written only beside pyramids in folders of this machine; {right}")
    page = locations[0].page
    return page if len(locations) == 1 else page.with_name(f"{_title(locations, '-and-')}{page.suffix}")


def is_ours(page: Path) -> bool:
    """Say whether ``page`` shows a pyramid and was written by tileframe; the gallery of several is another one."""
    try:
        with page.open("rb") as file:
            return GENERATOR.encode() in file.read(HEAD)
    except OSError as error:
        raise OutputError(f"{page}: cannot be read ({error.strerror})") from error


def _title(locations: Sequence[Location], between: str) -> str:
    return between.join(location.name for location in locations)


def page_text(
    pyramids: Sequence[StoredPyramid],
    besides: Sequence[Beside],
    comparison: Comparison | None,
    *,
    folder: Path,
    assets_folder: Path,
) -> str:
    """Return the page of one pyramid or of two, as it stands in ``folder``; its assets are in ``assets_folder``.

    ``besides`` are what it shows with each of the pyramids.
    """
    template = Template((HERE / "page" / "page.html").read_text(encoding="utf-8"))
    assets, locations = read_assets(), [pyramid.location for pyramid in pyramids]
    # Parts of an archive and annotations are fetched by the page's script; loose tiles are pictures.
    fetches = any(location.container for location in locations) or any(one.annotations for one in besides)
    return template.substitute(
        title=escape(_title(locations, " and ")),
        connect=" connect-src 'self';" if fetches else "",
        generator=f"tileframe viewer {tileframe.__version__}",
        kind="one" if len(pyramids) == 1 else "pair",
        folder=FOLDER,
        icon=address(assets_folder / assets.icon, folder),
        style=address(assets_folder / assets.style, folder),
        openseadragon=address(assets_folder / assets.openseadragon, folder),
        script=address(assets_folder / assets.script, folder),
        record=record_text(pyramids, besides, folder, comparison),
    )
