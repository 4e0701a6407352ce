"""Tabs that one test after another uses: a new one is a process, and costs as much as the page in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tab:
    """A tab, and what one test listens to in it."""

    page: Any
    free: list[Any]
    """Where the tabs of its kind wait that are not in use."""
    listeners: Mapping[str, Any]

    def empty(self) -> None:
        """Leave the page; nothing of the test stays but what the browser keeps for its server."""
        if self.page.url != "about:blank":
            self.page.goto("about:blank")
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        self.page.mouse.move(-1, -1)
        self.free.append(self.page)


@dataclass
class Tabs:
    """The tabs of a browser, in a context for each set of options; `open_page` leaves nothing of a test in them."""

    browser: Any
    openers: dict[str, Any] = field(default_factory=dict)
    """A page of each context, which opens the others."""
    free: dict[tuple[str, bool], list[Any]] = field(default_factory=dict)

    def take(
        self,
        listeners: Mapping[str, Any],
        *,
        width: int,
        height: int,
        as_file: bool,
        color_scheme: str = "light",
        **how: Any,
    ) -> Tab:
        """Take one that is free, or open one. What comes from files is in another process than what is served."""
        size = {"width": width, "height": height}
        key = repr(sorted(how.items()))
        if key not in self.openers:
            self.openers[key] = self.browser.new_context(viewport=size, **how).new_page()
        free = self.free.setdefault((key, as_file), [])
        page = free.pop() if free else _window(self.openers[key])
        page.bring_to_front()  # what is behind another one may wait for ever to be drawn
        page.set_viewport_size(size)
        page.emulate_media(media="null", color_scheme=color_scheme)
        page.set_default_timeout(10_000)
        for event, listener in listeners.items():
            page.on(event, listener)
        return Tab(page, free, listeners)


def _window(opener: Any) -> Any:
    """Open a window without a strip of tabs: while a page loads, that is drawn anew, for a tenth of all the time."""
    with opener.expect_popup() as told:
        opener.evaluate("() => { window.open('about:blank', '', 'popup,noopener'); }")
    return told.value
