"""The page, and a page of another site, in the browser, by servers with the recipes of docs/serving.md."""

from __future__ import annotations

from tests.test_serving_recipes import served, slides  # noqa: F401 - fixtures


def test_the_page_opens_and_another_site_reads_descriptors_and_parts_of_archives(browser, served):  # noqa: F811
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(f"{served}/slide.html")
    page.wait_for_selector("#stages[aria-busy=false]")
    assert messages == []
    page.goto("data:text/html,<p>another site")
    assert page.evaluate(
        """async (from) => {
            const dzi = await fetch(`${from}/slide.dzi`);
            const part = await fetch(`${from}/one.szi`, { headers: { Range: "bytes=-100" } });
            return [dzi.status, part.status, (await part.arrayBuffer()).byteLength, part.headers.has("Content-Range")];
        }""",
        served,
    ) == [200, 206, 100, True]
    page.close()
