"""Checks over one pyramid."""

from __future__ import annotations

import random

from tileframe.errors import CheckError
from tileframe.interfaces import Job

SAMPLE = 16


def quick_check(job: Job) -> int:
    """Check what the backend put into the store: every key, no other, every size, a sample decoded.

    Return the sum of the tiles' bytes. `CheckError` names the first tile that is wrong.
    """
    expected = dict(job.layout.keys(job.pyramid))
    found = set(job.store.keys())
    if missing := expected.keys() - found:
        raise CheckError(f"{min(missing)}: the tile is missing ({len(missing)} of {len(expected)} are)")
    if extra := found - expected.keys():
        raise CheckError(f"{min(extra)}: no such tile belongs to the pyramid ({len(extra)} do not)")
    sample = set(random.Random(0).sample(sorted(expected), min(SAMPLE, len(expected))))
    total = 0
    for key, size in expected.items():
        data = job.store.get(key)
        total += len(data)
        try:
            is_size = job.writer.size(data)
            if key in sample:
                job.writer.decode(data)
        except CheckError as error:
            raise CheckError(f"{key}: {error}") from error
        if is_size != size:
            raise CheckError(f"{key}: the tile is {is_size}, not {size}")
    return total
