"""Writes the page beside a pyramid, or beside the first of two."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

import tileframe
from tileframe import Comparison, OutputError, StoredPyramid
from tileframe_viewer.assets import FOLDER, HERE, Assets, read_assets, replace, write_assets
from tileframe_viewer.record import address, record_text

GENERATOR = '<meta name="generator" content="tileframe '
HEAD = 2048  # bytes within which every page of ours says so


class PageViewer:
    """Writes ``NAME.html``, which works as a file and from any server, with its parts in one folder beside it."""

    def prepare(self, targets: Sequence[Path], *, overwrite: bool) -> Path:
        """Return where the page of the pyramids at ``targets`` will be.

        `OutputError` if another file is there that is no page of tileframe's, unless ``overwrite``; `PluginError`
        if OpenSeadragon is missing.
        """
        read_assets()
        page = page_path(targets)
        if page.is_dir():
            raise OutputError(f"{page}: is a folder; the page cannot be written there")
        if page.exists() and not overwrite and not is_ours(page):
            raise OutputError(f"{page}: exists already and is no page of tileframe's; --overwrite replaces it")
        if not os.access(page.parent, os.W_OK) and page.parent.exists():
            raise OutputError(f"{page}: cannot be written there")
        return page

    def write(
        self, pyramids: Sequence[StoredPyramid], *, comparison: Comparison | None = None, overwrite: bool = False
    ) -> Path:
        """Write the page of one pyramid, or of two with the figures of their ``comparison``; return its path."""
        page = self.prepare([pyramid.target for pyramid in pyramids], overwrite=overwrite)
        assets = read_assets()
        text = _page_text(page, assets, pyramids, comparison)
        write_assets(page.parent / FOLDER, assets)
        try:
            # Names of files need not be UTF-8; what is not is shown as a question mark.
            replace(page, text.encode("utf-8", "replace"))
        except OSError as error:
            raise OutputError(f"{page}: cannot be written ({error.strerror})") from error
        return page


def page_path(targets: Sequence[Path]) -> Path:
    """Return ``NAME.html`` beside the descriptor, or ``NAME-and-OTHER.html`` beside the first of two."""
    return targets[0].with_name(f"{'-and-'.join(target.stem for target in targets)}.html")


def is_ours(page: Path) -> bool:
    """Say whether ``page`` was written by tileframe."""
    try:
        with page.open("rb") as file:
            return GENERATOR.encode() in file.read(HEAD)
    except OSError as error:
        raise OutputError(f"{page}: cannot be read ({error.strerror})") from error


def _page_text(page: Path, assets: Assets, pyramids: Sequence[StoredPyramid], comparison: Comparison | None) -> str:
    template = Template((HERE / "page" / "page.html").read_text(encoding="utf-8"))
    folder = page.parent / FOLDER
    return template.substitute(
        title=escape(" and ".join(pyramid.target.stem for pyramid in pyramids)),
        generator=f"tileframe {tileframe.__version__}",
        kind="one" if len(pyramids) == 1 else "pair",
        folder=FOLDER,
        icon=address(folder / assets.icon, page.parent),
        style=address(folder / assets.style, page.parent),
        openseadragon=address(folder / assets.openseadragon, page.parent),
        script=address(folder / assets.script, page.parent),
        record=record_text(pyramids, page.parent, comparison),
    )
