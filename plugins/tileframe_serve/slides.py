"""A slide that is open, and tiled on the fly as ``tileframe run`` with the same options would tile it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tileframe
from tileframe import (
    Access,
    Equality,
    Job,
    Layout,
    LayoutPlugin,
    OptionError,
    Pixels,
    Plan,
    Pyramid,
    TileAddress,
)
from tileframe.serialize import to_json
from tileframe_serve.catalogue import Entry
from tileframe_serve.levels import Levels, held
from tileframe_serve.settings import Settings

FIRST = "dzi"
"""The layout that the page shows, and by which the slide is planned."""

STATIC = "iiif3"
"""Made for servers without the Image API, which this one has."""


class Slide:
    """An open slide: its tiles in every layout that can have them."""

    def __init__(self, entry: Entry, settings: Settings, registry: Any) -> None:
        slide = registry.slide(entry.target)
        self.is_local = isinstance(slide, Path)
        spec = settings.spec(slide, entry.id)
        plan = tileframe.plan(spec, registry)
        job = tileframe.open_job(plan, registry)
        try:
            if job.source.facts.access is Access.ROWS:
                opened = job.source
                job = replace(job, source=held(opened, entry.name))
                opened.close()
            self.levels = Levels(job.source)
            self.jobs: dict[str, Job] = {FIRST: job}
            for offer in registry.layouts:
                if offer.name not in (FIRST, STATIC) and (other := _in_layout(job, offer, settings)):
                    self.jobs[offer.name] = other
        except BaseException:
            job.source.close()
            raise
        self.plan: Plan = replace(plan, promises=self._promises(plan))
        told = to_json([self.plan.published(), tileframe.__version__, version("imagecodecs")])
        self.version = hashlib.sha256(told.encode()).hexdigest()[:20]

    def _promises(self, plan: Plan) -> Equality:
        if plan.passthrough:
            return Equality.LAYOUT
        return Equality.PIXELS if self.levels.from_base else Equality.BASE

    @property
    def layouts(self) -> Mapping[str, Layout]:
        """The layouts that it is served in."""
        return {name: job.layout for name, job in self.jobs.items()}

    @property
    def pyramid(self) -> Pyramid:
        """The geometry that the page shows."""
        return self.plan.pyramid

    @property
    def held_bytes(self) -> int:
        """How much of it is in memory."""
        return self.levels.held_bytes

    @cached_property
    def associated(self) -> tuple[str, ...]:
        """Names of its label, macro and thumbnail images."""
        return self.jobs[FIRST].source.facts.associated

    def associated_pixels(self, name: str) -> Pixels:
        """Return one of them."""
        return self.jobs[FIRST].source.associated(name)

    def at_once(self, layout: str, tile: TileAddress) -> bytes | None:
        """Return a tile that takes no decoding: the slide's own; None for others."""
        return self.jobs[layout].own_tile(tile)

    def tile(self, layout: str, tile: TileAddress) -> bytes:
        """Return a tile: the slide's own, or encoded."""
        job = self.jobs[layout]
        if (own := job.own_tile(tile)) is not None:
            return own
        box = job.pyramid.tile_box(tile)
        data = job.encoded(self.levels.region(tile.level, box))
        job.refuse_other_size(box, job.layout.key(tile), data)
        return data

    def close(self) -> None:
        """Close the file."""
        self.jobs[FIRST].source.close()


def _in_layout(job: Job, offer: LayoutPlugin, settings: Settings) -> Job | None:
    """Return the job of the same slide in another layout; None where that has no such tiles."""
    plan, through = job.plan, job.plan.passthrough
    if offer.overlap == 0 and plan.pyramid.overlap and settings.overlap is not None:
        return None
    side = plan.pyramid.tile_size if through or settings.tile_size is not None else offer.tile_size
    overlap = 0 if through else offer.overlap if settings.overlap is None else settings.overlap
    pyramid = Pyramid(plan.pyramid.base, side, overlap)
    try:
        layout = offer.create(plan.location.name, plan.encoding.suffix, pyramid, options=offer.resolved({}, "layout"))
    except OptionError:  # it has no such tile format, say
        return None
    return replace(job, plan=replace(plan, layout=offer.name, layout_options={}, pyramid=pyramid), layout=layout)
