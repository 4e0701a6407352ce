"""Figures and records as people and machines read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click

CONTROLS = "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
"""Characters that move the cursor, set colours, or turn the order of those that follow."""


def in_bytes(count: float) -> str:
    """Return ``count`` bytes in the unit that keeps it short: ``1.9 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def say(text: str, *, err: bool = False) -> None:
    """Print a line, of which nothing commands the terminal: names of files and what a slide says may hold anything."""
    click.echo(re.sub(CONTROLS, lambda found: repr(found[0])[1:-1], text), err=err)


def show_rows(rows: Sequence[Sequence[str]], *, indent: int = 2) -> None:
    """Print ``rows`` with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(" " * indent + line.rstrip())


def show_json(record: Any) -> None:
    """Print a record, or a list or dict of records, as JSON."""
    from tileframe.serialize import to_json  # here, for a start of the command line does without

    click.echo(to_json(record))
