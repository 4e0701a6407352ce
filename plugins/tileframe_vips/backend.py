"""The backend `vips`: libvips' dzsave, made to keep the pixel contract."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from traceback import clear_frames
from typing import Any

import pyvips

from tileframe import AdoptsFolder, Equality, InputError, Job, OnError, OutputError, Progress, TileAddress
from tileframe_damage.warnings import SILENCES
from tileframe_vips.reader import LibvipsReads, reason

FORMATS = ("jpeg", "png")
DZSAVES_SUFFIX = {"jpeg": "jpeg", "png": "png"}
# Fixed, because dzsave takes a name that ends in .zip, .szi or .dz for a container.
NAME = "pyramid"
PROFILE = "icc-profile-data"
DISK_ERRORS = (
    "no space left", "disk quota", "file too large", "write error", "write failed", "unable to create", "for writing",
)  # fmt: skip


class VipsBackend:
    """Lets libvips read the file itself where that gives the contract's pixels, and feeds it rows elsewhere."""

    def refuses(self, job: Job) -> str | None:
        """Refuse formats other than JPEG and PNG, layouts that want other tiles than Deep Zoom's, and absent tiles."""
        if job.writer.encoding.format not in FORMATS:
            return f"dzsave is proved for {' and '.join(FORMATS)} alone, not {job.writer.encoding.format}"
        if job.layout.pads:
            return f"dzsave's tiles are not padded as the layout {job.plan.layout} wants them"
        if job.plan.skip_blank is not None:
            # What it leaves out could not be told from what was lost, nor what is blank from what could not be read.
            return "dzsave does not say which tiles it has left out as blank"
        return None

    def promises(self, job: Job) -> Equality:
        """Every level is the contract's."""
        return Equality.PIXELS

    def method(self, job: Job) -> str:
        """Say who reads the file."""
        why_not = why_fed(job)
        return "libvips reads the file itself" if why_not is None else f"libvips is fed rows, because {why_not}"

    def run(self, job: Job, progress: Progress) -> None:
        """Let dzsave fill a scratch folder, then hand its tiles to the store under the layout's names."""
        with _workspace(job) as folder:
            if why_fed(job) is None and isinstance(job.source, LibvipsReads):
                try:
                    Saving(_own_reading(job.source), job, folder, progress, begins=job.source.begin).finish()
                except InputError:
                    job.source.refuse_damaged(failed=True)
                    raise
                job.source.refuse_damaged()
            else:
                self._feed(job, folder, progress)
            try:
                _store(folder / f"{NAME}_files", job)
            except OSError as error:
                raise OutputError(f"{folder}: what was written there cannot be read ({error.strerror})") from error

    def _feed(self, job: Job, folder: Path, progress: Progress) -> None:
        from tileframe_vips.feed import PngFeed  # here, for it loads numpy

        feed = PngFeed(job)
        try:
            stream = pyvips.SourceCustom()
            stream.on_read(feed.read)
            try:
                image = pyvips.Image.new_from_source(
                    stream, "", access="sequential", fail_on="truncated", unlimited=True
                )
                Saving(image, job, folder, progress).finish()
            except (pyvips.Error, InputError):
                if feed.error is None:
                    raise
            if feed.error is not None:
                raise feed.error
        finally:
            feed.close()


class Saving:
    """A dzsave that runs in a thread of its own: in the main thread, a Ctrl-C would be lost in its callback."""

    def __init__(
        self,
        image: pyvips.Image,
        job: Job,
        folder: Path,
        progress: Progress,
        *,
        begins: Callable[[], None] | None = None,
    ) -> None:
        self._image = image.copy()
        self._begins = begins
        # Of this picture: `pyvips.concurrency_set` would be of all that the process has.
        self._image.set_type(pyvips.GValue.gint_type, "concurrency", job.workers)
        if job.profile is not None:
            self._image.set_type(pyvips.GValue.blob_type, PROFILE, job.profile)
        self._job = job
        self._folder = folder
        self._progress = progress
        self._fraction = 0.0
        self._error: Exception | None = None
        self._ended = threading.Event()
        self._image.set_progress(True)
        self._image.signal_connect("eval", self._on_eval)

    def finish(self) -> None:
        """Save, and tell the progress meanwhile. On any exception, Ctrl-C too, dzsave is stopped first."""
        thread = threading.Thread(target=self._save, name="dzsave", daemon=True)
        thread.start()
        pyramid = self._job.pyramid
        tiles, pixels = pyramid.tile_count, pyramid.pixel_count
        try:
            while not self._ended.wait(timeout=0.1):
                self._progress(int(tiles * self._fraction), int(pixels * self._fraction))
        except BaseException:
            self._image.set_kill(True)
            self._ended.wait()  # not join(), which a Ctrl-C inside it makes believe that the thread has ended
            raise
        finally:
            # What holds the picture until Python has ended has libvips say on stderr then that it is damaged.
            del self._image
        if self._error is not None:
            clear_frames(self._error.__traceback__)
            raise _translated(self._error, self._job, self._folder) from self._error
        self._progress(tiles, pixels)

    def _on_eval(self, image: pyvips.Image, progress: Any) -> None:
        self._fraction = progress.npels / max(progress.tpels, 1)

    def _save(self) -> None:
        encoding, pyramid = self._job.writer.encoding, self._job.pyramid
        # JPEG's fast direct mode is taken only where no suffix is given.
        how: dict[str, Any] = {"Q": encoding.quality} if encoding.format == "jpeg" else {"suffix": ".png"}
        try:
            # In direct mode, it looks for no saver.
            with nullcontext() if encoding.format == "jpeg" else SILENCES.silence():
                if self._begins is not None:
                    self._begins()
                # Not `self._image.dzsave`, a closure: an error would keep it, with the picture, until Python ends.
                pyvips.Operation.call(
                    "dzsave",
                    self._image,
                    str(self._folder / NAME),
                    layout="dz",
                    container="fs",
                    depth="onepixel",
                    region_shrink="mean",
                    tile_size=pyramid.tile_size,
                    overlap=pyramid.overlap,
                    skip_blanks=-1,
                    keep="none" if self._job.profile is None else "icc",
                    **how,
                )
        except Exception as error:  # whatever it is, it is raised again by the thread that waits
            self._error = error
        finally:
            self._ended.set()


