"""``tileframe plugins``."""

from __future__ import annotations

import click

from tileframe.cli.text import show_json, show_rows
from tileframe.registry import Registry


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def plugins(registry: Registry, /, as_json: bool) -> None:
    """List what is installed, and what is broken."""
    offered = [
        {
            "kind": offer.kind,
            "name": offer.plugin.name,
            "plugin": offer.owner,
            "package": offer.package,
            "version": offer.version,
            "summary": offer.plugin.summary,
        }
        for offer in registry.offers
    ]
    if as_json:
        show_json({"plugins": offered, "broken": registry.broken})
        return
    show_rows(
        [("KIND", "NAME", "PLUGIN", "PACKAGE", "VERSION", "SUMMARY"), *(tuple(row.values()) for row in offered)],
        indent=0,
    )
    for broken in registry.broken:
        click.echo(f"broken: {broken.owner}: {broken.reason}")
