"""Colour management: slides with a colour profile become sRGB, by LittleCMS."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import ColourManager, ColourPlugin, PluginError, hookimpl


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
