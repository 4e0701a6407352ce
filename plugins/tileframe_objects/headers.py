"""The headers with which objects are served: what they are, and for how long they may be kept."""

from __future__ import annotations

from tileframe_objects.options import ObjectOptions

TYPES = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "dzi": "application/xml",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "jxl": "image/jxl",
    "png": "image/png",
    "sha256": "text/plain; charset=utf-8",
    "szi": "application/zip",
    "webp": "image/webp",
    "xml": "application/xml",
    "zip": "application/zip",
}


def headers(key: str, options: ObjectOptions, *, lasting: bool) -> dict[str, str]:
    """Return those of ``key``; ``lasting`` are tiles and archives, of which there are the most."""
    found = TYPES.get(key.rpartition(".")[2].lower(), "application/octet-stream")
    cache = options.cache_control if lasting else options.descriptor_cache_control
    kind = (options.content_type or found) if lasting else found
    return {"Content-Type": kind, **({"Cache-Control": cache} if cache else {})}
