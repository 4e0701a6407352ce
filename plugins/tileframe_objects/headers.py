"""The headers with which objects are served: what they are, and for how long they may be kept."""

from __future__ import annotations

from tileframe_objects.options import ObjectOptions
from tileframe_storage.media import media_type


def headers(key: str, options: ObjectOptions, *, lasting: bool) -> dict[str, str]:
    """Return those of ``key``; ``lasting`` are tiles and archives, of which there are the most."""
    found = media_type(key)
    cache = options.cache_control if lasting else options.descriptor_cache_control
    kind = (options.content_type or found) if lasting else found
    return {"Content-Type": kind, **({"Cache-Control": cache} if cache else {})}
