"""Colour management: slides with a colour profile become sRGB, by LittleCMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import ColourPlugin, PluginError, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import ColourManager


def _manager() -> ColourManager:
    try:
        from tileframe_colour.manager import IccManager
    except ImportError as error:
        raise PluginError(f"colour management needs Pillow with LittleCMS, and OpenCV ({error})") from error
    return IccManager()


@hookimpl
def tileframe_colours() -> Sequence[ColourPlugin]:
    """Offer it."""
    return [ColourPlugin("icc", "conversion to sRGB by the slide's ICC profile", _manager)]
