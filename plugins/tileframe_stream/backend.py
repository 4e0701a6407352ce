"""The backend `stream`: every base pixel is read once, and all levels are made on the way."""

from __future__ import annotations

from tileframe import Access, Equality, Job, Progress
from tileframe_stream.blocks import BlocksRun, levels_of_block
from tileframe_stream.memory import keep_freed_memory
from tileframe_stream.rows import RowsRun


class StreamBackend:
    """Works with any reader, writer and store."""

    def refuses(self, job: Job) -> str | None:
        """Refuse an executor for a slide that is read row by row."""
        if job.plan.live.in_threads or job.source.facts.access is Access.REGIONS:
            return None
        executor = job.plan.live.executor
        return f"a slide that is read row by row is read by this process alone, not by the executor {executor}"

    def promises(self, job: Job) -> Equality:
        """Every level is the contract's, unless the base is the slide's own."""
        return Equality.LAYOUT if job.plan.passthrough else Equality.PIXELS

    def method(self, job: Job) -> str:
        """Say in which order the slide is read."""
        if job.source.facts.access is Access.ROWS:
            return "in one pass from the top down"
        tiles = 1 << levels_of_block(job.pyramid.tile_size, job.pyramid.level_count)
        own = "; the base tiles are the slide's own" if job.plan.passthrough else ""
        return f"in one pass, by squares of {tiles}x{tiles} tiles{own}"

    def run(self, job: Job, progress: Progress) -> None:
        """Make every tile, by the schedule that suits the source."""
        keep_freed_memory()
        schedule = RowsRun if job.source.facts.access is Access.ROWS else BlocksRun
        schedule(job, progress).all_levels()
