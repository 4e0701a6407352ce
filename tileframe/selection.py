"""Which reader opens a slide: the named one, or the best of those that take it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tileframe.colour import managed
from tileframe.errors import InputError, OptionError, PluginError, UnsupportedInput
from tileframe.facts import ColourMode, Intent, Rgb, SlideFacts
from tileframe.hooks import Fit, ReaderPlugin, refuse_lacking, refuse_mistyped
from tileframe.options import member
from tileframe.protocols import CompressedTiles, Source, Sparse
from tileframe.records import Options
from tileframe.registry import Registry, load
from tileframe.slides import RangeFile, Slide

HEAD = 4096
"""Bytes of a file that a reader's ``guess`` is given."""
# Of slides whose main file is itself a picture, a JPEG or a TIFF, but another one than is meant: 3DHISTECH, Olympus.
DATA_FOLDERS = {".mrxs": "{}", ".vsi": "_{}_"}


def open_slide(
    slide: str | Slide,
    *,
    reader: str | None = None,
    options: Options | None = None,
    background: Rgb | None = None,
    color: ColourMode | str = ColourMode.SRGB,
    intent: Intent | str = Intent.RELATIVE,
    registry: Registry | None = None,
) -> Source:
    """Open ``slide``, a path or a URL, with the best reader, or the named one. The caller closes it.

    ``options`` are the reader's.

    ``background`` is shown where the slide is transparent; None takes the slide's own. ``color`` and ``intent`` are
    those of ``tileframe run``: unless asked otherwise, the source gives sRGB. `InputError` if no reader can open it.
    """
    registry = registry or load()
    mode, wanted = member(ColourMode, color, "color"), member(Intent, intent, "intent")
    slide = registry.slide(slide)
    source = next(opened(slide, registry, reader=reader, options=options or {}, background=background))[1]
    try:
        return managed(source, mode, wanted, registry).source
    except BaseException:
        source.close()
        raise


def opened(
    slide: Slide, registry: Registry, *, reader: str | None = None, options: Options, background: Rgb | None = None,
    passed_over: list[str] | None = None,
) -> Iterator[tuple[ReaderPlugin, Source]]:  # fmt: skip
    """Yield the slide as opened by each reader that takes it, the best first; `InputError` if none does.

    Why others were not taken is added to ``passed_over``.
    """
    said = [] if passed_over is None else passed_over
    refusals: list[str] = []
    missing: PluginError | None = None
    unknown: OptionError | None = None
    any_opened = False
    for offer in _ranked(slide, registry, reader):
        try:
            resolved = offer.resolved(options, "reader")
        except OptionError as error:
            if reader is not None:
                raise
            unknown = unknown or error
            said.append(f"reader {offer.name}: {error}")
            continue
        try:
            source = open_with(offer, slide, resolved, background)
        except PluginError as error:
            missing = error
            said.append(f"reader {offer.name}: {error}")
        except UnsupportedInput as error:
            refusals.append(f"{offer.name}: {error}")
            said.append(f"reader {offer.name}: {error}")
        else:
            any_opened = True
            yield offer, source
    if any_opened:
        return
    if missing is not None:
        raise missing
    if unknown is not None and not refusals:
        raise unknown
    if len(refusals) == 1:
        raise InputError(f"{slide}: {refusals[0].partition(': ')[2]}")
    why = "; ".join(refusals) or f"have: {', '.join(offer.name for offer in registry.readers)}"
    raise InputError(f"{slide}: no reader can open it ({why})")


def open_with(offer: ReaderPlugin, slide: Slide, options: Any, background: Rgb | None) -> Source:
    """Open ``slide`` with this reader, or a copy of it, where that is elsewhere and the reader reads files alone."""
    reader: Any = offer.create(options=options)
    if isinstance(slide, Path) or offer.reads_ranges:
        source: Source = reader.open(slide, background=background)
    else:
        source = slide.copied(lambda path: reader.open(path, background=background))
    broken = f"the reader '{offer.name}' is broken: open returns"
    abilities: tuple[Any, ...] = (Sparse, CompressedTiles)
    for interface in (Source, *(one for one in abilities if isinstance(source, one))):
        refuse_lacking(source, interface, broken)
    refuse_mistyped(source.facts, SlideFacts, f"the reader '{offer.name}' is broken: facts")
    return source


def _ranked(slide: Slide, registry: Registry, reader: str | None) -> list[ReaderPlugin]:
    head = read_head(slide)
    asked = registry.readers if reader is None else [registry.reader(reader)]
    folder = _data_folder(slide) if isinstance(slide, Path) else None
    if reader is not None and folder is None:
        return list(asked)
    # A guess that fails ends the run: what that reader is for, another one might take for something else.
    path = slide if isinstance(slide, Path) else Path(slide.name)
    fits = [(offer.fit(path, head), offer) for offer in asked]
    least = Fit.POSSIBLE if folder is None else Fit.NATIVE
    able = [offer for fit, offer in sorted(fits, key=lambda pair: (-pair[0], pair[1].name)) if fit >= least]
    if folder is not None and not (able and folder.is_dir()):
        lacking = "which no reader here opens" if folder.is_dir() else "which is not there"
        raise InputError(f"{slide}: is the preview of a slide whose data are in the folder {folder.name}, {lacking}")
    return able


def _data_folder(slide: Path) -> Path | None:
    """Return the folder that holds the pixels of a slide whose main file is a preview; None for other files."""
    form = DATA_FOLDERS.get(slide.suffix.lower())
    return None if form is None else slide.with_name(form.format(slide.stem))


def read_head(slide: Slide) -> bytes:
    """Return the first bytes of ``slide``; `InputError` for what is no file, empty, or cannot be read."""
    try:
        if not isinstance(slide, Path):
            refuse_lacking(remote := slide.open(), RangeFile, f"the origin of {slide} is broken: open returns")
            with closing(remote):
                head = remote.read_at(0, HEAD)
        elif slide.is_dir():
            raise InputError(f"{slide}: is a folder; give the slide's main file")
        elif slide.exists() and not slide.is_file():
            raise InputError(f"{slide}: is not a file")
        else:
            with slide.open("rb") as file:
                head = file.read(HEAD)
    except FileNotFoundError:
        scheme, _, rest = Path(f"{slide}").as_posix().partition(":/")
        if rest and len(scheme) > 1 and "/" not in scheme:
            why = "nothing installed reads slides from there, or it is a Path and no text; download it"
            server, slash, path = rest.partition("?")[0].partition("/")
            shown = f"{scheme}://{server.rpartition('@')[2]}{slash}{path}"  # without a password
            raise InputError(f"{shown}: is a URL, and {why}") from None
        raise InputError(f"{slide}: no such file") from None
    except OSError as error:
        raise InputError(f"{slide}: cannot be read ({error.strerror})") from error
    if not head:
        raise InputError(f"{slide}: is empty")
    return head
