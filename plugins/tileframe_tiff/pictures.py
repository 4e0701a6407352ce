"""Which picture of a TIFF is taken, with its levels and masks, and what is said of those that are left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tileframe import OptionError, UnsupportedInput
from tileframe_tiff import tags
from tileframe_tiff.options import TiffOptions
from tileframe_tiff.stacks import Stack, imagej_stack
from tileframe_tiff.structure import Contents, Page

# How far the two sides of a level may be scaled apart, for it to be a level of that picture.
SAME_SHAPE = 0.02


@dataclass(frozen=True)
class Layer:
    """One level of the picture: a page, or three that are red, green and blue; and the mask of what is to be seen."""

    pages: tuple[Page, ...]
    mask: Page | None = None


@dataclass(frozen=True)
class Picture:
    """What is taken."""

    layers: Sequence[Layer]
    """The base first."""
    notes: tuple[str, ...]
    mpp: tuple[float, float] | None = None
    """As OME-XML has it."""
    channel: int | None = None
    """Which sample of a pixel is taken alone; None for all of them."""

    @property
    def page(self) -> Page:
        """The base, or its first channel."""
        return self.layers[0].pages[0]


def picture_of(contents: Contents, options: TiffOptions) -> Picture:
    """Return the picture that the options name, or else the largest main one: no mask, and no reduced one.

    `UnsupportedInput` for a camera's raw file, and for planes that are in other files.
    """
    pages = contents.pages
    if options.page is not None:
        if options.page >= len(pages):
            raise OptionError(f"page is from 0 to {len(pages) - 1} in this file, not {options.page}")
        return Picture(_layers(pages, pages[options.page]), (), channel=options.channel)
    _refuse_raw(pages)
    if contents.stacks:
        return _largest_stack(contents, options)
    main = [page for page in pages if not page.subfile & (tags.MASK | tags.REDUCED)]
    largest = max(main or pages, key=lambda page: page.size.area)
    bases = [page for page in main if page.size == largest.size]
    places = [page.offset for page in bases]
    stack = imagej_stack(pages[0].text(tags.DESCRIPTION), places, largest.size.area, largest.bits)
    if stack is None and _are_rgb(bases) and len(pages) == 3:
        stack = Stack("", "C", (3,), [places], largest.size.area, is_rgb=True)
    if stack is not None:
        return _plane(stack, {page.offset: page for page in bases}, options, ())
    _refuse_unused(options, largest)
    return Picture(_layers(pages, largest), _left(contents, largest, len(main or pages)), channel=options.channel)


def _refuse_raw(pages: Sequence[Page]) -> None:
    every = [inner for page in pages for inner in (page, *page.inner)]
    is_raw = any(page.photometric in (tags.CFA, tags.LINEAR_RAW) for page in every)
    if is_raw or pages[0].tags.valueof(tags.DNG_VERSION) is not None:
        maker = pages[0].text(271).strip("\0 ") or "a camera"
        raise UnsupportedInput(
            f"a raw file of {maker}, in which only a preview is a picture; develop it, and give the TIFF or JPEG"
        )


def _left(contents: Contents, taken: Page, main: int) -> tuple[str, ...]:
    notes = []
    if main > 1:
        which = "first" if taken.number == 0 else "largest"
        notes.append(
            f"the {which} of {main} pictures in the file was taken, page {taken.number}; --page N takes another"
            if taken.number
            else f"the first of {main} pictures in the file was taken; --page N takes another"
        )
    elif taken.number:
        notes.append(f"page {taken.number} of the file was taken, the largest; --page N takes another")
    if contents.broken:
        notes.append(f"the link to a further picture {contents.broken}: if there were more, they are lost")
    return tuple(notes)


def _are_rgb(pages: Sequence[Page]) -> bool:
    """Say whether three grey pages are red, green and blue: all alike, and none is said to be a page of a document."""
    kinds = {(page.samples, page.photometric, page.bits, page.compression, page.subfile) for page in pages}
    grey = kinds and {kind[:2] for kind in kinds} == {(1, tags.MINISBLACK)}
    document = any(page.subfile & tags.PAGE or page.tags.valueof(tags.PAGE_NUMBER) is not None for page in pages)
    return len(pages) == 3 and len(kinds) == 1 and bool(grey) and pages[0].bits in (8, 16) and not document


def _largest_stack(contents: Contents, options: TiffOptions) -> Picture:
    stack = max(contents.stacks, key=lambda stack: stack.area)
    by_place = {page.offset: page for top in contents.pages for page in (top, *top.inner)}
    notes = []
    if len(contents.stacks) > 1:
        name = f" '{stack.name}'" if stack.name else ""
        which = "first" if stack is contents.stacks[0] else "largest"
        notes.append(
            f"the {which} of {len(contents.stacks)} images in the file was taken{name}; --page N takes another"
        )
    return _plane(stack, by_place, options, tuple(notes))


def _plane(stack: Stack, pages: dict[int, Page], options: TiffOptions, notes: tuple[str, ...]) -> Picture:
    """Return one plane of ``stack``, or three that are red, green and blue."""
    rgb = stack.is_rgb and options.channel is None
    wanted = {"C": options.channel, "Z": options.z}
    said, index = list(notes), 0
    strides = [math.prod(stack.shape[at + 1 :]) for at in range(len(stack.shape))]
    for axis, count, stride in zip(stack.axes, stack.shape, strides, strict=True):
        given = wanted.pop(axis, None)
        if given is not None and given >= count:
            raise OptionError(f"{NAMES[axis][1]} is from 0 to {count - 1} in this picture, not {given}")
        index += (given or 0) * stride
        if count > 1 and not (axis == "C" and rgb):
            said.append(_taken(axis, count, given or 0))
    if options.z and "Z" in wanted:
        raise OptionError(f"this picture has one z-plane, 0, not {options.z}")
    step = strides[stack.axes.index("C")] if rgb else 0
    if rgb:
        said.append("three grey pages were taken for red, green and blue; --reader-option channel=N takes one alone")
    layers: list[Layer] = []
    for places in stack.levels:
        found = [places[index + number * step] for number in range(3 if rgb else 1)]
        if not layers and any(place is None or place not in pages for place in found):
            raise UnsupportedInput("an OME-TIFF whose pixels are in another file, which it names; give that")
        if all(place is not None and place in pages for place in found):
            layers.append(Layer(tuple(pages[place] for place in found if place is not None)))
    base = layers[0].pages[0]
    levels = [layers[0], *(layer for layer in layers[1:] if _is_level(base, layer.pages[0]))]
    return Picture(levels, tuple(said), stack.mpp, wanted.get("C"))


NAMES = {"C": ("channels", "channel"), "Z": ("z-planes", "z"), "T": ("times", "")}


def _taken(axis: str, count: int, index: int) -> str:
    plural, option = NAMES.get(axis, (f"planes along {axis}", ""))
    how = f"--reader-option {option}=N" if option else "--page N"
    return f"of {count} {plural}, {index} was taken; {how} takes another"


def _refuse_unused(options: TiffOptions, page: Page) -> None:
    if options.z:
        raise OptionError(f"this picture has one z-plane, 0, not {options.z}")
    if options.channel is not None and options.channel >= page.samples:
        raise OptionError(f"channel is from 0 to {page.samples - 1} in this picture, not {options.channel}")


def _layers(pages: Sequence[Page], base: Page) -> list[Layer]:
    """Return ``base`` with those of its sub-pictures, or of the reduced pages behind it, that are levels of it."""
    behind = []
    for page in pages[base.number + 1 :]:
        if not page.subfile & (tags.REDUCED | tags.MASK):
            break
        behind.append(page)
    masks = [page for page in (*base.inner, *behind) if page.subfile & tags.MASK]
    mask = next((page for page in masks if page.size == base.size), None)
    reduced = [page for page in (*base.inner, *behind) if not page.subfile & tags.MASK and _is_level(base, page)]
    reduced.sort(key=lambda page: -page.size.width)
    layers = [Layer((base,), mask)]
    for page in reduced:
        own = next((one for one in masks if one.size == page.size), None)
        if page.size.width < layers[-1].pages[0].size.width and (mask is None) == (own is None):
            layers.append(Layer((page,), own))
    return layers


def _is_level(base: Page, page: Page) -> bool:
    same = (page.samples, page.photometric, page.bits) == (base.samples, base.photometric, base.bits)
    across, down = base.size.width / page.size.width, base.size.height / page.size.height
    # A side of few pixels is rounded by much.
    slack = SAME_SHAPE + 2 / min(page.size.width, page.size.height)
    return same and page.tile_size is not None and across > 1 and abs(across / down - 1) < slack
