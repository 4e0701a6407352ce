"""Numbers and names as tables, charts and pages show them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def plain(words: str) -> str:
    """Return ``words`` in one line, with a replacement character for each that XML cannot hold or nobody can see."""
    return "".join(one if one.isprintable() else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}" for one in words)


def shortened(words: str, most: int) -> str:
    """Return `plain` ``words`` of at most ``most`` characters, with an ellipsis in the middle of longer ones."""
    words = plain(words)
    half = (most - 1) // 2
    return words if len(words) <= most else f"{words[:half].rstrip()}…{words[-half:].lstrip()}"


def figure(value: float, like: float | None = None) -> str:
    """Return ``1.22``, ``85.1`` or ``1,220``: with the decimals, 3 at most, that ``like`` needs for three figures."""
    size = abs(value if like is None else like)
    return f"{value:,.{min(3, max(0, 2 - math.floor(math.log10(size)))) if size else 0}f}"


def weight(size: float) -> str:
    """Return bytes as ``5.00 kB``, ``492 MB`` or ``12.3 GB``."""
    unit, name = (1e9, "GB") if size >= 2e9 else (1e6, "MB") if size >= 1e5 else (1e3, "kB")
    return f"{figure(size / unit)} {name}"


def count(number: int, noun: str) -> str:
    """Return ``1 run`` or ``5 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def aligned(rows: Sequence[tuple[str, ...]], *, names: Collection[int] = (0,)) -> list[str]:
    """Return ``rows`` as lines with figures to the right, and the columns ``names`` to the left."""
    columns = [
        [f"{cell:{'<' if number in names else '>'}{max(map(len, column))}}" for cell in column]
        for number, column in enumerate(zip(*rows, strict=True))
    ]
    return [f"  {'  '.join(line)}".rstrip() for line in zip(*columns, strict=True)]
