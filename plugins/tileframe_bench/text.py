"""Numbers and names as tables, charts and pages show them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tileframe_bench.records import Spread

# What XML cannot hold: control characters, and surrogates, as which Python keeps file names that are not UTF-8.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def plain(words: str) -> str:
    """Return ``words`` in one line, with a replacement character for each that XML cannot hold."""
    return _UNFIT.sub(lambda one: " " if one[0] in "\t\r\n" else "\N{REPLACEMENT CHARACTER}", words)


def shortened(words: str, most: int) -> str:
    """Return `plain` ``words`` of at most ``most`` characters, with an ellipsis in the middle of longer ones."""
    words = plain(words)
    half = (most - 1) // 2
    return words if len(words) <= most else f"{words[:half].rstrip()}…{words[-half:].lstrip()}"


def digits(value: float) -> int:
    """Return how many decimals show three figures of ``value``: 3 at most, none from a hundred on."""
    return min(3, max(0, 2 - math.floor(math.log10(abs(value))))) if value else 0


def figure(value: float) -> str:
    """Return ``1.22``, ``85.1`` or ``1,220``."""
    return f"{value:,.{digits(value)}f}"


def spread_text(spread: Spread) -> str:
    """Return ``1.22 (1.16 to 1.42)``; the figure alone if there is no spread."""
    if spread.least == spread.most:
        return figure(spread.median)
    decimals = digits(spread.median)
    return f"{spread.median:,.{decimals}f} ({spread.least:,.{decimals}f} to {spread.most:,.{decimals}f})"


def weight(size: float) -> str:
    """Return bytes as ``5.00 kB``, ``492 MB`` or ``12.3 GB``."""
    unit, name = (1e9, "GB") if size >= 2e9 else (1e6, "MB") if size >= 1e5 else (1e3, "kB")
    return f"{figure(size / unit)} {name}"


def count(number: int, noun: str) -> str:
    """Return ``1 run`` or ``5 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, or ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
