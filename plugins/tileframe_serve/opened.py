"""The slides and pyramids that are open: the last ones used, and none that changed or that nobody asks for."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, TypeAlias

from tileframe import InputError
from tileframe_serve.catalogue import Entry
from tileframe_serve.settings import Settings
from tileframe_serve.slides import Slide
from tileframe_serve.stored import Stored

Shown: TypeAlias = Slide | Stored

UNUSED = 60.0
"""Seconds after which one that nobody asks for is closed."""
LOOKED_AT = 1.0
"""Seconds for which a file is taken to be unchanged."""
MOST_HELD = 1 << 30
"""Bytes of pictures in memory, of all that are open together."""


class Held:
    """One that is open, and how often it is in use: it is closed when it was let go and nobody uses it any more.

    Called by the thread of the event loop alone.
    """

    def __init__(self, entry: Entry, shown: Shown, state: object) -> None:
        self.entry, self.shown, self.state = entry, shown, state
        self.used = self.looked_at = time.monotonic()
        self._uses, self._let_go = 0, False
        self.is_closed = False

    def take(self) -> None:
        """Use it; `give` ends that."""
        self._uses += 1

    def give(self) -> None:
        """End a use."""
        self._uses -= 1
        self._close_if_unused()

    def let_go(self) -> None:
        """Close it as soon as nobody uses it."""
        self._let_go = True
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._let_go and self._uses == 0 and not self.is_closed:
            self.is_closed = True
            self.shown.close()


class Opened:
    """All that is open, by id. Called by the thread of the event loop alone, but for `open`."""

    def __init__(self, settings: Settings, registry: Any) -> None:
        self._settings, self._registry = settings, registry
        self._held: OrderedDict[str, Held] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def peek(self, entry: Entry) -> Held | None:
        """Return what is open of ``entry``; None where nothing is, or where the file has changed since."""
        held = self._held.get(entry.id)
        if held is None:
            return None
        now = time.monotonic()
        if now - held.looked_at > LOOKED_AT:
            held.looked_at = now
            if held.entry.state() != held.state:
                self._held.pop(entry.id).let_go()
                return None
        held.used = now
        self._held.move_to_end(entry.id)
        return held

    def open(self, entry: Entry) -> Held:
        """Open it, in any thread; `keep` is to be called with it."""
        state = entry.state()
        if not entry.holds(entry.target):  # since it was found
            raise InputError(f"{entry.name}: is a link that leads out of the folder that is served")
        if entry.is_pyramid:
            return Held(entry, Stored(entry, self._registry), state)
        return Held(entry, Slide(entry, self._settings, self._registry), state)

    def keep(self, held: Held) -> Held:
        """Keep it, and let the one go that was not used for longest if there are too many."""
        former = self._held.pop(held.entry.id, None)
        if former is not None:
            former.let_go()
        self._held[held.entry.id] = held
        while len(self._held) > 1 and (len(self._held) > self._settings.slides or self._bytes() > MOST_HELD):
            self._held.popitem(last=False)[1].let_go()
        return held

    def close_unused(self) -> None:
        """Close those that nobody has asked for in a while."""
        now = time.monotonic()
        for one in [one for one in self._held.values() if now - one.used > UNUSED]:
            self._held.pop(one.entry.id).let_go()

    def close(self) -> None:
        """Close all."""
        while self._held:
            self._held.popitem()[1].let_go()

    def _bytes(self) -> int:
        return sum(held.shown.held_bytes for held in self._held.values())
