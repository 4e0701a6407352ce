"""Keep freed memory at hand: the same sizes are asked for again and again."""

from __future__ import annotations

import numpy as np

# Bytes. Larger than what a block or a piece of rows takes, and below the 32 MB up to which glibc learns.
LEARNT = 14 << 20


def keep_freed_memory() -> None:
    """Make glibc keep freed memory of up to 14 MB a piece, instead of giving them back and asking for them anew.

    It learns from the largest that it has seen freed. Unlearnt, every strip comes as fresh pages, each of which
    faults: a million times for 658 MP, which takes seconds. Elsewhere this does nothing, at no cost.
    """
    np.empty(LEARNT, np.uint8)
