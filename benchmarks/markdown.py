"""Markdown for GitHub: tables, and figures as the page of results writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tileframe_bench.records import Spread
from tileframe_bench.wording import plain

NONE = "\N{EN DASH}"
# What would end a cell, begin a tag, or make letters slanted.
_ESCAPED = str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;", "*": "\\*", "`": "\\`"})


def text(words: str) -> str:
    """Return ``words`` as Markdown that shows them."""
    return plain(words).translate(_ESCAPED)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Return a table of Markdown cells; the first ``left`` columns are words, the others figures."""
    rule = [":--"] * left + ["--:"] * (len(heads) - left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def bullets(sentences: Iterable[str]) -> str:
    """Return a list of them."""
    return "\n".join(f"* {sentence}" for sentence in sentences)


def paragraphs(*parts: str) -> str:
    """Return those of ``parts`` that are not empty, with an empty line between them."""
    return "\n\n".join(part for part in parts if part)


def number(value: float) -> str:
    """Return ``1.22``, ``85.1`` or ``1,220.4``: for seconds and ratios."""
    return f"{value:,.{_decimals(value)}f}"


def spread_words(spread: Spread) -> str:
    """Return ``1.22 (1.16 to 1.42)``; the figure alone if there is no spread."""
    if spread.least == spread.most:
        return number(spread.median)
    decimals = _decimals(spread.median)
    median, least, most = (f"{value:,.{decimals}f}" for value in (spread.median, spread.least, spread.most))
    return f"{median} ({least} to {most})"


def megabytes(size: float) -> str:
    """Return bytes as ``1,234 MB``."""
    return f"{size / 1e6:,.0f} MB"


def _decimals(value: float) -> int:
    # As it will be written: 9.996 is 10.0.
    return 2 if round(abs(value), 2) < 10 else 1
