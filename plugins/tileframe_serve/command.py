"""The command ``tileframe serve``. Imports nothing heavy: it is loaded whenever ``tileframe`` starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tileframe import ColourMode, Intent, OptionError, OutputError, Passthrough, Rgb, machine
from tileframe.cli.parameters import FILE, PAGE, TileSize, one_of, plugin_options, taking_alone
from tileframe.cli.text import say
from tileframe.options import with_short

if TYPE_CHECKING:
    import socket

    from tileframe_serve.settings import Settings

LINE = b'{"time": '
"""With which every line of the access log begins."""


@click.command(cls=taking_alone({"--passthrough": Passthrough.ALWAYS.value}))
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=FILE)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at: this machine's alone.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes one that is free."
)
@click.option("--url", metavar="URL", help="The address that clients see, where a proxy is before the server.")
@click.option("--token", envvar="TILEFRAME_TOKEN", metavar="TEXT", help="Let in only who knows it; or TILEFRAME_TOKEN.")
@click.option("--cors", multiple=True, metavar="ORIGIN", help="Let pages of this origin read all; * is every origin.")
@click.option("--associated", is_flag=True, help="Serve label, macro and thumbnail; they can name a patient.")
@click.option("--reader", metavar="NAME", help="Default: the best one that can.")
@click.option("--page", type=int, metavar="N", help=PAGE)
@click.option("--format", default="jpeg", show_default=True, metavar="NAME", help="Of the tiles of slides.")
@click.option("--quality", type=int, metavar="1-100", help="Short for --format-option quality=N; 75 for jpeg.")
@plugin_options("format", "reader")
@click.option(
    "--tile-size", type=TileSize(), help="Pixels a side, or native; default: the slide's own, or the layout's."
)
@click.option("--overlap", type=int, metavar="N", help="Default: the layout's; 0 where tiles are passed through.")
@one_of("--passthrough", Passthrough.AUTO, metavar="[=never]", help="Send the slide's own JPEG tiles as they are.")
@click.option("--limit-bounds/--no-limit-bounds", default=True, show_default=True, help="Crop to the scanned part.")
@click.option("--background", type=Rgb.parse, metavar="#rrggbb", help="Where a slide is transparent.")
@one_of("--color", ColourMode.SRGB, help="Convert to sRGB, keep the numbers, or also embed the profile in every tile.")
@one_of("--intent", Intent.RELATIVE, help="What conversion does with colours that sRGB does not have.")
@click.option("--mpp", type=float, metavar="F", help="Micrometres per pixel, where the slide's are missing or wrong.")
@click.option("--isolate", is_flag=True, help="Read slides in other processes: one that crashes ends in an error.")
@click.option("--workers", type=int, default=1, show_default=True, metavar="N", help="Processes that share the port.")
@click.option("--threads", type=int, metavar="N", help="Of each process, to decode; default: its share of the cores.")
@click.option("--queue", type=int, default=200, show_default=True, metavar="N", help="Requests that may wait for them.")
@click.option("--timeout", type=float, default=20.0, show_default=True, metavar="S", help="Seconds of a request.")
@click.option("--cache", type=int, default=256, show_default=True, metavar="MB", help="Of tiles, in each process.")
@click.option("--open-slides", type=int, default=16, show_default=True, metavar="N", help="At a time, in each process.")
@click.option("--access-log", metavar="FILE", help="A line of JSON for each answer; - is standard output.")
@click.pass_obj
def serve(
    registry: Any,
    /,
    paths: tuple[str, ...],
    port: int,
    page: int | None,
    quality: int | None,
    format_options: dict[str, str],
    reader_options: dict[str, str],
    workers: int,
    threads: int | None,
    timeout: float,
    open_slides: int,
    **asked: Any,
) -> None:
    """Show slides, pictures and finished pyramids in the browser, without making pyramids first.

    PATH is a file, a pyramid, or a folder that is searched. Tiles are made when they are asked for, as `tileframe run
    --passthrough=auto` with the same options makes them. Ctrl-C or SIGTERM ends it, after the answers that were begun.
    """
    if workers < 1:
        raise OptionError(f"the number of workers must be 1 or more, not {workers}")
    from tileframe_serve.settings import Settings

    settings = Settings(
        paths=paths, format_options=with_short(format_options, "quality", quality),
        reader_options=with_short(reader_options, "page", page),
        threads=-(-machine.available_cores() // workers) if threads is None else threads,
        seconds=timeout, slides=open_slides,
        **{**asked, "url": asked["url"] and asked["url"].rstrip("/")},
    )  # fmt: skip
    _refuse_unknown(settings, registry)
    _serve(settings, registry.isolated() if settings.isolate else registry, port, workers)


def _refuse_unknown(settings: Settings, registry: Any) -> None:
    """Raise `OptionError` for a reader, a format or an option of theirs that does not exist, before any slide."""
    offer = registry.writer(settings.format)
    offer.create(options=offer.resolved(settings.format_options, "format"))
    if settings.reader is not None:
        registry.reader(settings.reader).resolved(settings.reader_options, "reader")


def _serve(settings: Settings, registry: Any, port: int, workers: int) -> None:
    from tileframe_serve import running
    from tileframe_serve.app import App, no_threads_of_opencv
    from tileframe_serve.catalogue import Catalogue
    from tileframe_serve.settings import LOOPBACK

    catalogue = Catalogue(settings.paths, registry)
    catalogue.refuse_missing()
    if settings.access_log is not None and settings.access_log != "-":
        _refuse_log(Path(settings.access_log))
    with running.listen(settings.host, port) as listening:
        if settings.host not in LOOPBACK and settings.token is None:
            say("tileframe: other machines can reach this, and no token is asked for; --token asks for one", err=True)

        def run() -> None:
            say(f"{settings.url or running.origin(listening)}/")
            say(f"tileframe: {len(catalogue.entries):,} in the gallery; Ctrl-C ends it", err=True)
            if workers == 1:
                no_threads_of_opencv()
                running.serve(App(settings, registry, catalogue), listening)
            else:
                _serve_in_processes(settings, workers, listening)

        running.until_stopped(run)


def _serve_in_processes(settings: Settings, workers: int, listening: socket.socket) -> None:
    from tileframe_serve import running
    from tileframe_serve.metrics import FOLDER, SHARED

    os.environ[SHARED] = numbers = tempfile.mkdtemp(prefix=FOLDER)  # where the processes add up their numbers
    try:
        settings.to_environment()  # what they are to do
        # Each process makes its own application.
        running.serve_in_processes("tileframe_serve.app:create_app", workers, listening)
    finally:
        shutil.rmtree(numbers, ignore_errors=True)


def _refuse_log(path: Path) -> None:
    """Raise `OutputError` where no log can be written, or where a file is that is none: a slide, say."""
    try:
        if path.is_fifo():
            raise OutputError(f"{path}: is a pipe, and the server waits for nobody who reads it; give a file")
        with path.open("ab+") as file:
            file.seek(0)
            if file.read(len(LINE)) not in (b"", LINE):
                raise OutputError(f"{path}: exists already, and is no access log of tileframe's; give another file")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
