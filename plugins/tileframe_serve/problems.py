"""The pages and pictures that say what is wrong, and the policy of pages."""

from __future__ import annotations

import hashlib
import io
import re
from base64 import b64encode
from functools import lru_cache
from html import escape, unescape

from PIL import Image, ImageDraw

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""The policy of what is no page."""
STYLE = (
    ":root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }"
    "main { max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem; overflow-wrap: anywhere; }"
    "h1 { font-size: 1.4rem; } a { color: inherit; }"
)


def policy(page: str) -> str:
    """Return the Content-Security-Policy that ``page`` has in itself, for its header."""
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    own = unescape(found[1]).replace(" file:", "") if found else "default-src 'none'"
    return f"{own}; frame-ancestors 'none'"


def problem_page(title: str, text: str, home: str) -> str:
    """Return a page that says what is wrong, with a link to the gallery, if ``home`` has its address."""
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    link = f'<p><a href="{escape(home)}">All slides</a></p>' if home else ""
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{link}</main></html>"
    )


@lru_cache(maxsize=8)
def problem_picture(text: str, side: int = 256) -> bytes:
    """Return a square picture that says what is wrong, in place of a tile or a thumbnail."""
    image = Image.new("RGB", (side, side), (240, 240, 240))
    draw = ImageDraw.Draw(image)
    for shift in range(-side, side, 32):
        draw.line((shift, side, shift + side, 0), fill=(225, 200, 200), width=4)
    draw.rectangle((0, 0, side - 1, side - 1), outline=(176, 0, 32), width=2)
    draw.multiline_text((side / 2, side / 2), text, fill=(120, 0, 20), anchor="mm", align="center", font_size=20)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
