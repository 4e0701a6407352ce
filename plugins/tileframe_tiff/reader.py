"""The reader `tiff`: which TIFFs it takes, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileframe import WHITE, Access, Rgb, Samples, SlideFacts, UnsupportedInput
from tileframe_tiff import vendors
from tileframe_tiff.files import SharedFile
from tileframe_tiff.strips import StripReader, StripSource
from tileframe_tiff.structure import DEFLATES, JP2KS, JPEG, LZW, NONE, Page, pages_of
from tileframe_tiff.tiles import TiledSource, open_levels

KNOWN = (NONE, LZW, JPEG, *DEFLATES, *JP2KS)


class TiffReader:
    """Opens TIFFs whose pixels are proved to be those that OpenSlide and the other readers give; leaves the rest."""

    def open(self, path: Path, *, background: Rgb | None = None) -> TiledSource | StripSource:
        """Open ``path``; `InputError` if it is cut short."""
        file = SharedFile(path)
        try:
            if not file.is_tiff():
                raise UnsupportedInput("no TIFF")
            pages = pages_of(path)
            if not pages:
                raise UnsupportedInput("it has no pages")
            opened = _tiled if pages[0].tile_size else _stripped
            return opened(file, pages, background or WHITE)
        except BaseException:
            file.close()
            raise


def _tiled(file: SharedFile, pages: Sequence[Page], background: Rgb) -> TiledSource:
    if file.read(0, 4) == b"MM\0*":
        raise UnsupportedInput("OpenSlide knows no tiled TIFF that is classic and big-endian")
    kind = vendors.slide_format(pages)
    for page in pages:
        # OpenSlide looks at every page of a slide, and may refuse it for one that is no level.
        if page.compression not in KNOWN or (kind != vendors.APERIO and page.compression in JP2KS):
            raise UnsupportedInput(f"TIFF compression {page.compression} is left to other readers")
    levels = open_levels(file, vendors.levels_of(pages, kind))
    stored = vendors.native_levels([level.page for level in levels])
    base = levels[0].page
    associated = _associated(file, pages) if kind == vendors.APERIO else {}
    mpp, power = vendors.scale(pages[0], kind)
    facts = SlideFacts(
        format=kind,
        size=base.size,
        access=Access.REGIONS,
        mpp=mpp,
        objective_power=power,
        background=background,
        samples=Samples.GREY if base.samples == 1 else Samples.RGB,
        icc=vendors.colour_profile(base),
        native_levels=stored,
        tile_size=base.tile_size,
        associated=tuple(sorted(associated)),
    )
    return TiledSource(file, facts, levels, associated)


def _stripped(file: SharedFile, pages: Sequence[Page], background: Rgb) -> StripSource:
    page = pages[0]
    if vendors.NDPI_TAG in page.tags:
        raise UnsupportedInput("it is an NDPI slide")
    strips = StripReader(file, page)
    facts = SlideFacts(
        format="tiff",
        size=page.size,
        access=Access.ROWS,
        background=background,
        samples=Samples.GREY if page.samples == 1 else Samples.RGB,
        icc=vendors.colour_profile(page),
        notes=(f"the first of {len(pages)} pictures in the file was taken",) if len(pages) > 1 else (),
    )
    return StripSource(file, facts, strips)


def _associated(file: SharedFile, pages: Sequence[Page]) -> dict[str, StripReader]:
    """Return those pictures beside the slide that can be decoded here."""
    found = {}
    for name, page in vendors.associated_pages(pages).items():
        try:
            found[name] = StripReader(file, page)
        except UnsupportedInput:
            continue
    return found
