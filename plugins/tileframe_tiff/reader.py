"""The reader `tiff`: opens every TIFF but the slides that OpenSlide reads by rules of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileframe import WHITE, Access, InputError, Rgb, Samples, Slide, SlideFacts, Source, UnsupportedInput
from tileframe_tiff import tags, vendors
from tileframe_tiff.chunks import Chunks, is_plain
from tileframe_tiff.colours import meaning
from tileframe_tiff.decoding import Decoder, decoder
from tileframe_tiff.files import SharedFile
from tileframe_tiff.oldjpeg import OldJpegDecoder, with_stream
from tileframe_tiff.options import TiffOptions
from tileframe_tiff.pictures import Layer, picture_of
from tileframe_tiff.strips import StripReader, StripSource, sliced
from tileframe_tiff.structure import Contents, Page, contents_of
from tileframe_tiff.tiles import Level, TiledSource
from tileframe_tiff.upright import upright


class TiffReader:
    """Opens TIFFs of every kind, Aperio slides with the pixels that OpenSlide gives."""

    def __init__(self, options: TiffOptions) -> None:
        self._options = options

    def open(self, path: Slide, *, background: Rgb | None = None) -> Source:
        """Open ``path``; `UnsupportedInput` for a slide that is OpenSlide's, `InputError` for what cannot be read."""
        file = SharedFile(path)
        try:
            if not file.is_tiff():
                raise UnsupportedInput("is no TIFF")
            contents = contents_of(file)
            if not contents.pages:
                raise UnsupportedInput(f"a TIFF without pictures: the link to the first {contents.broken or 'is 0'}")
            vendors.refuse_others(contents.pages[0])
            if vendors.is_aperio(contents.pages[0]) and self._options == TiffOptions():
                return _aperio(file, contents, background or WHITE)
            try:
                return _generic(file, contents, self._options, background or WHITE)
            except UnsupportedInput as error:
                # No other reader is to take what this one does not: it would take another picture of it.
                raise InputError(f"{path}: is {error}") from error
        except BaseException:
            file.close()
            raise


def _aperio(file: SharedFile, contents: Contents, background: Rgb) -> TiledSource:
    pages = contents.pages
    if contents.big_endian_classic:
        raise UnsupportedInput("OpenSlide knows no tiled TIFF that is classic and big-endian")
    if contents.broken:
        raise UnsupportedInput(f"its chain of pictures is broken: the last link {contents.broken}")
    found = vendors.aperio_levels(pages)
    levels = [Level(number, _strict(file, page, background)) for number, page in enumerate(found)]
    associated = {}
    for name, page in vendors.associated_pages(pages).items():
        try:
            associated[name] = StripReader(file, _strict(file, page, background))
        except UnsupportedInput:
            continue  # OpenSlide may know it; the slide is read without
    mpp, power = vendors.aperio_scale(pages[0])
    base = found[0]
    facts = SlideFacts(
        format=vendors.APERIO,
        size=base.size,
        access=Access.REGIONS,
        mpp=mpp,
        objective_power=power,
        background=background,
        samples=Samples.GREY if base.samples == 1 else Samples.RGB,
        icc=vendors.colour_profile(base),
        native_levels=vendors.native_levels(found),
        tile_size=base.tile_size,
        associated=tuple(sorted(associated)),
    )
    return TiledSource(file, facts, levels, associated)


def _strict(file: SharedFile, page: Page, background: Rgb) -> Chunks:
    """Return tiles or strips of the kinds whose pixels are proved to be OpenSlide's; `UnsupportedInput` for others."""
    page = sliced(page) if page.tile_size is None else page
    decode, first = decoder(page), is_plain(file, page)
    if first:
        raise UnsupportedInput(f"its tiles have {first}")
    return Chunks(file, (page,), meaning((page,), None), background, decode)


def _generic(file: SharedFile, contents: Contents, options: TiffOptions, background: Rgb) -> Source:
    picture = picture_of(contents, options)
    base, mask = picture.page, picture.layers[0].mask
    understood = meaning(picture.layers[0].pages, picture.channel, background)
    mpp, said = (picture.mpp, ()) if picture.mpp else vendors.resolution(base)
    notes = (*picture.notes, *understood.notes, *said)
    if mask is not None:
        notes += ("what the file's mask hides is shown as background",)
    facts = SlideFacts(
        format=vendors.GENERIC if base.tile_size else "tiff",
        size=base.size,
        access=Access.REGIONS if base.tile_size else Access.ROWS,
        mpp=mpp,
        background=background,
        samples=understood.samples,
        icc=vendors.colour_profile(base),
        tile_size=base.tile_size,
        notes=notes,
    )
    source: Source
    if base.tile_size is None:
        rows = StripReader(file, _chunks(file, picture.layers[0].pages, picture.channel, background))
        hidden = None if mask is None else StripReader(file, _chunks(file, (mask,), None, background))
        source = StripSource(file, facts, rows, hidden)
    else:
        levels = [
            _level(file, number, layer, picture.channel, background) for number, layer in enumerate(picture.layers)
        ]
        stored = vendors.native_levels([level.chunks.page for level in levels])
        source = TiledSource(file, replace(facts, native_levels=stored), levels, {})
    return source if base.orientation in (0, 1) else upright(source, base.orientation, file.path)


def _level(file: SharedFile, number: int, layer: Layer, channel: int | None, background: Rgb) -> Level:
    mask = None
    if layer.mask is not None:
        mask = Level(number, _chunks(file, (layer.mask,), None, background))
    return Level(number, _chunks(file, layer.pages, channel, background), mask)


def _chunks(file: SharedFile, pages: Sequence[Page], channel: int | None, background: Rgb) -> Chunks:
    pages = tuple(with_stream(file, page) for page in pages)
    understood = meaning(pages, channel, background)
    plain = None if len(pages) > 1 or channel is not None else _plain(file, pages[0])
    if plain is not None and pages[0].tile_size is None:
        pages = (sliced(pages[0]),)
    return Chunks(file, pages, understood, background, plain)


def _plain(file: SharedFile, page: Page) -> Decoder | None:
    """Return what decodes 8-bit RGB and grey of the usual compressions, faster and more strictly than tifffile."""
    if page.compression == tags.OLD_JPEG:
        return OldJpegDecoder(file, page)
    try:
        found = decoder(page)
    except UnsupportedInput:
        return None
    short = page.compression == tags.NONE and any(0 < count < page.chunk_bytes for count in page.counts)
    if page.tile_size is not None and short:
        return None
    return None if is_plain(file, page) else found
