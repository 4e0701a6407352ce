"""Markdown for GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def megabytes(size: float) -> str:
    """Return bytes as ``1,234 MB``."""
    return f"{size / 1e6:,.0f} MB"
