"""The media types of the files of pyramids and pages, by their endings: never what the system says of them."""

from __future__ import annotations

TYPES = {
    "avif": "image/avif", "bmp": "image/bmp", "css": "text/css; charset=utf-8", "dzi": "application/xml",
    "geojson": "application/geo+json", "gif": "image/gif", "html": "text/html; charset=utf-8", "jpeg": "image/jpeg",
    "jpg": "image/jpeg", "js": "text/javascript; charset=utf-8", "json": "application/json", "jxl": "image/jxl",
    "png": "image/png", "sha256": "text/plain; charset=utf-8", "svg": "image/svg+xml", "szi": "application/zip",
    "txt": "text/plain; charset=utf-8", "webp": "image/webp", "xml": "application/xml", "zip": "application/zip",
}  # fmt: skip


def media_type(key: str) -> str:
    """Return the media type of the file ``key``."""
    return TYPES.get(key.rpartition(".")[2].lower(), "application/octet-stream")
