"""A stranger's backends: one that is honest, and some that look faster than they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileframe import BackendPlugin, Box, Equality, Job, Progress, TileAddress, hookimpl
from tileframe.pixels import Pixels, halve

COARSE = 30


class Honest:
    """Holds the whole slide, and makes every tile as it should be."""

    promised = Equality.PIXELS

    def refuses(self, job: Job) -> str | None:
        return None

    def promises(self, job: Job) -> Equality:
        return self.promised

    def method(self, job: Job) -> str:
        return "all at once"

    def run(self, job: Job, progress: Progress) -> None:
        size = job.pyramid.base
        pixels = job.source.read(Box(0, 0, size.width, size.height))
        for level in reversed(range(job.pyramid.level_count)):
            for tile in job.pyramid.tiles(level):
                box = job.pyramid.tile_box(tile)
                self.keep(job, tile, pixels[box.y : box.bottom, box.x : box.right])
            pixels = self.half(pixels)

    def half(self, pixels: Pixels) -> Pixels:
        return halve(pixels)

    def keep(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        job.put(tile, pixels)

    def keep_coarsely(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        import io

        from PIL import Image

        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "JPEG", quality=COARSE)
        job.put_encoded(tile, encoded.getvalue())


class Skips(Honest):
    """Leaves a tile out."""

    def keep(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        if (tile.col, tile.row) != (1, 1):
            job.put(tile, pixels)


class Blanks(Honest):
    """Looks at no tile of the base but the first."""

    def keep(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        job.put(tile, pixels * 0 + 255 if tile.level == job.pyramid.base_level and tile.col else pixels)


class Modest(Blanks):
    """Does the same, and promises no pixels."""

    promised = Equality.LAYOUT


class Coarse(Honest):
    """Encodes everything at a lower quality than was asked for."""

    def keep(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        self.keep_coarsely(job, tile, pixels)


class CoarseBelow(Honest):
    """Does so where nothing was promised."""

    promised = Equality.BASE

    def keep(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        if tile.level == job.pyramid.base_level:
            job.put(tile, pixels)
        else:
            self.keep_coarsely(job, tile, pixels)


class BlankBelow(Honest):
    """Looks at nothing where nothing was promised."""

    promised = Equality.BASE

    def half(self, pixels: Pixels) -> Pixels:
        return halve(pixels) * 0


class Tampers(Honest):
    """Spoils what was found right, once nobody looks."""

    def run(self, job: Job, progress: Progress) -> None:
        import atexit

        super().run(job, progress)
        spoilt = job.layout.key(TileAddress(job.pyramid.base_level, 1, 1))
        atexit.register(Path(job.plan.location.folder, spoilt).unlink)


class Boasts(Honest):
    """Drops three pixels of four, and promises the mean."""

    def half(self, pixels: Pixels) -> Pixels:
        return pixels[::2, ::2]


class Differs(Honest):
    """Rounds another way, and promises no more than the base."""

    promised = Equality.BASE

    def half(self, pixels: Pixels) -> Pixels:
        mean = halve(pixels)
        return mean - (mean > 0).astype(mean.dtype)


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    kinds = (Honest, Skips, Blanks, Modest, Coarse, CoarseBelow, BlankBelow, Tampers, Boasts, Differs)
    return [BackendPlugin(kind.__name__.lower(), f"{kind.__doc__}", kind, speed=1) for kind in kinds]
