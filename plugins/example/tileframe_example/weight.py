from __future__ import annotations

from collections.abc import Iterator, Sequence

from tileframe import CheckPlugin, Finding, InputError, Progress, Severity, StoredPyramid, hookimpl, tiles_of

MOST = 200_000


class WeightCheck:
    def __call__(self, pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
        count = area = 0
        for tile in tiles_of(pyramid.layout, pyramid.pyramid):
            key = pyramid.layout.key(tile)
            try:
                weight = len(pyramid.files.get(key))
            except (KeyError, InputError):
                weight = 0  # that it is missing, another check says
            if weight > MOST:
                yield Finding(key, "weight", Severity.WARNING, f"has {weight:,} bytes; up to {MOST:,} load quickly")
            count, area = count + 1, area + pyramid.pyramid.cell(tile).size.area
            progress(count, area)


@hookimpl
def tileframe_checks() -> Sequence[CheckPlugin]:
    return [CheckPlugin("weight", "no tile is too heavy to load quickly", WeightCheck)]
