"""What the page can show. Nothing else is imported here: every command reads it."""

# Those whose tile paths page/layouts.js works out.
LAYOUTS = ("dzi", "google", "iiif3", "zoomify")
# Tiles that browsers show, if not every one of them: page/formats.js tries the browser with those that are in doubt.
FORMATS = ("avif", "bmp", "gif", "jpeg", "jxl", "png", "webp")
