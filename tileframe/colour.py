"""Colours of an open slide, managed by the plugin that offers it. Slides without a profile need none."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from tileframe.errors import CheckError, OptionError, PluginError
from tileframe.facts import ColourMode, Intent, Samples
from tileframe.protocols import EmbedsProfiles, Managed, Source, Writer
from tileframe.records import ColourRecord
from tileframe.registry import Registry


def managed(source: Source, mode: ColourMode, intent: Intent, registry: Registry) -> Managed:
    """Return ``source`` as RGB8 of the colours that ``mode`` asks for; `PluginError` where no plugin can do that."""
    facts = source.facts
    if facts.icc is None and facts.samples in (Samples.RGB, Samples.GREY):
        return Managed(source, ColourRecord(mode, intent, "the slide has no colour profile"))
    if not registry.colours:
        what = f"{facts.samples.value} pixels" if facts.icc is None else "its colour profile"
        raise PluginError(f"no plugin that is loaded manages colours, as {what} needs it; load 'colour'")
    if len(registry.colours) > 1:
        names = " and ".join(offer.name for offer in registry.colours)
        raise PluginError(f"more than one plugin manages colours: {names}; name one of them in TILEFRAME_PLUGINS")
    return registry.colours[0].create().managed(source, mode, intent)


def for_writer(found: Managed, writer: Writer, format: str) -> Managed:
    """Return ``found`` with the profile that tiles of ``format`` will carry, if any.

    Where the format takes none, sRGB goes without, for that is what viewers assume; anything else is an `OptionError`,
    as is a profile that is too large for a tile.
    """
    if found.profile is None:
        return found
    if isinstance(writer, EmbedsProfiles):
        _refuse_too_large(found.profile, writer, format)
        return replace(found, record=replace(found.record, embedded=sha256(found.profile).hexdigest()))
    if found.record.converted:
        return replace(found, profile=None)
    raise OptionError(f"{format} tiles carry no colour profile here; give --color srgb or keep, or another --format")


def _refuse_too_large(profile: bytes, writer: Writer, format: str) -> None:
    """Put ``profile`` into a tile of one pixel, for what cannot be done is to be said before the work."""
    import numpy as np  # here, for a start of the command line does without

    tile = writer.encode(np.zeros((1, 1, 3), np.uint8))
    assert isinstance(writer, EmbedsProfiles)
    try:
        writer.with_profile(tile, profile)
    except CheckError as error:
        raise OptionError(f"a {format} tile {error}; give --color srgb or keep, or another --format") from error
