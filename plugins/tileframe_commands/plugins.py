"""``tileframe plugins``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tileframe import OptionError, PluginError
from tileframe.cli.text import show_json, show_rows
from tileframe.options import NoOptions, OptionHelp, describe
from tileframe.registry import Broken, Offer, Registry


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def plugins(registry: Registry, /, name: str | None, as_json: bool) -> None:
    """List what is installed, and what is broken; with NAME, or the s3 of s3://, what it is and its options."""
    offers = [offer for offer in registry.offers if name in (None, offer.plugin.name, *_schemes(offer))]
    for broken in registry.broken if name else ():
        if broken.owner == name:
            raise PluginError(str(broken)) from broken.error
    if not offers and name is not None:
        known = ", ".join(sorted({offer.plugin.name for offer in registry.offers}))
        # One of them may be what was meant, for what they offer is not known.
        others = f"; broken: {', '.join(broken.owner for broken in registry.broken)}" if registry.broken else ""
        raise OptionError(f"nothing is named '{name}' (have: {known}{others})")
    if as_json:
        listed = [_row(offer) | ({"options": _options(offer)} if name else {}) for offer in offers]
        show_json({"plugins": listed, "broken": [] if name else [_broken_row(broken) for broken in registry.broken]})
    elif name is not None:
        for offer in offers:
            _show_one(offer)
    else:
        heads = ("KIND", "NAME", "PLUGIN", "PACKAGE", "VERSION", "SUMMARY")
        show_rows([heads, *(tuple(_row(offer).values()) for offer in offers)], indent=0)
        for broken in registry.broken:
            click.echo(f"{broken}")


def _schemes(offer: Offer) -> Sequence[str]:
    """Return the beginnings of addresses by which a store or an origin is chosen, as ``s3``; of others none."""
    return getattr(offer.plugin, "schemes", ())


def _row(offer: Offer) -> dict[str, str]:
    return {
        "kind": offer.kind,
        "name": offer.plugin.name,
        "plugin": offer.owner,
        "package": offer.package,
        "version": offer.version,
        "summary": offer.plugin.summary,
    }


def _broken_row(broken: Broken) -> dict[str, str]:
    return {"plugin": broken.owner, "package": broken.package, "version": broken.version, "reason": broken.reason}


def _options(offer: Offer) -> list[OptionHelp]:
    return describe(getattr(offer.plugin, "options", NoOptions))


def _show_one(offer: Offer) -> None:
    click.echo(f"{offer.kind} {offer.plugin.name}: {offer.plugin.summary} ({offer.package} {offer.version})")
    # Of a writer it is --format-option.
    flag = {"writer": "format"}.get(offer.kind, offer.kind)
    rows = [
        (f"--{flag}-option {one.name}={one.type.upper()}", f"{one.help} {one.range} (default: {one.default})")
        for one in _options(offer)
    ]
    if rows:
        show_rows([(left, " ".join(right.split())) for left, right in rows])
    else:
        click.echo("  no options")