@contextmanager
def _workspace(job: Job) -> Iterator[Path]:
    """Give a new folder, on the target's own disk where the store has one, else where temporary files go."""
    if isinstance(job.store, AdoptsFolder):
        yield job.store.workspace()  # which the store removes
        return
    with tempfile.TemporaryDirectory(prefix="tileframe-") as folder:
        yield Path(folder)


def _is_dzsaves(job: Job) -> bool:
    """Say whether the layout names all tiles as dzsave does, below its own folder."""
    folder, suffix = job.layout.folder, job.writer.encoding.suffix
    ends = (TileAddress(0, 0, 0), TileAddress(job.pyramid.base_level, 0, 0))
    return job.layout.levels.start == 0 and all(
        job.layout.key(tile) == f"{folder}/{tile.level}/{tile.col}_{tile.row}.{suffix}" for tile in ends
    )


def _store(tiles: Path, job: Job) -> None:
    """Hand the store what dzsave has written."""
    # dzsave always adds this file; no other backend does, and viewers ignore it.
    (tiles / "vips-properties.xml").unlink(missing_ok=True)
    if isinstance(job.store, AdoptsFolder) and _is_dzsaves(job):
        _rename_tiles(tiles, job.writer.encoding.suffix)
        job.store.adopt(tiles, job.layout.folder)
    else:
        _put_tiles(tiles, job)


def _put_tiles(tiles: Path, job: Job) -> None:
    """Put every tile that dzsave wrote and the layout keeps, the top level first."""
    suffix = DZSAVES_SUFFIX[job.writer.encoding.format]
    for level in job.layout.levels:
        for tile in job.pyramid.tiles(level):
            path = tiles / f"{level}" / f"{tile.col}_{tile.row}.{suffix}"
            job.put_encoded(tile, path.read_bytes())


def why_fed(job: Job) -> str | None:
    """Say why libvips does not read the file itself; None where it does."""
    if not isinstance(job.source, LibvipsReads):
        return "libvips itself did not open what is tiled"
    if job.plan.on_error is OnError.FILL:
        return "what cannot be read is filled"
    return job.source.libvips_may_read()


def _own_reading(source: LibvipsReads) -> pyvips.Image:
    image = source.reopened()
    # Grey is saved as one channel otherwise.
    return image.colourspace("srgb") if image.bands == 1 else image


def _rename_tiles(tiles: Path, suffix: str) -> None:
    for level in tiles.iterdir():
        for tile in level.iterdir():
            if tile.suffix == f".{suffix}":
                break  # all of a pyramid's tiles have the same suffix
            tile.rename(tile.with_suffix(f".{suffix}"))


def _translated(error: Exception, job: Job, scratch: Path) -> Exception:
    if isinstance(error, UnicodeError):
        return OutputError(
            f"{str(job.plan.location)!r}: libvips writes to no path that is not UTF-8; give another output"
        )
    if not isinstance(error, pyvips.Error):
        return error
    said = reason(error)
    if any(words in said.lower() for words in DISK_ERRORS):
        disk = (job.plan.location.folder or ".") if isinstance(job.store, AdoptsFolder) else scratch.parent
        return OutputError(f"{disk}: cannot be written ({said})")
    return InputError(f"{job.plan.live.slide}: cannot be read ({said})")
