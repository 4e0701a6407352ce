"""The gallery of several pyramids, in the browser, from a file."""

from __future__ import annotations

from pathlib import Path

from tests.pictures import photo, png
from tileframe_start.command import run_command


def test_the_gallery_shows_all_finds_some_and_leads_to_their_pages(tab, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("liver one", "liver two", "kidney"):
        png(tmp_path / "in" / f"{name}.png", photo(700, 500))
    assert run_command(["run", str(tmp_path / "in"), "-o", f"{tmp_path}/out/", "--viewer", "-q"]) == 0
    messages: list[str] = []
    page = tab({"console": lambda message: messages.append(message.text)}).page
    page.goto(Path(tmp_path, "out", "index.html").as_uri())
    assert page.locator("li").count() == 3
    loaded = "[...document.images].every(image => image.complete && image.naturalWidth > 100)"
    page.wait_for_function(loaded)
    page.fill("#search", "two LIVER")
    assert page.locator("li:visible").all_inner_texts() == ["liver two\n700×500"]
    assert page.inner_text("#count") == "1 of 3 slides"
    page.click("li:visible a")
    page.wait_for_selector("#stages[aria-busy=false]")
    assert page.title() == "liver two"
    assert messages == []
