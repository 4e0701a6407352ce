"""Numbers and names as tables and charts write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tileframe_bench.records import Spread

# What XML cannot hold at all, and what no reader wants to see: control characters, and halves of surrogate pairs, as
# which Python keeps the bytes of a file name that are no UTF-8.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
KB, MB, GB = 1000, 1_000_000, 1_000_000_000


def plain(words: str) -> str:
    """Return ``words`` in one line, and with a replacement character for each that no page can show."""
    return _UNFIT.sub(lambda one: " " if one[0] in "\t\r\n" else "\N{REPLACEMENT CHARACTER}", words)


def digits(value: float) -> int:
    """Return how many decimals show three figures of ``value``: 3 at most, none from a hundred on."""
    if not value:
        return 0
    return min(3, max(0, 2 - math.floor(math.log10(abs(value)))))


def figure(value: float) -> str:
    """Return ``1.22``, ``85.1`` or ``1,220``."""
    return f"{value:,.{digits(value)}f}"


def spread_text(spread: Spread) -> str:
    """Return ``1.22 (1.16 to 1.42)``; the figure alone if there is no spread."""
    if spread.least == spread.most:
        return figure(spread.median)
    decimals = digits(spread.median)
    median, least, most = (f"{value:,.{decimals}f}" for value in (spread.median, spread.least, spread.most))
    return f"{median} ({least} to {most})"


def weight(size: float) -> str:
    """Return bytes as ``5.00 kB``, ``492 MB`` or ``12.3 GB``."""
    unit, name = (KB, "kB") if size < MB / 10 else unit_for(size)
    return f"{figure(size / unit)} {name}"


def unit_for(most: float) -> tuple[int, str]:
    """Return the bytes and the name of the unit for figures of which the greatest is ``most`` bytes."""
    return (GB, "GB") if most >= 2 * GB else (MB, "MB")


def count(number: int, noun: str) -> str:
    """Return ``1 run`` or ``5 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, or ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
