"""What is said of downloads, and to whom."""

from __future__ import annotations

import logging
import sys
import time

import click

from tileframe.cli.text import in_bytes, say

EVERY = 30.0
"""Seconds between two lines of a log; on a terminal, one line is written anew each second."""
LOG = logging.getLogger("tileframe.remote")


class Shown:
    """Shows how far a download has come."""

    def __init__(self, shown: str, length: int) -> None:
        self._name, self._length = shown, length
        self._started = self._said = time.monotonic()
        self._on_terminal = not is_quiet() and sys.stderr.isatty()
        self.done = 0

    def __call__(self, count: int) -> None:
        """Add ``count`` bytes."""
        self.done += count
        now = time.monotonic()
        if now - self._said < (1 if self._on_terminal else EVERY):
            return
        self._said = now
        rate = in_bytes(self.done / (now - self._started))
        text = f"{100 * self.done // max(1, self._length)} % of {in_bytes(self._length)}, {rate}/s"
        if self._on_terminal:
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)
        else:
            told(f"{self._name}: {text}")

    def end(self) -> None:
        """Remove the line on the terminal."""
        if self._on_terminal:
            click.echo("\r\x1b[K", err=True, nl=False)


def told(text: str) -> None:
    """Say ``text``: on stderr in a command, unless it is to be quiet, and as a warning in somebody else's program."""
    if click.get_current_context(silent=True) is None:
        LOG.warning(text)
    elif not is_quiet():
        say(f"tileframe: {text}", err=True)


def is_quiet() -> bool:
    """Say whether a command is to print nothing but errors."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.params.get("quiet"))
