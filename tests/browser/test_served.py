"""The page, and a page of another site, in the browser, by servers with the recipes of docs/serving.md."""

from __future__ import annotations

import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.test_serving_recipes import PAGE, replaced, served, slides  # noqa: F401 - fixtures


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def test_the_page_opens_and_so_does_the_pyramid_in_another_site(tab, served, slides, tmp_path):  # noqa: F811
    messages: list[str] = []
    page = tab({"console": lambda message: messages.append(message.text)}).page
    page.goto(f"{served}/slide.html")
    page.wait_for_selector("#stages[aria-busy=false]", state="attached")
    assert messages == []
    site = next(block for block in re.findall(r"```html\n(.*?)```", PAGE, re.DOTALL) if "OpenSeadragon(" in block)
    site = replaced(
        site,
        ("https://slides.example.org", served),
        ("OpenSeadragon({", "window.viewer = OpenSeadragon({ drawer: 'canvas',"),
    )
    (tmp_path / "index.html").write_text(site, encoding="utf-8")
    script = next(Path(slides, "tileframe-viewer").glob("openseadragon-*.js"))
    shutil.copy(script, tmp_path / "openseadragon.min.js")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(tmp_path))) as other:
        threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        page.goto(f"http://127.0.0.1:{other.server_port}/index.html")
        page.wait_for_function("viewer.world.getItemCount() == 1 && viewer.world.getItemAt(0).getFullyLoaded()")
        part = """async (url) => {
            const part = await fetch(url, { headers: { Range: "bytes=-100" } });
            return [part.status, (await part.arrayBuffer()).byteLength, part.headers.has("Content-Range")];
        }"""
        assert page.evaluate(part, f"{served}/one.szi") == [206, 100, True]
        page.goto("about:blank")
        other.shutdown()
