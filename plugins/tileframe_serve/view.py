"""The command ``tileframe view``. Imports nothing heavy: it is loaded whenever ``tileframe`` starts."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import click

import tileframe
from tileframe import Comparison, Location, OptionError, StoredFiles, StoredPyramid, Viewer
from tileframe_viewer.page import PageViewer

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
FILE = click.Path(readable=False)  # not looked at here; shells complete it


@click.command()
@click.argument("target", metavar="PYRAMID", type=FILE)
@click.argument("other", metavar="[OTHER]", type=FILE, required=False)
@click.option("--viewer", "viewer_name", metavar="NAME", help="Which page; default: the first that can.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in the browser, or only print its path.")
@click.option("--serve", is_flag=True, help="Serve the folder on 127.0.0.1, to this machine only, until Ctrl-C.")
@click.option("--port", type=int, metavar="N", help="With --serve; default: any that is free.")
@click.option("--figures/--no-figures", default=True, help="Of two: compare every tile, and show what was found.")
@click.option("--workers", type=int, help="Most busy threads; default: the cores there are.")
@click.option("--overwrite", is_flag=True, help="Replace a file of the page's name that tileframe did not write.")
@click.pass_obj
def view(
    registry: Any,
    /,
    target: str,
    other: str | None,
    viewer_name: str | None,
    opens: bool,
    serve: bool,
    port: int | None,
    figures: bool,
    workers: int | None,
    overwrite: bool,
) -> None:
    """Write a page that shows a pyramid, whichever tool made it, and open it.

    PYRAMID is its descriptor (out.dzi), its archive (out.szi, which browsers read only with --serve) or its folder.
    With two pyramids, the page shows both at once, side by side or with a curtain, and how far apart they are.
    """
    if port is not None and not (serve and 0 <= port <= 65535):
        raise OptionError(f"--port goes with --serve and is from 0 to 65535, not {port}")
    if workers is not None and workers < 1:
        raise OptionError(f"the number of workers must be 1 or more, not {workers}")
    with ExitStack() as stack:
        pyramids = [
            stack.enter_context(tileframe.open_pyramid(text, registry=registry, workers=workers))
            for text in (target, other)
            if text is not None
        ]
        stored: dict[Path, StoredFiles] = {}
        if any(pyramid.location.scheme != "file" for pyramid in pyramids):
            if not serve:
                raise OptionError(f"{pyramids[0].location}: a browser does not read it there; --serve is a way")
            stored = _as_folders(pyramids, Path(stack.enter_context(TemporaryDirectory(prefix="tileframe-view-"))))
            pyramids = [
                replace(pyramid, location=Location("file", f"{folder}", pyramid.files.name))
                for pyramid, folder in zip(pyramids, stored, strict=True)
            ]
        locations = [pyramid.location for pyramid in pyramids]
        layouts = [pyramid.layout_name for pyramid in pyramids]
        formats = [pyramid.writer.encoding.format for pyramid in pyramids]
        viewer: Viewer = registry.viewer_for(layouts, formats, viewer_name).create()
        viewer.prepare(locations, overwrite=overwrite)
        comparison = _compared(pyramids[0], pyramids[1]) if other is not None and figures else None
        page = viewer.write(pyramids, comparison=comparison, overwrite=overwrite)
        if serve:
            _serve(page, locations, stored, port=port or 0, opens=opens)
            return
    click.echo(f"{page}")
    archive = next((location for location in locations if location.container), None)
    if archive is not None and isinstance(viewer, PageViewer):
        click.echo(f"tileframe: a browser reads {archive.path.name} only from a server; --serve is one", err=True)
    elif opens:
        _open(page.resolve().as_uri())


def _compared(one: StoredPyramid, other: StoredPyramid) -> Comparison:
    # Only levels that both keep are compared.
    levels = range(max(one.layout.levels.start, other.layout.levels.start), one.pyramid.level_count)
    pixels = sum(one.pyramid.level_size(level).area for level in levels) if one.pyramid == other.pyramid else 0
    with click.progressbar(length=pixels, label="tileframe: comparing", file=sys.stderr) as bar:
        return tileframe.compare(one, other, progress=lambda _, done: bar.update(done - bar.pos))


def _as_folders(pyramids: Sequence[StoredPyramid], folder: Path) -> dict[Path, StoredFiles]:
    """Return a new folder for each pyramid, as if its loose files were in it; the page is written into the first."""
    folders = {folder.resolve() / f"{number}": pyramid.files for number, pyramid in enumerate(pyramids)}
    for one in folders:
        one.mkdir()
    return folders


def _serve(page: Path, locations: list[Location], stored: dict[Path, StoredFiles], *, port: int, opens: bool) -> None:
    from tileframe_serve import running
    from tileframe_serve.files import Files
    from tileframe_serve.requests import CONTROLS
    from tileframe_serve.settings import LOOPBACK

    places = [page.resolve(), *(Path(location.folder).resolve() / location.name for location in locations)]
    folders = [place.parent for place in places]
    root = Path(os.path.commonpath(folders))
    for place in places:
        if CONTROLS.search(place.relative_to(root).as_posix()):
            said = "has a backslash or a control character in its name, and no such name is served; give it another one"
            raise OptionError(f"{place}: {said}")
    with running.listen(LOOPBACK[0], port) as listening:
        shown = quote(os.fsencode(page.resolve().relative_to(root).as_posix()))
        url = f"{running.origin(listening)}/{shown}"
        click.echo(url)
        click.echo("tileframe: Ctrl-C ends it", err=True)
        if opens:
            _open(url)
        running.serve(Files(root, folders, stored=stored), listening, grace=1)


def _open(url: str) -> None:
    # Where there is no screen, a text browser may be found, which shows nothing and takes the terminal.
    screen = sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in SCREENS)
    if not (screen and webbrowser.open(url)):
        click.echo(f"tileframe: no browser could be opened; open {url} yourself", err=True)
