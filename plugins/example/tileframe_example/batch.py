from __future__ import annotations

import click

import tileframe
from tileframe.registry import Registry


@click.command()
@click.argument("slides", nargs=-1, required=True)
@click.option("-o", "--output", "folder", default=".", metavar="FOLDER", help="Where to write.")
@click.pass_obj
def batch(registry: Registry, slides: tuple[str, ...], folder: str) -> None:
    """Make the pyramids of many SLIDES."""
    for slide in slides:
        report = tileframe.run(slide, f"{folder}/", registry=registry)
        click.echo(f"{report.target}  {report.tiles:,} tiles")


@tileframe.hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    cli.add_command(batch)
